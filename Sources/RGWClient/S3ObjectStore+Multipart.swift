package import RGWObject
import RGWWire

extension S3ObjectStore {
    package func etag(of parts: [UploadedPart]) -> ETag? { MultipartPlan.etag(ofParts: parts) }

    @discardableResult
    package func putMultipart(
        _ address: ObjectAddress, body: ObjectBody, metadata: ObjectMetadata,
        precondition: Precondition, completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        do {
            return try MultipartUpload(
                self, address, body: body, precondition: precondition,
                completion: tagging(address, metadata.tags, completion)
            ).start(metadata)
        } catch {
            return refuse(error, completion)
        }
    }

    @discardableResult
    package func createUpload(
        _ address: ObjectAddress, metadata: ObjectMetadata,
        completion: @escaping Completion<UploadID>
    ) -> any Cancellable {
        let context = context
        let fallback = ClassFallback(metadata.storage, context)
        return S3Call(
            self, .createMultipart, subject: "\(address)",
            prepare: { () throws(ObjectStoreError) in
                var metadata = metadata
                metadata.storage = fallback.storage
                return PreparedRequest(
                    operation: .createMultipart,
                    request: try context.builder.createMultipart(address, metadata: metadata),
                    options: context.options(.createMultipart, lane: .metadata))
            },
            parse: { response throws(S3Failure) in try response.uploadID() },
            adjust: { fallback.adjusts(to: $0) }, completion: completion
        ).start()
    }

    @discardableResult
    package func putPart(
        _ upload: MultipartUploadAddress, number: Int, body: ObjectBody, md5: [UInt8],
        completion: @escaping Completion<UploadedPart>
    ) -> any Cancellable {
        let subject = "\(upload.object) part \(number)"
        guard (1...UploadedPart.numberMax).contains(number) else {
            let error = ObjectStoreError(
                .invalidRequest, operation: "UPLOAD PART \(subject)",
                message: "parts are numbered from 1 to \(UploadedPart.numberMax)")
            return refuse(error, completion)
        }
        var request = context.builder.uploadPart(upload, number: number, body: body, md5: md5)
        do { request.payload = try context.digest(of: body, "UPLOAD PART \(subject)") } catch {
            return refuse(error, completion)
        }
        let sent = request
        let options = context.options(.uploadPart, lane: .bulk, length: body.length)
        return S3Call(
            self, .uploadPart, subject: subject,
            prepare: { () throws(ObjectStoreError) in
                PreparedRequest(operation: .uploadPart, request: sent, options: options)
            },
            parse: { response throws(S3Failure) in
                UploadedPart(number: number, etag: try response.storedTag(md5: md5))
            }, completion: completion
        ).start()
    }

    @discardableResult
    package func listParts(
        _ upload: MultipartUploadAddress, completion: @escaping Completion<[ListedPart]>
    ) -> any Cancellable {
        let chain = CallChain()
        listParts(upload, chain, [], completion)
        return chain
    }

    /// Ten pages at most, because a later page has higher numbers only.
    private func listParts(
        _ upload: MultipartUploadAddress, _ chain: CallChain, _ before: [ListedPart],
        _ completion: @escaping Completion<[ListedPart]>
    ) {
        let last = before.last?.part.number ?? 0
        chain.run { done in
            simpleCall(
                .listParts, subject: "\(upload.object)",
                request: context.builder.listParts(upload, after: last),
                parse: { response throws(S3Failure) in
                    let page = try response.parts()
                    guard page.parts.first.map({ $0.part.number > last }) ?? true else {
                        throw response.malformed("a page of parts that were listed before")
                    }
                    return page
                },
                completion: done)
        } then: { result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let page) where page.isTruncated:
                self.listParts(upload, chain, before + page.parts, completion)
            case .success(let page): completion(.success(before + page.parts))
            }
        }
    }

    @discardableResult
    package func completeUpload(
        _ upload: MultipartUploadAddress, parts: [UploadedPart], precondition: Precondition,
        completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        guard let etag = MultipartPlan.etag(ofParts: parts) else {
            let error = ObjectStoreError(
                .invalidRequest, operation: "COMPLETE MULTIPART \(upload.object)",
                message: "the parts are not numbered from 1 without gaps, or have no MD5 as ETag")
            return refuse(error, completion)
        }
        return UploadCompletion(
            self, upload, parts: parts, etag: etag, precondition: precondition,
            completion: completion
        ).start()
    }

    @discardableResult
    package func abortUpload(
        _ upload: MultipartUploadAddress, completion: @escaping Completion<Void>
    ) -> any Cancellable {
        simpleCall(
            .abortMultipart, subject: "\(upload.object)",
            request: context.builder.abortMultipart(upload),
            parse: { response throws(S3Failure) in
                do throws(S3Failure) { try response.requireSuccess() } catch {
                    guard error.error.kind == .noSuchUpload else { throw error }
                }
            }, completion: completion)
    }

    @discardableResult
    package func listUploads(
        _ bucket: BucketName, prefix: ObjectKey?, after: OpenUpload?, limit: Int,
        completion: @escaping Completion<UploadPage>
    ) -> any Cancellable {
        let request = context.builder.listUploads(
            bucket, prefix: prefix, after: after?.upload, limit: limit)
        return simpleCall(
            .listMultipart, subject: "\(bucket)/\(prefix?.text ?? "")", request: request,
            parse: { response throws(S3Failure) in
                let page = try response.uploads(of: bucket)
                guard
                    page.uploads.allSatisfy({
                        $0.upload.object.key.bytes.starts(with: prefix?.bytes ?? [])
                    })
                else { throw response.malformed("a listed upload outside the prefix") }
                // They come in the order of key and id, whatever is between the two on a server.
                guard
                    after.map({ after in page.uploads.allSatisfy { $0.upload != after.upload } })
                        ?? true
                else { throw response.malformed("a page of uploads that were listed before") }
                return page
            },
            completion: completion)
    }
}
