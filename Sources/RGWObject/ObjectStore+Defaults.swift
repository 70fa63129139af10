extension ObjectStore {
    /// CopyObject of what is kept as the bucket's default says.
    @discardableResult
    package func copy(
        from source: ObjectAddress, to target: ObjectAddress, metadata: ObjectMetadata?,
        sourceMatching: ETag?, completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        copy(
            from: source, to: target, metadata: metadata, storage: StorageTraits(),
            sourceMatching: sourceMatching, completion: completion)
    }

    /// DELETE of one version that was not looked at just before.
    @discardableResult
    package func delete(
        _ address: ObjectAddress, matching: ETag?, completion: @escaping Completion<Deletion>
    ) -> any Cancellable {
        delete(address, matching: matching, isConfirmed: false, completion: completion)
    }

    /// DELETE of one version where the server ignores If-Match on DELETE: the tag is compared by a
    /// HEAD just before. A version that is written between the two is deleted.
    package func deleteAfterHead(
        _ address: ObjectAddress, matching: ETag, completion: @escaping Completion<Deletion>
    ) -> any Cancellable {
        let chain = CallChain()
        chain.run {
            head(address, completion: $0)
        } then: { result in
            switch result {
            case .failure(let error) where error.kind == .noSuchKey:
                completion(.success(.absent))
            case .failure(let error): completion(.failure(error))
            case .success(let head) where head.etag.isSame(as: matching):
                chain.run {
                    delete(address, completion: $0)
                } then: {
                    completion($0.map { .deleted })
                }
            case .success(let head):
                completion(
                    .failure(
                        ObjectStoreError(
                            .preconditionFailed, operation: "DELETE \(address)",
                            message: "the key has the ETag \(head.etag)")))
            }
        }
        return chain
    }
}
