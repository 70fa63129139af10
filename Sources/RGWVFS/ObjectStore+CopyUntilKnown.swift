import RGWObject

extension ObjectStore {
    /// COPY, sent again while nobody can tell whether it was done: doing it twice changes nothing, since
    /// the source's tag is required and a rename lets no other change of this mount at the target.
    func copyUntilKnown(
        from source: ObjectAddress, to target: ObjectAddress, metadata: ObjectMetadata?,
        sourceMatching: ETag, attempts: Int = 5, isUncertain: Bool = false,
        completion: @escaping Completion<Stored>
    ) {
        copy(from: source, to: target, metadata: metadata, sourceMatching: sourceMatching) {
            result in
            guard case .failure(var error) = result,
                isUncertain || error.kind == .unknownOutcome
            else { return completion(result) }
            if attempts == 1 || (error.remedy != .retry && error.kind != .unknownOutcome) {
                // What refuses a repetition says nothing about the earlier one.
                error.kind = .unknownOutcome
                return completion(.failure(error))
            }
            copyUntilKnown(
                from: source, to: target, metadata: metadata, sourceMatching: sourceMatching,
                attempts: attempts - 1, isUncertain: true, completion: completion)
        }
    }
}
