import RGWBase
import RGWObject
import RGWSpool

/// What the state and the journal keep of files that are in the spool in part.
extension VolumeState {
    /// Bytes of the object that a change need not fetch first are so many that it does not.
    func isLarge(_ bytes: UInt64) -> Bool { bytes > configuration.wholeBytesMax }

    /// False: the file changed meanwhile, and whoever waited decides again.
    mutating func adoptPartial(
        _ inode: InodeNumber, _ data: (DataID, any SpoolFile), _ base: BaseVersion
    ) -> Bool {
        guard let known = inodes[inode], known.dataID == nil,
            known.base?.isSameVersion(as: base) == true,
            let source = location(inode)
        else { return false }
        let partial = Partial(
            source: source, etag: base.etag, length: base.size, sourceSize: base.size)
        inodes[inode]?.content = .spool(data.0, data.1)
        inodes[inode]?.isBroken = false
        inodes[inode]?.partial = partial
        partials.insert(inode)
        saveNode(inode)
        save(partial, inode)
        return true
    }

    private mutating func save(_ partial: Partial, _ inode: InodeNumber) {
        journal.append(
            .partial(
                PartialRecord(
                    inode: inode, source: partial.source, etag: partial.etag,
                    length: partial.length)))
    }

    /// Everything is in the data file and on the disk.
    mutating func finishPartial(_ inode: InodeNumber) {
        guard inodes[inode]?.partial?.isComplete == true else { return }
        dropPartial(inode)
    }

    /// The data file is all there is.
    mutating func dropPartial(_ inode: InodeNumber) {
        guard partials.remove(inode) != nil else { return }
        inodes[inode]?.partial = nil
        journal.append(.removePartial(inode))
    }

    /// A write reached the file: from now on the object's bytes never replace it.
    mutating func noteExtent(_ request: WriteRequest, _ claimed: [Range<UInt64>]) {
        guard inodes.look(request.inode, { $0.partial }) != nil else { return }
        inodes[request.inode]?.partial?.settle(claimed, written: true)
        guard let known = inodes[request.inode],
            inodes[request.inode]?.partial?.record(request.range) == true
        else { return }
        journal.append(
            .extent(
                ExtentRecord(
                    inode: request.inode, range: request.range, generation: known.generation)))
    }

    /// Cuts a file of which only a part is here.
    mutating func cutPartial(_ inode: InodeNumber, to size: UInt64) {
        guard inodes[inode]?.partial != nil else { return }
        // What is on the disk is of the file before the cut, until the next barrier.
        inodes[inode]?.sealed = nil
        saveNode(inode)
        inodes[inode]?.partial?.cut(to: size)
        if let partial = inodes[inode]?.partial, size > 0 {
            save(partial, inode)
        } else {
            dropPartial(inode)
        }
    }

    /// What an earlier mount had of large objects. After a power cut only what was synced counts.
    mutating func restorePartials(_ contents: JournalContents, afterPowerCut: Bool) {
        let rows = Dictionary(contents.nodes.map { ($0.inode, $0) }) { first, _ in first }
        let extents = Dictionary(grouping: contents.extents, by: \.inode)
        for record in contents.partials {
            let data = inodes[record.inode]?.dataID
            guard let row = rows[record.inode], data != nil else {
                journal.append(.removePartial(record.inode))
                continue
            }
            if row.replaced != nil, row.data == data {
                restoreReplaced(record)
            } else {
                restore(record, extents[record.inode] ?? [], row, afterPowerCut: afterPowerCut)
            }
        }
    }

    private mutating func restore(
        _ record: PartialRecord, _ extents: [ExtentRecord], _ row: NodeRecord, afterPowerCut: Bool
    ) {
        let sealed = inodes[record.inode]?.sealed
        var partial = Partial(source: record.source, etag: record.etag, length: record.length)
        for extent in extents {
            let isSafe = sealed.map { extent.generation <= $0 } ?? false
            if !afterPowerCut || isSafe { partial.restore(extent.range) }
        }
        inodes[record.inode]?.partial = partial
        partials.insert(record.inode)
        if afterPowerCut { restoreSize(row) }
    }

    /// The rows are of the version that was replaced.
    private mutating func restoreReplaced(_ record: PartialRecord) {
        guard var replaced = inodes[record.inode]?.replaced else {
            journal.append(.removePartial(record.inode))
            return
        }
        replaced.partial = Partial(
            source: record.source, etag: record.etag, length: record.length)
        inodes[record.inode]?.replaced = replaced
    }

    /// After a power cut the file's length on the disk may be older than the row's.
    private mutating func restoreSize(_ row: NodeRecord) {
        guard case .spool(let data, let file) = inodes[row.inode]?.content,
            let found = inodes[row.inode]?.attributes.size
        else { return }
        let size = row.size(in: data)
        guard size < found else { return }
        do throws(SpoolError) {
            try file.truncate(to: size)
            inodes[row.inode]?.attributes.size = size
        } catch { spoolFailure = error }
    }
}
