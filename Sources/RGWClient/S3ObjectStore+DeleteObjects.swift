import RGWBase
package import RGWObject
import RGWWire

extension S3ObjectStore {
    /// S3's limit of keys in one DeleteObjects.
    private static let deleteKeysMax = 1000

    @discardableResult
    package func delete(
        _ keys: [ObjectKey], in bucket: BucketName,
        completion: @escaping Completion<[DeleteFailure]>
    ) -> any Cancellable {
        guard keys.count <= Self.deleteKeysMax else {
            let error = ObjectStoreError(
                .invalidRequest, operation: "DELETE OBJECTS \(bucket)",
                message: "\(keys.count) keys, at most \(Self.deleteKeysMax) are allowed")
            return refuse(error, completion)
        }
        guard !keys.isEmpty else {
            context.timer.schedule(at: context.clock.now()) { completion(.success([])) }
            return NothingToCancel()
        }
        let safe = keys.filter(S3RequestBuilder.isXMLSafe)
        // One key costs one request either way.
        guard safe.count > 1 else { return delete(keys, [], bucket, completion) }
        let chain = CallChain()
        context.removalNotices.mayDeleteTogether(
            bucket, clock: context.clock,
            then: { together in
                let single = together ? keys.filter { !S3RequestBuilder.isXMLSafe($0) } : keys
                chain.run {
                    self.delete(single, together ? safe : [], bucket, $0)
                } then: {
                    completion($0)
                }
            }, ask: { removalNotices(of: bucket, completion: $0) })
        return chain
    }

    private func delete(
        _ single: [ObjectKey], _ together: [ObjectKey], _ bucket: BucketName,
        _ completion: @escaping Completion<[DeleteFailure]>
    ) -> any Cancellable {
        DeleteBatch(
            single: single,
            alone: { key, done in
                self.delete(ObjectAddress(bucket: bucket, key: key), completion: done)
            }, completion: completion
        ).start(together) { keys, done in
            simpleCall(
                .deleteObjects, subject: "\(bucket)",
                request: context.builder.deleteObjects(keys, in: bucket),
                parse: { response throws(S3Failure) in
                    try response.deleteFailures(bucket: bucket)
                }, completion: done)
        }
    }

    /// Whether anybody is told of removals in the bucket.
    func removalNotices(
        of bucket: BucketName, completion: @escaping Completion<Bool>
    ) -> any Cancellable {
        simpleCall(
            .getNotification, subject: "\(bucket)",
            request: context.builder.notification(of: bucket),
            parse: { response throws(S3Failure) in try response.notifiesOfRemovals() },
            completion: completion)
    }
}
