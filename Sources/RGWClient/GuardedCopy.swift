import RGWBase
import RGWObject
import RGWWire

/// One COPY of one version of an object. The request names the version under both headers; a server that
/// heeds neither is found out by the tag of what it copied, and the source is looked at first from then on.
enum GuardedCopy {
    /// Sends the COPY.
    typealias Call = @Sendable (@escaping Completion<Stored>) -> any Cancellable

    static func run(
        _ store: S3ObjectStore, from source: ObjectAddress, matching wanted: ETag,
        call: @escaping Call, completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        let chain = CallChain()
        let context = store.context
        @Sendable func copy() {
            chain.run {
                call($0)
            } then: { result in
                ended(store, source, wanted, result, chain, completion)
            }
        }
        guard context.habits.capabilities(of: source.bucket).conditionalCopy == .absent else {
            copy()
            return chain
        }
        chain.run {
            store.head(source, completion: $0)
        } then: { result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let head) where head.etag.isSame(as: wanted): copy()
            case .success(let head): completion(.failure(changed(source, head.etag, nil)))
            }
        }
        return chain
    }

    private static func changed(
        _ source: ObjectAddress, _ tag: ETag, _ more: String?
    ) -> ObjectStoreError {
        let text = "the source has the ETag \(tag)"
        return ObjectStoreError(
            .preconditionFailed, operation: "COPY \(source)",
            message: more.map { "\(text), \($0)" } ?? text)
    }

    private static func ended(
        _ store: S3ObjectStore, _ source: ObjectAddress, _ wanted: ETag,
        _ result: Result<Stored, ObjectStoreError>, _ chain: CallChain,
        _ completion: @escaping Completion<Stored>
    ) {
        let habits = store.context.habits
        guard case .success(let stored) = result else {
            if case .failure(let error) = result, error.kind == .preconditionFailed {
                habits.learn(conditionalCopy: .present, of: source.bucket)
            }
            return completion(result)
        }
        guard !stored.etag.isSame(as: wanted) else { return completion(result) }
        // Another version was copied, or this server gives copies tags of their own.
        chain.run {
            store.head(source, completion: $0)
        } then: { looked in
            if case .success(let head) = looked, head.etag.isSame(as: wanted) {
                return completion(result)
            }
            habits.learn(conditionalCopy: .absent, of: source.bucket)
            completion(
                .failure(changed(source, stored.etag, "and the server copied it all the same")))
        }
    }
}
