package import RGWObject
import RGWWire

extension S3ObjectStore {
    @discardableResult
    package func list(
        _ bucket: BucketName, prefix: ObjectKey?, delimited: Bool, after: ObjectKey?, limit: Int,
        completion: @escaping Completion<ListPage>
    ) -> any Cancellable {
        let request = context.builder.listObjects(
            bucket, prefix: prefix, delimited: delimited, after: after, limit: limit)
        let query = ListQuery(prefix: prefix, delimited: delimited, after: after)
        return simpleCall(
            .listObjects, subject: "\(bucket)/\(prefix?.text ?? "")", request: request,
            parse: { response throws(S3Failure) in try response.listPage(answering: query) },
            completion: completion)
    }

    /// A bodiless refusal is resolved by listing one key, whose refusal has a code and names the
    /// bucket that was looked for.
    @discardableResult
    package func headBucket(
        _ bucket: BucketName, completion: @escaping Completion<BucketUsage>
    )
        -> any Cancellable
    {
        let resolving = Once()
        let builder = context.builder
        let options = context.options(.headBucket, lane: .metadata)
        let asksForBucket = context.configuration.endpoint.mayBeTakenForBucket
        return S3Call(
            self, .headBucket, subject: "\(bucket)",
            prepare: { () throws(ObjectStoreError) in
                let request =
                    resolving.isDone
                    ? builder.listObjects(
                        bucket, prefix: nil, delimited: false, after: nil, limit: 1)
                    : builder.headBucket(bucket)
                return PreparedRequest(operation: .headBucket, request: request, options: options)
            },
            parse: { response throws(S3Failure) in try response.bucketUsage() },
            adjust: { failure in
                let isDoubtful =
                    asksForBucket && failure.error.kind == .noSuchBucket
                    && failure.error.code == nil
                return (failure.isBodilessRefusal || isDoubtful) && resolving.first()
            }, completion: completion
        ).start()
    }

    @discardableResult
    package func listBuckets(completion: @escaping Completion<[ListedBucket]>) -> any Cancellable {
        simpleCall(
            .listBuckets, subject: "", request: context.builder.listBuckets(),
            parse: { response throws(S3Failure) in try response.buckets() },
            completion: completion)
    }

    @discardableResult
    package func createBucket(
        _ bucket: BucketName, completion: @escaping Completion<Void>
    )
        -> any Cancellable
    {
        let request = context.builder.createBucket(
            bucket, locationConstraint: context.configuration.locationConstraint)
        return simpleCall(
            .createBucket, subject: "\(bucket)", request: request,
            parse: { response throws(S3Failure) in try response.requireSuccess() },
            completion: completion)
    }

    @discardableResult
    package func deleteBucket(
        _ bucket: BucketName, completion: @escaping Completion<Void>
    )
        -> any Cancellable
    {
        simpleCall(
            .deleteBucket, subject: "\(bucket)", request: context.builder.deleteBucket(bucket),
            parse: { response throws(S3Failure) in try response.requireSuccess() },
            completion: completion)
    }
}
