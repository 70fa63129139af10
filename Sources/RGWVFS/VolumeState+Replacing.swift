import RGWBase
import RGWObject
import RGWSpool

/// A version that is being replaced, and its bytes.
struct ReplacedVersion: Sendable {
    var record: ReplacedRecord
    let file: any SpoolFile
    /// The data file has only a part.
    var partial: Partial?
}

/// O_TRUNC and truncation to nothing of a file with local changes.
extension VolumeState {
    /// Cutting the data file would reach the disk before its row does, and would leave nothing of a version
    /// that a close or fsync ended: such a file gets another data file.
    func needsNewData(_ inode: InodeNumber) -> Bool {
        guard let known = inodes[inode], known.replaced == nil, known.dataID != nil,
            known.attributes.size > 0, let address = address(inode),
            let intent = intents.intents[address]?.record, intent.inode == inode
        else { return false }
        return known.sealed != nil || !known.unflushed
    }

    /// The file starts anew in `data`. False: it changed meanwhile, and whoever waited decides again.
    mutating func replaceData(
        _ inode: InodeNumber, _ data: (DataID, any SpoolFile), _ moment: FileSystem.Moment
    ) -> Bool {
        guard needsNewData(inode), let known = inodes[inode], known.partial?.isQuiet != false,
            case .spool(let id, let file) = known.content
        else { return false }
        let record = ReplacedRecord(
            data: id, size: known.attributes.size, mtime: known.attributes.mtime,
            generation: known.generation, sealed: known.sealed, isBroken: known.isBroken)
        inodes[inode]?.replaced = ReplacedVersion(
            record: record, file: file, partial: known.partial)
        inodes[inode]?.replacing = true
        inodes[inode]?.content = .spool(data.0, data.1)
        inodes[inode]?.partial = nil
        partials.remove(inode)
        noteTruncation(inode, to: 0, moment)
        return true
    }

    /// close or fsync: the new version is the file. Until it is on the disk, a power cut leaves the old one.
    mutating func confirmReplacing(_ inode: InodeNumber) {
        inodes[inode]?.replacing = false
        if inodes.look(inode, { $0.replaced?.record.sealed }) == nil { dropReplaced(inode) }
    }

    /// The new version is the file, whatever happens.
    mutating func endReplacing(_ inode: InodeNumber) {
        inodes[inode]?.replacing = false
        dropReplaced(inode)
    }

    private mutating func dropReplaced(_ inode: InodeNumber) {
        guard let replaced = inodes.look(inode, { $0.replaced }) else { return }
        inodes[inode]?.replaced = nil
        if replaced.partial != nil { journal.append(.removePartial(inode)) }
        discard(replaced.record.data)
    }

    /// The replaced version is in the bucket: the object stays until the new one is confirmed.
    mutating func landReplaced(_ flight: IntentTable.Flight) {
        guard flight.want == .put, let inode = flight.inode,
            inodes[inode]?.replaced?.record.generation == flight.generation
        else { return }
        dropReplaced(inode)
        saveNode(inode)
    }

    /// A data file reached the disk as it was at `generation`.
    mutating func noteSealed(_ inode: InodeNumber, _ data: DataID, at generation: Generation) {
        switch data {
        case inodes[inode]?.dataID:
            inodes[inode]?.sealed = generation
            if inodes[inode]?.replacing == false { dropReplaced(inode) }
        case inodes[inode]?.replaced?.record.data:
            inodes[inode]?.replaced?.record.sealed = generation
        default: return
        }
        sealedData.insert(data)
        saveNode(inode)
    }
}
