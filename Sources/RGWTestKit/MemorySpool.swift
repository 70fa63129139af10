import RGWBase
import RGWObject
package import RGWSpool
import Synchronization

/// A journal in memory. It keeps what was committed, as SQLite does after `kill -9`.
package final class MemoryJournal: Journal {
    private struct State {
        var nodes: [InodeNumber: NodeRecord] = [:]
        var intents: [ObjectAddress: IntentRecord] = [:]
        var flights: [ObjectAddress: FlightRecord] = [:]
        var partials: [InodeNumber: PartialRecord] = [:]
        var extents: [ExtentRecord] = []
        var nextInode = InodeNumber(2)
        var nextData = DataID(1)
        var commits = 0
        var failure: SpoolError?
    }
    private let state = Mutex(State())
    package let faults: SpoolFaults

    package init(faults: SpoolFaults = SpoolFaults()) { self.faults = faults }

    package var commits: Int { state.withLock { $0.commits } }

    /// What a crash at this moment leaves.
    package func copy() -> MemoryJournal {
        let copy = MemoryJournal()
        let now = state.withLock { $0 }
        copy.state.withLock { $0 = now }
        return copy
    }

    /// The next commits fail.
    package func setFailure(_ failure: SpoolError?) { state.withLock { $0.failure = failure } }

    package func load() throws(SpoolError) -> JournalContents {
        state.withLock { state in
            var contents = JournalContents(
                nodes: state.nodes.values.sorted { $0.inode < $1.inode },
                intents: state.intents.values.sorted { $0.address.key < $1.address.key },
                flights: state.flights.values.sorted { $0.address.key < $1.address.key },
                nextInode: state.nextInode, nextData: state.nextData)
            contents.partials = state.partials.values.sorted { $0.inode < $1.inode }
            contents.extents = state.extents
            return contents
        }
    }

    package func commit(_ changes: [JournalChange], durability: Durability) throws(SpoolError) {
        try faults.check(changes.isEmpty ? .barrier : .commit)
        let failure: SpoolError? = state.withLock { state in
            if let failure = state.failure { return failure }
            state.commits += 1
            for change in changes { Self.apply(change, &state) }
            return nil
        }
        if let failure { throw failure }
    }

    private static func apply(_ change: JournalChange, _ state: inout State) {
        switch change {
        case .node(let node):
            state.nodes[node.inode] = node
            if !node.inode.isDerived {
                state.nextInode = max(state.nextInode, InodeNumber(node.inode.value + 1))
            }
            for data in node.dataFiles {
                state.nextData = max(state.nextData, DataID(data.value + 1))
            }
        case .removeNode(let inode): state.nodes[inode] = nil
        case .intent(let intent): state.intents[intent.address] = intent
        case .removeIntent(let address): state.intents[address] = nil
        case .flight(let flight): state.flights[flight.address] = flight
        case .removeFlight(let address): state.flights[address] = nil
        case .partial(let partial): state.partials[partial.inode] = partial
        case .extent(let extent): state.extents.append(extent)
        case .removePartial(let inode):
            state.partials[inode] = nil
            state.extents.removeAll { $0.inode == inode }
        }
    }
}
