import RGWBase
package import RGWObject

/// The bucket as one mount sees it: silent once the mount is dead.
package final class MountedStore: ObjectStore {
    let store: StrictObjectStore
    private let life: MountLife

    package init(_ store: StrictObjectStore, life: MountLife) {
        self.store = store
        self.life = life
    }

    func alive<Answer: Sendable>(
        _ completion: @escaping Completion<Answer>
    )
        -> Completion<Answer>
    {
        { [life] result in if !life.isOver { life.run(.network) { completion(result) } } }
    }

    package func head(
        _ address: ObjectAddress, completion: @escaping Completion<ObjectHead>
    )
        -> any Cancellable
    {
        store.head(address, completion: alive(completion))
    }

    package func tags(
        of address: ObjectAddress, completion: @escaping Completion<String>
    )
        -> any Cancellable
    {
        store.tags(of: address, completion: alive(completion))
    }

    package func setTags(
        _ tags: String, of address: ObjectAddress, completion: @escaping Completion<Void>
    )
        -> any Cancellable
    {
        store.setTags(tags, of: address, completion: alive(completion))
    }

    package func get(
        _ address: ObjectAddress, range: Range<UInt64>?, matching: ETag?,
        expecting: ExpectedObject, lane: Lane, blockSize: Int,
        onBlock: @escaping @Sendable ([UInt8]) -> Void,
        completion: @escaping Completion<ObjectHead>
    ) -> any Cancellable {
        store.get(
            address, range: range, matching: matching, expecting: expecting, lane: lane,
            blockSize: blockSize,
            onBlock: { [life] block in if !life.isOver { life.run(.network) { onBlock(block) } } },
            completion: alive(completion))
    }

    package func put(
        _ address: ObjectAddress, body: ObjectBody, md5: [UInt8], metadata: ObjectMetadata,
        precondition: Precondition, completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        if precondition != .none, store.looksFirst {
            return putAfterHead(address, precondition, completion) { [self] chain in
                chain.run {
                    put(
                        address, body: body, md5: md5, metadata: metadata, precondition: .none,
                        completion: $0)
                } then: {
                    completion($0)
                }
            }
        }
        return store.put(
            address, body: body, md5: md5, metadata: metadata, precondition: precondition,
            completion: alive(completion))
    }

    /// What the client does where the server cannot check; a death between HEAD and PUT leaves the object.
    private func putAfterHead(
        _ address: ObjectAddress, _ precondition: Precondition,
        _ completion: @escaping Completion<Stored>,
        then send: @escaping @Sendable (CallChain) -> Void
    ) -> any Cancellable {
        let chain = CallChain()
        chain.run {
            head(address, completion: $0)
        } then: { result in
            switch (precondition, result) {
            case (.absent, .failure(let error)) where error.kind == .noSuchKey: send(chain)
            case (.matches(let tag), .success(let head)) where head.etag == tag: send(chain)
            case (_, .failure(let error)) where error.kind != .noSuchKey:
                completion(.failure(error))
            default:
                completion(
                    .failure(
                        ObjectStoreError(.preconditionFailed, operation: "PUT \(address)")))
            }
        }
        return chain
    }

    package func putMultipart(
        _ address: ObjectAddress, body: ObjectBody, metadata: ObjectMetadata,
        precondition: Precondition, completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        store.putMultipart(
            address, body: body, metadata: metadata, precondition: precondition,
            completion: alive(completion))
    }

    package func copy(
        from source: ObjectAddress, to target: ObjectAddress, metadata: ObjectMetadata?,
        storage: StorageTraits, sourceMatching: ETag?, completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        store.copy(
            from: source, to: target, metadata: metadata, storage: storage,
            sourceMatching: sourceMatching, completion: alive(completion))
    }

    package func delete(
        _ address: ObjectAddress, completion: @escaping Completion<Void>
    )
        -> any Cancellable
    {
        store.delete(address, completion: alive(completion))
    }

    /// A death between HEAD and DELETE leaves the object.
    package func delete(
        _ address: ObjectAddress, matching: ETag?, isConfirmed: Bool,
        completion: @escaping Completion<Deletion>
    ) -> any Cancellable {
        if let matching, !isConfirmed, !store.hasConditionalDeletes {
            return deleteAfterHead(address, matching: matching, completion: completion)
        }
        return store.delete(
            address, matching: matching, isConfirmed: isConfirmed, completion: alive(completion))
    }

    package func delete(
        _ keys: [ObjectKey], in bucket: BucketName,
        completion: @escaping Completion<[DeleteFailure]>
    ) -> any Cancellable {
        store.delete(keys, in: bucket, completion: alive(completion))
    }

    package func list(
        _ bucket: BucketName, prefix: ObjectKey?, delimited: Bool, after: ObjectKey?, limit: Int,
        completion: @escaping Completion<ListPage>
    ) -> any Cancellable {
        store.list(
            bucket, prefix: prefix, delimited: delimited, after: after, limit: limit,
            completion: alive(completion))
    }

    package func headBucket(
        _ bucket: BucketName, completion: @escaping Completion<BucketUsage>
    )
        -> any Cancellable
    {
        store.headBucket(bucket, completion: alive(completion))
    }

    package func listBuckets(completion: @escaping Completion<[ListedBucket]>) -> any Cancellable {
        store.listBuckets(completion: alive(completion))
    }

    package func createBucket(
        _ bucket: BucketName, completion: @escaping Completion<Void>
    )
        -> any Cancellable
    {
        store.createBucket(bucket, completion: alive(completion))
    }

    package func deleteBucket(
        _ bucket: BucketName, completion: @escaping Completion<Void>
    )
        -> any Cancellable
    {
        store.deleteBucket(bucket, completion: alive(completion))
    }
}
