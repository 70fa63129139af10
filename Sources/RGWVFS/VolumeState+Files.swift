import RGWBase
import RGWObject
import RGWSpool

/// Open files: what opening, writing, truncating, flushing and closing change.
extension VolumeState {
    mutating func openFile(
        _ inode: InodeNumber, _ flags: OpenFlags
    ) throws(FileSystemError)
        -> OpenAnswer
    {
        guard let known = inodes[inode], !known.isMistaken, !isTaken(inode) else { throw .stale }
        // Nobody knows how long it was: its row may be older than its bytes.
        if known.dataFile is UnreadableFile { throw .inputOutput }
        let handle = newHandle()
        removals.count = 0
        // Pages of the version that is opened may stay: every change through this mount is in them.
        let keep = known.kernelVersion == known.foreignVersion
        files[handle] = OpenFile(
            inode: inode, flags: flags, foreignVersion: known.foreignVersion,
            keptPages: keep, size: known.attributes.size,
            failureSeen: known.failure.map { $0.isReported ? $0.sequence : 0 } ?? 0)
        inodes.change(inode) {
            $0.opens += 1
            if flags.write { $0.writers += 1 }
            $0.kernelVersion = known.foreignVersion
            $0.reopenedAt = nil
            // O_TRUNC: the kernel knows the size without being told. Source: linux fs/fuse/file.c, fuse_finish_open.
            if flags.truncate {
                $0.toldVersion = known.foreignVersion
                $0.appendShift = nil
            }
        }
        return OpenAnswer(handle: handle, keepCache: keep)
    }

    /// Bytes were written: the size and times move, and the file waits for close or fsync.
    mutating func noteWrite(_ inode: InodeNumber, end: UInt64, _ moment: FileSystem.Moment) {
        let size = inodes.look(inode) { $0.attributes.size }
        guard let size else { return }
        if end > size { inodes[inode]?.attributes.size = end }
        noteChange(inode, moment)
    }

    /// The content changed.
    mutating func noteChange(_ inode: InodeNumber, _ moment: FileSystem.Moment) {
        guard let known = inodes[inode] else { return }
        inodes.change(inode) {
            $0.attributes.mtime = moment.time
            $0.attributes.ctime = moment.time
            $0.generation = known.generation.next
            $0.ownChanges.insert(.mtime)
        }
        barrier.isNeededForData = true
        guard let address = address(inode) else { return }
        if !known.unflushed || intents.intents[address]?.record.want != .put {
            inodes[inode]?.unflushed = true
            // A version that somebody closed goes up in time, as a copy of the file as it is then.
            let isAwaited = intents.intents[address]?.waiters.isEmpty == false
            wantPut(
                inode, now: moment.now, time: moment.time,
                held: known.committed == nil || !known.isCopyable,
                delay: isAwaited ? .zero : configuration.writebackDelayMax)
        }
    }

    /// close or fsync: what was written is a version to upload.
    mutating func flush(_ inode: InodeNumber, _ moment: FileSystem.Moment) {
        let ended = inodes.look(inode) { $0.unflushed ? $0.generation : nil }
        guard let ended else { return }
        inodes.change(inode) {
            $0.confirm()
            $0.committed = ended
        }
        confirmReplacing(inode)
        wantPut(inode, now: moment.now, time: moment.time, held: false)
    }

    /// close. Returns what the journal must have before the answer: a version that replaces another becomes
    /// the file with that row. Otherwise a crash leaves the same without the rows, which the next commit or
    /// barrier takes along: the bytes are in the data file, and the rows of the first write name it.
    mutating func close(_ inode: InodeNumber, _ moment: FileSystem.Moment) -> UInt64? {
        let before = journal.enqueued
        let replaces = inodes.look(inode) { $0.replacing || $0.replaced != nil } == true
        flush(inode, moment)
        let waits = replaces || configuration.commitInterval == .zero
        return waits && journal.enqueued != before ? journal.enqueued : nil
    }

    mutating func release(_ inode: InodeNumber, _ handle: HandleID, _ moment: FileSystem.Moment) {
        guard let file = files.removeValue(forKey: handle), let known = inodes[inode] else {
            return
        }
        reads.learn(from: file.reading, size: file.size)
        inodes.change(inode) {
            $0.opens -= 1
            if file.flags.write { $0.writers -= 1 }
        }
        // Written through a mapping after the last close: the kernel sends no flush for that.
        if file.flags.write, known.writers == 1 { flush(inode, moment) }
        guard known.opens == 1 else { return }
        releaseUnlinked(inode)
        if known.link == nil { dropBytes(inode) }
        if let address = address(inode), !intents.isPending(address) { becameClean(inode) }
        evict(inode)
    }

    // MARK: Size

    /// O_TRUNC and truncate to 0: the file starts anew in an empty spool file; the old object stays
    /// until close or fsync confirms.
    mutating func truncateToNothing(
        _ inode: InodeNumber, _ moment: FileSystem.Moment
    )
        throws(FileSystemError) -> Need?
    {
        guard let known = inodes[inode] else { throw .stale }
        if known.attributes.size == 0 {
            // Nothing to cut, but the times move: `: > stamp`.
            markContent(inode, moment)
            return nil
        }
        guard let file = known.dataFile else { return .hydrate(inode, length: 0) }
        if known.partial?.isQuiet == false { return .quiet(inode) }
        if known.isFrozen { return .thawed(inode) }
        if needsNewData(inode) { return .renew(inode) }
        do throws(SpoolError) { try file.truncate(to: 0) } catch { throw FileSystemError(error) }
        noteTruncation(inode, to: 0, moment)
        return nil
    }

    /// The content was replaced by an equal one.
    mutating func markContent(_ inode: InodeNumber, _ moment: FileSystem.Moment) {
        guard let known = inodes[inode] else { return }
        inodes[inode]?.attributes.mtime = moment.time
        inodes[inode]?.attributes.ctime = moment.time
        noteOwn(inode, .mtime)
        if known.link != nil { wantMetadata(inode, now: moment.now, time: moment.time) }
    }

    /// The content was cut to `size` bytes.
    mutating func noteTruncation(_ inode: InodeNumber, to size: UInt64, _ moment: FileSystem.Moment)
    {
        guard let known = inodes[inode] else { return }
        inodes[inode]?.appendShift = nil
        inodes[inode]?.attributes.size = size
        // What was on the spool's disk is gone; what comes is not there yet.
        if size == 0 {
            inodes[inode]?.forgetSeal()
            inodes[inode]?.isBroken = false
            // Half a replacement is no version: it goes up when it is closed.
            inodes[inode]?.committed = nil
        }
        // Without local changes before, a crash now must not replace the object by half a file.
        if size == 0, known.base != nil, address(inode).map({ !intents.isPending($0) }) ?? false {
            inodes[inode]?.replacing = true
        }
        noteChange(inode, moment)
        saveNode(inode)
        cutPartial(inode, to: size)
    }

    /// truncate(2) to any size.
    mutating func truncate(
        _ inode: InodeNumber, to size: UInt64, _ moment: FileSystem.Moment
    )
        throws(FileSystemError) -> Need?
    {
        guard let known = inodes[inode] else { throw .stale }
        if known.isDirectory { throw .isDirectory }
        if isReadOnly { throw .readOnly }
        if size > VolumeConfiguration.fileBytesMax { throw .tooLarge }
        if size == known.attributes.size {
            inodes[inode]?.appendShift = nil
            if known.writers == 0 { flush(inode, moment) }
            return nil
        }
        if size == 0 {
            if let need = try truncateToNothing(inode, moment) { return need }
        } else {
            guard let file = known.dataFile else {
                let kept = min(size, known.attributes.size)
                if isLarge(kept) {
                    if known.base?.size ?? 0 > space.fileMax { throw .spoolFull }
                    return .part(inode)
                }
                return .hydrate(inode, length: kept)
            }
            if known.partial?.isQuiet == false { return .quiet(inode) }
            if known.isFrozen { return .thawed(inode) }
            do throws(SpoolError) { try file.truncate(to: size) } catch {
                throw FileSystemError(error)
            }
            inodes[inode]?.appendShift = nil
            inodes[inode]?.attributes.size = size
            noteChange(inode, moment)
            // A file shorter than its row says is taken for damaged.
            saveNode(inode)
            cutPartial(inode, to: size)
        }
        // No close will follow when nobody has it open for writing.
        if inodes[inode]?.writers == 0 { flush(inode, moment) }
        return nil
    }
}
