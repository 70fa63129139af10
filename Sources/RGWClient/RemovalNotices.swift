import RGWBase
import RGWObject
import Synchronization

/// Which buckets tell somebody of removals: DeleteObjects crashes radosgw 16 there (measured: 3 of
/// 3 tries; ceph pull requests 48679 and 49327), so the keys are deleted one by one.
///
/// Guarded by its mutex; nothing is called under it. An answer counts for five minutes, because
/// somebody may subscribe while a mount lives. Who may not read the configuration is told nothing,
/// and then DeleteObjects is not used: a crash of the server costs more than requests.
final class RemovalNotices: Sendable {
    typealias Answer = @Sendable (_ together: Bool) -> Void

    private enum Knowledge {
        case asking([Answer])
        case known(together: Bool, until: Instant)
    }
    private let buckets = Mutex<[BucketName: Knowledge]>([:])

    private static let validity = Duration.seconds(300)

    /// Says whether DeleteObjects may be used; at once when that is known. `ask` is called when it
    /// must be asked, by the first of those who want to know.
    func mayDeleteTogether(
        _ bucket: BucketName, clock: any Clock, then answer: @escaping Answer,
        ask: (@escaping Completion<Bool>) -> any Cancellable
    ) {
        let now = clock.now()
        let known = buckets.withLock { buckets -> (together: Bool?, asks: Bool) in
            switch buckets[bucket] {
            case .known(let together, let until) where now < until: return (together, false)
            case .asking(let others):
                buckets[bucket] = .asking(others + [answer])
                return (nil, false)
            case nil, .known:
                buckets[bucket] = .asking([answer])
                return (nil, true)
            }
        }
        if let together = known.together { return answer(together) }
        guard known.asks else { return }
        // Not cancelled with who asked first: others wait for it too.
        _ = ask { result in self.told(bucket, result, clock) }
    }

    /// Also called by the probe.
    func told(_ bucket: BucketName, _ result: Result<Bool, ObjectStoreError>, _ clock: any Clock) {
        var together = false
        var isDefinite = true
        switch result {
        case .success(let notifies): together = !notifies
        case .failure(let error): isDefinite = error.isRefusal
        }
        let until = clock.now() + Self.validity
        let knowledge = isDefinite ? Knowledge.known(together: together, until: until) : nil
        let waiting = buckets.withLock { buckets -> [Answer] in
            defer { buckets[bucket] = knowledge }
            guard case .asking(let waiting) = buckets[bucket] else { return [] }
            return waiting
        }
        for answer in waiting { answer(together) }
    }
}

extension ObjectStoreError {
    /// The server has answered, and will answer the same for a while.
    fileprivate var isRefusal: Bool {
        switch kind {
        case .accessDenied, .badCredentials, .notImplemented, .invalidRequest, .noSuchBucket: true
        default: false
        }
    }
}
