package import RGWObject
import RGWWire

extension S3ObjectStore {
    /// A bodiless refusal is resolved by asking for the first byte, whose refusal has a code.
    @discardableResult
    package func head(
        _ address: ObjectAddress, completion: @escaping Completion<ObjectHead>
    )
        -> any Cancellable
    {
        let resolving = Once()
        let builder = context.builder
        let options = context.options(.headObject, lane: .metadata)
        return S3Call(
            self, .headObject, subject: "\(address)",
            prepare: { () throws(ObjectStoreError) in
                guard resolving.isDone else {
                    return PreparedRequest(
                        operation: .headObject, request: builder.headObject(address),
                        options: options)
                }
                let request = builder.getObject(address, range: 0..<1, matching: nil)
                return PreparedRequest(operation: .getObject, request: request, options: options)
            },
            parse: { response throws(S3Failure) in try response.objectHead() },
            adjust: { $0.isBodilessRefusal && resolving.first() }, completion: completion
        ).start()
    }

    @discardableResult
    package func put(
        _ address: ObjectAddress, body: ObjectBody, md5: [UInt8], metadata: ObjectMetadata,
        precondition: Precondition, completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        let payload: PayloadSigning
        do { payload = try context.digest(of: body, "PUT \(address)") } catch {
            return refuse(error, completion)
        }
        return GuardedPut(
            self, address, body: body, md5: md5, metadata: metadata, precondition: precondition,
            payload: payload, completion: completion
        ).start()
    }

    @discardableResult
    package func copy(
        from source: ObjectAddress, to target: ObjectAddress, metadata: ObjectMetadata?,
        storage: StorageTraits, sourceMatching: ETag?, completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        let context = context
        let completion = tagging(target, metadata?.tags, completion)
        let fallback = ClassFallback(metadata?.storage ?? storage, context)
        let subject = "\(source) to \(target)"
        let call: GuardedCopy.Call = { done in
            S3Call(
                self, .copyObject, subject: subject,
                prepare: { () throws(ObjectStoreError) in
                    var metadata = metadata
                    metadata?.storage = fallback.storage
                    let request = try context.builder.copyObject(
                        from: source, to: target, metadata: metadata, storage: fallback.storage,
                        sourceMatching: sourceMatching)
                    return PreparedRequest(
                        operation: .copyObject, request: request,
                        options: context.options(.copyObject, lane: .metadata))
                },
                parse: { response throws(S3Failure) in
                    try response.copied(now: context.serverTime())
                },
                adjust: { fallback.adjusts(to: $0) }, completion: done
            ).start()
        }
        guard let sourceMatching else { return call(completion) }
        return GuardedCopy.run(
            self, from: source, matching: sourceMatching, call: call, completion: completion)
    }

    @discardableResult
    package func delete(
        _ address: ObjectAddress, completion: @escaping Completion<Void>
    )
        -> any Cancellable
    {
        simpleCall(
            .deleteObject, subject: "\(address)", request: context.builder.deleteObject(address),
            parse: Self.parseDeleted, completion: completion)
    }

    @discardableResult
    package func delete(
        _ address: ObjectAddress, matching: ETag?, isConfirmed: Bool,
        completion: @escaping Completion<Deletion>
    ) -> any Cancellable {
        guard let matching else {
            return delete(address) { completion($0.map { .deleted }) }
        }
        let known = context.habits.capabilities(of: address.bucket)
        guard known.conditionalDelete == .present, let form = known.deleteForm else {
            if isConfirmed { return delete(address) { completion($0.map { .deleted }) } }
            if context.habits.isWorthProbing(
                address.bucket, after: context.configuration.probesAfterDeletes)
            {
                // Beside the deleted key, where this user may write; the next deletes profit.
                let directory = address.key.bytes.prefix(upTo: address.key.nameStart)
                CapabilityProbe.run(
                    self, bucket: address.bucket, prefix: Array(directory), completion: { _ in })
            }
            return deleteAfterHead(address, matching: matching, completion: completion)
        }
        return simpleCall(
            .deleteObject, subject: "\(address)",
            request: context.builder.deleteObject(address, matching: (matching, form)),
            parse: { response throws(S3Failure) in
                do throws(S3Failure) { try response.requireSuccess() } catch {
                    guard error.error.kind == .noSuchKey else { throw error }
                    return .absent
                }
                return .deleted
            }, completion: completion)
    }

    /// S3 answers 204 for a key that does not exist; a definite NoSuchKey means the same.
    private static let parseDeleted: S3Call<Void>.Parse = { response throws(S3Failure) in
        do throws(S3Failure) { try response.requireSuccess() } catch {
            guard error.error.kind == .noSuchKey else { throw error }
        }
    }
}
