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
        guard let known = inodes[inode], known.dataID == nil, known.base?.etag == base.etag,
            let source = location(inode)
        else { return false }
        let partial = Partial(source: source, etag: base.etag, length: base.size)
        inodes[inode]?.content = .spool(data.0, data.1)
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
        guard inodes[request.inode]?.partial != nil else { return }
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
        for record in contents.partials {
            guard let known = inodes[record.inode], let file = known.dataFile else {
                journal.append(.removePartial(record.inode))
                continue
            }
            let row = contents.nodes.first { $0.inode == record.inode }
            if row?.replaced != nil, known.dataID == row?.data {
                // The rows are of the version that was replaced.
                if known.replaced == nil { journal.append(.removePartial(record.inode)) }
                inodes[record.inode]?.replaced?.partial = Partial(
                    source: record.source, etag: record.etag, length: record.length)
                continue
            }
            var partial = Partial(source: record.source, etag: record.etag, length: record.length)
            for extent in contents.extents where extent.inode == record.inode {
                let isSafe = known.sealed.map { extent.generation <= $0 } ?? false
                if !afterPowerCut || isSafe { partial.restore(extent.range) }
            }
            inodes[record.inode]?.partial = partial
            partials.insert(record.inode)
            restoreSize(record.inode, file, contents, afterPowerCut: afterPowerCut)
        }
    }

    /// After a power cut the file's length on the disk may be older than the row's.
    private mutating func restoreSize(
        _ inode: InodeNumber, _ file: any SpoolFile, _ contents: JournalContents,
        afterPowerCut: Bool
    ) {
        guard afterPowerCut,
            let row = contents.nodes.first(where: { $0.inode == inode }),
            let known = inodes[inode]
        else { return }
        let isReplaced = row.replaced.map { $0.data == known.dataID } ?? false
        let size = (isReplaced ? row.replaced?.size : nil) ?? row.attributes.size
        guard size < known.attributes.size else { return }
        do throws(SpoolError) {
            try file.truncate(to: size)
            inodes[inode]?.attributes.size = size
        } catch { spoolFailure = error }
    }
}
