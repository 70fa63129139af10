import RGWBase
import RGWObject
import RGWSpool

/// The counts, sums and sets that decisions read instead of looking at everything. Decision 100.
extension VolumeState {
    /// What intents send is counted with the inodes. At the end of every decision.
    mutating func keepIndexes() {
        if intents.intents.hasMoves { inodes.note(intents.intents.takeMoves()) }
    }

    /// What is not as a look at everything finds it.
    func indexFaults() -> [String] {
        var uploads: [InodeNumber: Int] = [:]
        for (_, intent) in intents.intents where intent.record.want == .put {
            if let inode = intent.record.inode { uploads[inode, default: 0] += 1 }
        }
        return intents.intents.faults() + inodes.faults(uploads: uploads)
            + intents.below.faults(intents.pendingKeys(under: .everything))
    }
}

extension FileSystem {
    /// What the state keeps twice and is not the same: none, unless rgwfs is wrong. For tests; looks at everything.
    package func indexFaults() -> [String] { withState { state in state.indexFaults() } }
}
