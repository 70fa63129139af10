package import RGWObject

/// Uploads in parts by a mount that may die.
extension MountedStore {
    package func createUpload(
        _ address: ObjectAddress, metadata: ObjectMetadata,
        completion: @escaping Completion<UploadID>
    ) -> any Cancellable {
        store.createUpload(address, metadata: metadata, completion: alive(completion))
    }

    package func putPart(
        _ upload: MultipartUploadAddress, number: Int, body: ObjectBody, md5: [UInt8],
        completion: @escaping Completion<UploadedPart>
    ) -> any Cancellable {
        store.putPart(
            upload, number: number, body: body, md5: md5, completion: alive(completion))
    }

    package func listParts(
        _ upload: MultipartUploadAddress, completion: @escaping Completion<[ListedPart]>
    ) -> any Cancellable {
        store.listParts(upload, completion: alive(completion))
    }

    package func completeUpload(
        _ upload: MultipartUploadAddress, parts: [UploadedPart], precondition: Precondition,
        completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        store.completeUpload(
            upload, parts: parts, precondition: precondition, completion: alive(completion))
    }

    package func abortUpload(
        _ upload: MultipartUploadAddress, completion: @escaping Completion<Void>
    ) -> any Cancellable {
        store.abortUpload(upload, completion: alive(completion))
    }

    package func listUploads(
        _ bucket: BucketName, prefix: ObjectKey?, after: OpenUpload?, limit: Int,
        completion: @escaping Completion<UploadPage>
    ) -> any Cancellable {
        store.listUploads(
            bucket, prefix: prefix, after: after, limit: limit, completion: alive(completion))
    }
}
