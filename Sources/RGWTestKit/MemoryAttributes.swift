package import RGWBase
package import RGWObject
package import RGWSpool
import Synchronization

/// A store of attributes in memory, which keeps everything, or what it is told to answer.
package final class MemoryAttributes: AttributeStore {
    private struct State {
        var objects: [ObjectAddress: KnownObject] = [:]
        var numbers: [InodeNumber: InodeNumber] = [:]
        var recalls = 0
        var writes = 0
        var isDead = false
    }
    private let state = Mutex(State())

    package init() {}

    package func recall(_ address: ObjectAddress) -> KnownObject? {
        state.withLock { state in
            state.recalls += 1
            return state.isDead ? nil : state.objects[address]
        }
    }

    package func numbers(of homes: [InodeNumber]) -> [InodeNumber: InodeNumber] {
        state.withLock { state in
            var found: [InodeNumber: InodeNumber] = [:]
            for home in homes { found[home] = state.numbers[home] }
            return found
        }
    }

    package func takenNumbers() -> TakenNumbers {
        state.withLock { state in
            var taken = TakenNumbers()
            taken.largest = state.numbers.values.filter { !$0.isDerived }.max()
            taken.derived = state.numbers.values.filter(\.isDerived)
            return taken
        }
    }

    package func write(_ changes: KnownChanges) {
        state.withLock { state in
            state.writes += 1
            if state.isDead { return }
            for (address, object) in changes.objects { state.objects[address] = object }
            for (home, number) in changes.numbers {
                if let number { state.numbers = state.numbers.filter { $0.value != number } }
                state.numbers[home] = nil
            }
            for (home, number) in changes.numbers { state.numbers[home] = number }
        }
    }

    /// Everything is lost, and what comes is lost too, as in a database that failed.
    package func die() { state.withLock { ($0.objects, $0.numbers, $0.isDead) = ([:], [:], true) } }

    /// Puts something there that no mount wrote.
    package func plant(_ address: ObjectAddress, _ object: KnownObject) {
        state.withLock { $0.objects[address] = object }
    }

    package func object(_ address: ObjectAddress) -> KnownObject? {
        state.withLock { $0.objects[address] }
    }

    package var count: Int { state.withLock { $0.objects.count } }
    package var recalls: Int { state.withLock { $0.recalls } }
    package var writes: Int { state.withLock { $0.writes } }
}
