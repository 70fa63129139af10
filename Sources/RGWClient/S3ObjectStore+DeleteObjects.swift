package import RGWObject
import RGWWire
import Synchronization

extension S3ObjectStore {
    package func delete(
        _ keys: [ObjectKey], in bucket: BucketName, completion: @escaping Completion<[DeleteFailure]>
    ) -> any Cancellable {
        let safe = keys.filter(S3RequestBuilder.isXMLSafe)
        let request = context.builder.deleteObjects(safe, in: bucket)
        return simpleCall(
            .deleteObjects, subject: "\(bucket)", request: request,
            parse: { response throws(S3Failure) in try response.deleteFailures(bucket: bucket) },
            completion: completion)
    }
}
