package import RGWObject
import RGWWire

extension S3ObjectStore {
    @discardableResult
    package func tags(
        of address: ObjectAddress, completion: @escaping Completion<String>
    )
        -> any Cancellable
    {
        simpleCall(
            .getTagging, subject: "\(address)", request: context.builder.getTagging(address),
            parse: { response throws(S3Failure) in try response.tags() }, completion: completion)
    }

    @discardableResult
    package func setTags(
        _ tags: String, of address: ObjectAddress, completion: @escaping Completion<Void>
    )
        -> any Cancellable
    {
        simpleCall(
            .putTagging, subject: "\(address)",
            request: context.builder.putTagging(address, tags: tags),
            parse: { response throws(S3Failure) in try response.requireSuccess() },
            completion: completion)
    }

    /// The same completion, which also gives a copy its tags first. A copy without them is no copy yet: it
    /// is to be made again.
    func tagging(
        _ target: ObjectAddress, _ tags: String?, _ completion: @escaping Completion<Stored>
    ) -> Completion<Stored> {
        guard let tags, !tags.isEmpty else { return completion }
        return { [self] result in
            guard case .success(let stored) = result else { return completion(result) }
            // The copy is done: what follows cannot be cancelled with it.
            setTags(tags, of: target) { tagged in
                switch tagged {
                case .success: completion(.success(stored))
                case .failure(var error):
                    if error.kind == .unknownOutcome { error.kind = .busy }
                    completion(.failure(error))
                }
            }
        }
    }
}
