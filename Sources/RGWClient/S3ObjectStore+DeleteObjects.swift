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
        let single = keys.filter { !S3RequestBuilder.isXMLSafe($0) }
        let safe = keys.filter(S3RequestBuilder.isXMLSafe)
        let batch = DeleteBatch(
            requests: single.count + 1, completion: completion)
        if safe.isEmpty {
            context.timer.schedule(at: context.clock.now()) { batch.ended(.success([])) }
        } else {
            let request = context.builder.deleteObjects(safe, in: bucket)
            let call = simpleCall(
                .deleteObjects, subject: "\(bucket)", request: request,
                parse: { response throws(S3Failure) in
                    try response.deleteFailures(bucket: bucket)
                }, completion: { batch.ended($0) })
            batch.keep(call)
        }
        for key in single {
            let address = ObjectAddress(bucket: bucket, key: key)
            batch.keep(delete(address) { batch.ended(key, $0) })
        }
        return batch
    }
}
