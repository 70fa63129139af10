import RGWBase
import RGWObject
import RGWWire

/// Finds out, where a bucket keeps versions, whether a version that was just written lies on the one that its
/// condition was about, and takes it back when it does not.
///
/// No release of RGW checks a condition and writes in one step there. But every version has its place in
/// the key's order, so of those who raced one finds what it expected below its own; the others remove theirs
/// and hear that the condition failed, as they would have from a server that checks it. A version that may not
/// be removed (object lock) stays in the bucket, below a copy of the one that it replaced.
/// Who may not list versions is told nothing: the object was looked at before.
enum VersionCheck {
    /// `done` hears success, or preconditionFailed when the version was taken back.
    static func run(
        _ store: S3ObjectStore, _ address: ObjectAddress, version: String?,
        _ precondition: Precondition, _ chain: CallChain, done: @escaping Completion<Void>
    ) {
        let habits = store.context.habits
        guard let version, precondition != .none, habits.mayCompareVersions(of: address.bucket)
        else { return done(.success(())) }
        chain.run { listed in
            store.simpleCall(
                .listVersions, subject: "\(address)",
                request: store.context.builder.versions(of: address, limit: versionsMax),
                parse: { response throws(S3Failure) in try response.versions() },
                completion: listed)
        } then: { result in
            switch result {
            case .failure(let error):
                switch error.kind {
                case .accessDenied, .notImplemented, .invalidRequest:
                    habits.mayNotCompareVersions(of: address.bucket)
                default: break
                }
                done(.success(()))
            case .success(let versions):
                guard let other = intruder(versions, of: address.key, below: version, precondition)
                else {
                    return done(.success(()))
                }
                takeBack(store, address, version, other, chain, done)
            }
        }
    }

    /// Newer ones than ours are few: it is moments old.
    private static let versionsMax = 100

    /// The version below ours, if the condition does not allow to replace it. Where it was deleted for good
    /// meanwhile, or another delete came between, nothing of anybody is lost.
    private static func intruder(
        _ versions: [ListedVersion], of key: ObjectKey, below version: String,
        _ precondition: Precondition
    ) -> ListedVersion? {
        // Nothing of another key says anything, whatever the server lists.
        let versions = versions.filter { $0.key == key.bytes }
        guard let own = versions.firstIndex(where: { $0.version == version }),
            let below = versions.dropFirst(own + 1).first, below.version != version,
            let etag = below.etag
        else { return nil }
        if case .matches(let wanted) = precondition, etag.isSame(as: wanted) { return nil }
        return below
    }

    private static func takeBack(
        _ store: S3ObjectStore, _ address: ObjectAddress, _ version: String,
        _ other: ListedVersion, _ chain: CallChain, _ done: @escaping Completion<Void>
    ) {
        let lost = ObjectStoreError(
            .preconditionFailed, operation: "PUT \(address)",
            message: "another client's version came first")
        chain.run { removed in
            store.simpleCall(
                .deleteObject, subject: "\(address)",
                request: store.context.builder.deleteVersion(version, of: address),
                parse: { response throws(S3Failure) in try response.requireSuccess() },
                completion: removed)
        } then: { result in
            switch result {
            case .success: done(.failure(lost))
            case .failure(let error) where error.kind == .unknownOutcome:
                done(.failure(error))
            case .failure: putBack(store, address, other, lost, chain, done)
            }
        }
    }

    /// Ours stays, as an older version. When that is refused too, ours stays on top and the other one
    /// below: both are in the bucket.
    private static func putBack(
        _ store: S3ObjectStore, _ address: ObjectAddress, _ other: ListedVersion,
        _ lost: ObjectStoreError, _ chain: CallChain, _ done: @escaping Completion<Void>
    ) {
        chain.run { copied in
            store.simpleCall(
                .copyObject, subject: "\(address)",
                request: store.context.builder.restoreVersion(other.version, of: address),
                parse: { response throws(S3Failure) in
                    _ = try response.copied(now: store.context.serverTime())
                }, completion: copied)
        } then: { result in
            if case .success = result { return done(.failure(lost)) }
            done(.success(()))
        }
    }
}
