import RGWBase
import RGWObject
import Synchronization

/// Copies many objects, a bounded number at a time; stops starting more at the first failure.
final class TreeCopy: Sendable {
    struct Item: Sendable {
        let from: ObjectAddress
        let to: ObjectAddress
        let etag: ETag
    }

    typealias Done = @Sendable ([(Item, Stored)], ObjectStoreError?) -> Void

    private struct State {
        var next = 0
        var running = 0
        var copied: [(Item, Stored)] = []
        var perhaps: [Item] = []
        var error: ObjectStoreError?
        var done: Done?
    }

    private let store: any ObjectStore
    private let items: [Item]
    private let parallel: Int
    private let state = Mutex(State())

    init(store: any ObjectStore, items: [Item], parallel: Int) {
        self.store = store
        self.items = items
        self.parallel = parallel
    }

    /// `done` is called once, when nothing runs any more.
    func run(then done: @escaping Done) {
        state.withLock { $0.done = done }
        advance()
    }

    private func advance() {
        while true {
            let (item, finished) = state.withLock { state -> (Item?, (() -> Void)?) in
                if state.error == nil, state.next < items.count, state.running < parallel {
                    state.next += 1
                    state.running += 1
                    return (items[state.next - 1], nil)
                }
                guard state.running == 0, let done = state.done else { return (nil, nil) }
                state.done = nil
                let (copied, error) = (state.copied, state.error)
                let perhaps = state.perhaps.map {
                    ($0, Stored(etag: $0.etag, lastModified: WallTime(seconds: 0)))
                }
                return (nil, { done(copied + perhaps, error) })
            }
            finished?()
            guard let item else { return }
            store.copyUntilKnown(
                from: item.from, to: item.to, metadata: nil, sourceMatching: item.etag
            ) { [self] result in
                ended(item, result)
                advance()
            }
        }
    }

    private func ended(_ item: Item, _ result: Result<Stored, ObjectStoreError>) {
        state.withLock { state in
            state.running -= 1
            switch result {
            case .success(let stored): state.copied.append((item, stored))
            // Removed by somebody else since it was listed: nothing to move.
            case .failure(let error) where error.kind == .noSuchKey: break
            case .failure(let error):
                state.error = state.error ?? error
                // It may be there; undoing the rename removes it.
                if error.kind == .unknownOutcome { state.perhaps.append(item) }
            }
        }
    }
}
