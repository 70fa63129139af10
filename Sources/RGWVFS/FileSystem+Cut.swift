import RGWBase
import RGWObject
import RGWSpool
import Synchronization

/// truncate(2) of a file with bytes in the spool: the data file is cut without the lock, while nobody writes or copies
/// it. Decision 103.
///
/// The cut is a need of the operation. What it changes is absorbed when it is done, so that nobody sees a file shorter
/// than its size for longer than the cut takes; the operation then finds its own `cut` and goes on.
extension FileSystem {
    /// Each operation that may cut a file has a number of its own.
    func newCut() -> UInt64 { cutNumbers.wrappingAdd(1, ordering: .relaxed).oldValue }

    /// Calls back, with the file claimed as by a writer, when nobody else writes to it. Whoever froze it may not be
    /// the only one.
    func whenStill(
        _ inode: InodeNumber, claims: Bool = false, then done: @escaping @Sendable () -> Void
    ) {
        fetch(.still(inode)) { [self] _ in
            let isStill = withState { state in
                guard state.inodes.look(inode, { $0.writesUnderWay }) ?? 0 == 0 else {
                    return false
                }
                if claims { state.inodes[inode]?.writesUnderWay += 1 }
                return true
            }
            if isStill { done() } else { whenStill(inode, claims: claims, then: done) }
        }
    }

    /// A write failed half way: what it left beyond the end of the file goes, unless another write there is under way;
    /// then its end sees to it.
    func cutBack(_ inode: InodeNumber) {
        enum Step: Sendable {
            case cut(any SpoolFile, UInt64)
            case later
            case nothing
        }
        let step = withState { state -> Step in
            guard let known = state.inodes[inode], known.writesUnderWay == 0,
                let file = known.dataFile
            else { return .nothing }
            if known.isFrozen { return .later }
            state.inodes[inode]?.freezes += 1
            state.inodes[inode]?.writesUnderWay += 1
            return .cut(file, known.attributes.size)
        }
        switch step {
        case .nothing: return
        case .later: return fetch(.thawed(inode)) { [self] _ in cutBack(inode) }
        case .cut(let file, let size):
            // A file that cannot be cut is no shorter in the journal either: recovery would show the tail.
            var left: UInt64?
            if let found = try? file.size(), found > size {
                do throws(SpoolError) { try file.truncate(to: size) } catch { left = found }
            }
            withState { [left] state in
                if let left { state.inodes[inode]?.attributes.size = left }
                state.endClaim(inode)
                state.thaw(inode)
            }
        }
    }

    func cut(_ need: Need, _ inode: InodeNumber, to size: UInt64, _ cut: UInt64) {
        let isFirst = withState { state in
            guard state.inodes.look(inode, { $0.isFrozen }) == false else { return false }
            state.inodes[inode]?.freezes += 1
            return true
        }
        // Whoever waits decides again, and waits for the other one to end.
        guard isFirst else { return finish(need, nil) }
        whenStill(inode, claims: true) { [self] in
            lanes.long.submit { [self] in cutStill(need, inode, to: size, cut) }
        }
    }

    private func cutStill(_ need: Need, _ inode: InodeNumber, to size: UInt64, _ cut: UInt64) {
        let begun = withState { state in state.beginCut(inode, to: size) }
        var failure: SpoolError?
        do throws(SpoolError) { try begun?.file.truncate(to: size) } catch { failure = error }
        let isCut = begun != nil && failure == nil
        let moment = moment()
        finish(need, failure.map { FileSystemError($0) }) { state in
            state.inodes[inode]?.partial?.settle(begun?.missing ?? [], written: false)
            state.endClaim(inode)
            state.thaw(inode)
            guard isCut, state.inodes.look(inode, { $0.dataID }) == begun?.data else { return }
            state.noteCut(inode, to: size, moment)
            state.inodes[inode]?.cuts.insert(cut)
        }
        endQuiet(inode)
        commitInBackground()
    }
}

/// A cut that is under way.
private struct BegunCut: Sendable {
    var data: DataID
    var file: any SpoolFile
    /// What is missing behind it: no fetch may bring it now.
    var missing: [Range<UInt64>]
}

extension VolumeState {
    /// Nil: a copy waits, which is of what is there now, or something is being fetched: both go first.
    fileprivate mutating func beginCut(_ inode: InodeNumber, to size: UInt64) -> BegunCut? {
        guard let known = inodes[inode], case .spool(let data, let file) = known.content,
            known.freezes == 1, known.partial?.isQuiet != false
        else { return nil }
        let end = max(size, known.partial?.length ?? 0)
        let missing = inodes[inode]?.partial?.claim(size..<end) ?? []
        return BegunCut(data: data, file: file, missing: missing)
    }

    mutating func thaw(_ inode: InodeNumber) {
        guard let freezes = inodes.look(inode, { $0.freezes }), freezes > 0 else { return }
        inodes[inode]?.freezes = freezes - 1
        if freezes == 1 { endNeed(.thawed(inode)) }
    }

    /// What claimed the file as a writer does has ended.
    mutating func endClaim(_ inode: InodeNumber) {
        guard let claims = inodes.look(inode, { $0.writesUnderWay }), claims > 0 else { return }
        inodes[inode]?.writesUnderWay = claims - 1
        if claims == 1 { endNeed(.still(inode)) }
    }

    /// The data file ends at `size` now.
    mutating func noteCut(_ inode: InodeNumber, to size: UInt64, _ moment: FileSystem.Moment) {
        if size == 0 { return noteTruncation(inode, to: 0, moment) }
        inodes[inode]?.appendShift = nil
        inodes[inode]?.attributes.size = size
        noteChange(inode, moment)
        // A file shorter than its row says is taken for damaged.
        saveNode(inode)
        cutPartial(inode, to: size)
    }

    /// The operation's own cut is done: true, once. Its row is the operation's to wait for.
    mutating func takeCut(_ inode: InodeNumber, _ cut: UInt64) -> Bool {
        guard inodes.look(inode, { $0.cuts.isEmpty }) == false,
            inodes[inode]?.cuts.remove(cut) != nil
        else { return false }
        saveNode(inode)
        return true
    }
}
