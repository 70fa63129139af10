package import RGWObject

extension S3ObjectStore {
    package func putMultipart(
        _ address: ObjectAddress, body: ObjectBody, metadata: ObjectMetadata,
        precondition: Precondition, completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        refuse(ObjectStoreError(.notImplemented, operation: "PUT \(address)"), completion)
    }
}
