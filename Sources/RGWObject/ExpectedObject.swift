/// What the answer to a GET must say of its object, as far as the caller knows it: an answer about another one
/// delivers nothing.
package struct ExpectedObject: Equatable, Sendable {
    /// Bytes of the whole object. With it a range must be answered to its last byte; without it a range that
    /// reaches beyond the object is answered with what there is, as S3 does.
    package var size: UInt64?
    /// The tag in the answer, where it is not the one that `matching` asks for (Swift's large objects).
    package var etag: ETag?

    package init(size: UInt64? = nil, etag: ETag? = nil) {
        self.size = size
        self.etag = etag
    }
}

extension ObjectStore {
    /// GET of an object whose size is not known.
    @discardableResult
    package func get(
        _ address: ObjectAddress, range: Range<UInt64>?, matching: ETag?, lane: Lane,
        blockSize: Int, onBlock: @escaping @Sendable ([UInt8]) -> Void,
        completion: @escaping Completion<ObjectHead>
    ) -> any Cancellable {
        get(
            address, range: range, matching: matching, expecting: ExpectedObject(), lane: lane,
            blockSize: blockSize, onBlock: onBlock, completion: completion)
    }
}
