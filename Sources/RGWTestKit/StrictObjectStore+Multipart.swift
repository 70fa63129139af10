import RGWBase
import RGWCrypto
package import RGWObject

/// Uploads in parts, more strictly than RGW: parts are numbered from 1 without gaps, all that were
/// sent are named in order and with their ETags, and every one but the last has its full size.
extension StrictObjectStore {
    package func putMultipart(
        _ address: ObjectAddress, body: ObjectBody, metadata: ObjectMetadata,
        precondition: Precondition, completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        let digest = Self.bytes(body, SpoolBodyReader()).map { Hash.md5($0) } ?? []
        return put(
            address, body: body, md5: digest, metadata: metadata, precondition: precondition,
            completion: completion)
    }

    static func sorted(_ uploads: [Upload]) -> [Upload] {
        uploads.sorted { a, b in
            let (first, second) = (a.open.upload, b.open.upload)
            guard first.object.key == second.object.key else {
                return first.object.key < second.object.key
            }
            return first.id.text < second.id.text
        }
    }

    package func createUpload(
        _ address: ObjectAddress, metadata: ObjectMetadata,
        completion: @escaping Completion<UploadID>
    ) -> any Cancellable {
        let time = clock.wallTime()
        return serve("CREATEUPLOAD", address.key.text, completion: completion) { state in
            guard state.buckets[address.bucket.description] != nil else {
                return .failure(.noSuchBucket)
            }
            state.uploadsMade += 1
            let id = UploadID("upload-\(state.uploadsMade)")
            let upload = MultipartUploadAddress(object: address, id: id)
            state.uploads[id] = Upload(
                open: OpenUpload(upload: upload, initiated: time), metadata: metadata)
            return .success(id)
        }
    }

    private static func find(
        _ state: State, _ upload: MultipartUploadAddress
    ) -> Result<Upload, ObjectStoreError.Kind> {
        guard state.buckets[upload.object.bucket.description] != nil else {
            return .failure(.noSuchBucket)
        }
        guard let found = state.uploads[upload.id], found.open.upload == upload else {
            return .failure(.noSuchUpload)
        }
        return .success(found)
    }

    package func putPart(
        _ upload: MultipartUploadAddress, number: Int, body: ObjectBody, md5: [UInt8],
        completion: @escaping Completion<UploadedPart>
    ) -> any Cancellable {
        let bytes = Self.bytes(body, SpoolBodyReader())
        return serve(
            "PUTPART", "\(upload.object.key) \(number)", completion: completion
        ) { state in
            Self.find(state, upload).flatMap { _ in
                guard (1...UploadedPart.numberMax).contains(number) else {
                    return .failure(.invalidRequest)
                }
                guard let bytes else { return .failure(.bodyUnreadable) }
                guard bytes.count <= state.bodyMax else { return .failure(.tooLarge) }
                guard Hash.md5(bytes) == md5 else { return .failure(.badDigest) }
                state.uploads[upload.id]?.parts[number] = bytes
                return .success(Self.part(number, bytes))
            }
        }
    }

    private static func part(_ number: Int, _ bytes: [UInt8]) -> UploadedPart {
        UploadedPart(number: number, etag: ETag(Hexadecimal.encode(Hash.md5(bytes))))
    }

    package func listParts(
        _ upload: MultipartUploadAddress, completion: @escaping Completion<[ListedPart]>
    ) -> any Cancellable {
        serve("LISTPARTS", upload.object.key.text, completion: completion) { state in
            Self.find(state, upload).map { found in
                found.parts.sorted { $0.key < $1.key }.map { number, bytes in
                    ListedPart(part: Self.part(number, bytes), size: UInt64(bytes.count))
                }
            }
        }
    }

    package func completeUpload(
        _ upload: MultipartUploadAddress, parts: [UploadedPart], precondition: Precondition,
        completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        let time = clock.wallTime()
        return serve(
            "COMPLETEUPLOAD", upload.object.key.text, changes: [upload.object],
            completion: completion
        ) { state in
            switch Self.find(state, upload) {
            case .failure(.noSuchUpload): Self.completedBefore(state, upload.object, parts)
            case .failure(let kind): .failure(kind)
            case .success(let found):
                Self.join(found, parts, state.partSizeMin).flatMap { bytes in
                    Self.store(bytes, found, parts, precondition, time, &state)
                }
            }
        }
    }

    /// The object tells that an earlier call completed the upload.
    private static func completedBefore(
        _ state: State, _ address: ObjectAddress, _ parts: [UploadedPart]
    ) -> Result<Stored, ObjectStoreError.Kind> {
        guard case .success(let object) = find(state, address),
            object.head.etag == wholeTag(parts)
        else { return .failure(.noSuchUpload) }
        return .success(Stored(etag: object.head.etag, lastModified: object.head.lastModified))
    }

    private static func join(
        _ upload: Upload, _ parts: [UploadedPart], _ sizeMin: UInt64
    ) -> Result<[UInt8], ObjectStoreError.Kind> {
        guard !parts.isEmpty, parts.map(\.number) == Array(1...parts.count),
            parts.map(\.number) == upload.parts.keys.sorted()
        else { return .failure(.invalidRequest) }
        var whole: [UInt8] = []
        for named in parts {
            guard let bytes = upload.parts[named.number], part(named.number, bytes) == named,
                named.number == parts.count || UInt64(bytes.count) >= sizeMin
            else { return .failure(.invalidRequest) }
            whole += bytes
        }
        return .success(whole)
    }

    private static func store(
        _ bytes: [UInt8], _ upload: Upload, _ parts: [UploadedPart], _ precondition: Precondition,
        _ time: WallTime, _ state: inout State
    ) -> Result<Stored, ObjectStoreError.Kind> {
        let address = upload.open.upload.object
        let bucket = address.bucket.description
        guard holds(precondition, at: address, state) else {
            return .failure(.preconditionFailed)
        }
        var object = make(bytes, upload.metadata, time)
        object.head.etag = wholeTag(parts)
        state.buckets[bucket]?[address.key] = object
        state.uploads[upload.open.upload.id] = nil
        return .success(Stored(etag: object.head.etag, lastModified: object.head.lastModified))
    }

    private static func wholeTag(_ parts: [UploadedPart]) -> ETag {
        let digests = parts.flatMap { Hexadecimal.decode($0.etag.text) ?? [] }
        return ETag("\(Hexadecimal.encode(Hash.md5(digests)))-\(parts.count)")
    }

    package func etag(of parts: [UploadedPart]) -> ETag? { Self.wholeTag(parts) }

    package func abortUpload(
        _ upload: MultipartUploadAddress, completion: @escaping Completion<Void>
    ) -> any Cancellable {
        serve("ABORTUPLOAD", upload.object.key.text, completion: completion) { state in
            guard state.buckets[upload.object.bucket.description] != nil else {
                return .failure(.noSuchBucket)
            }
            if state.uploads[upload.id]?.open.upload == upload { state.uploads[upload.id] = nil }
            return .success(())
        }
    }

    package func listUploads(
        _ bucket: BucketName, prefix: ObjectKey?, after: OpenUpload?, limit: Int,
        completion: @escaping Completion<UploadPage>
    ) -> any Cancellable {
        serve("LISTUPLOADS", prefix?.text ?? "", completion: completion) { state in
            guard state.buckets[bucket.description] != nil else { return .failure(.noSuchBucket) }
            guard (1...1000).contains(limit) else { return .failure(.invalidRequest) }
            var uploads = Self.sorted(
                state.uploads.values.filter { upload in
                    let object = upload.open.upload.object
                    return object.bucket == bucket
                        && object.key.bytes.starts(with: prefix?.bytes ?? [])
                }
            ).map(\.open)
            if let after {
                let marker = (after.upload.object.key, after.upload.id.text)
                uploads.removeAll { ($0.upload.object.key, $0.upload.id.text) <= marker }
            }
            let page = Array(uploads.prefix(limit))
            return .success(
                UploadPage(uploads: page, next: uploads.count > limit ? page.last : nil))
        }
    }
}
