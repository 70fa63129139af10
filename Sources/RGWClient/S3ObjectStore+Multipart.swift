package import RGWObject
import RGWWire

extension S3ObjectStore {
    @discardableResult
    package func putMultipart(
        _ address: ObjectAddress, body: ObjectBody, metadata: ObjectMetadata,
        precondition: Precondition, completion: @escaping Completion<Stored>
    ) -> any Cancellable {
        do {
            let request = try context.builder.createMultipart(address, metadata: metadata)
            return MultipartUpload(
                self, address, body: body, precondition: precondition, completion: completion
            ).start(request)
        } catch {
            return refuse(error, completion)
        }
    }
}
