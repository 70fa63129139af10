import RGWObject

extension ObjectStore {
    /// COPY, sent again while nobody can tell whether it was done: doing it twice changes nothing, since
    /// the source's tag is required and a rename lets no other change of this mount at the target.
    func copyUntilKnown(
        from source: ObjectAddress, to target: ObjectAddress, metadata: ObjectMetadata?,
        sourceMatching: ETag, attempts: Int = 5, completion: @escaping Completion<Stored>
    ) {
        copy(from: source, to: target, metadata: metadata, sourceMatching: sourceMatching) {
            result in
            guard case .failure(let error) = result, error.kind == .unknownOutcome, attempts > 1
            else { return completion(result) }
            copyUntilKnown(
                from: source, to: target, metadata: metadata, sourceMatching: sourceMatching,
                attempts: attempts - 1
            ) { again in
                // What refuses a repetition says nothing about the earlier one.
                if case .failure(var later) = again {
                    later.kind = .unknownOutcome
                    return completion(.failure(later))
                }
                completion(again)
            }
        }
    }
}
