package import RGWObject
import RGWWire
import Synchronization

extension S3ObjectStore {
    @discardableResult
    package func get(
        _ address: ObjectAddress, range: Range<UInt64>?, matching: ETag?, lane: Lane,
        blockSize: Int, onBlock: @escaping @Sendable ([UInt8]) -> Void,
        completion: @escaping Completion<ObjectHead>
    ) -> any Cancellable {
        if range?.isEmpty == true {
            let error = ObjectStoreError(
                .invalidRange, operation: "GET \(address)", message: "an empty range")
            return refuse(error, completion)
        }
        let progress = GetProgress(range: range, matching: matching)
        let context = context
        let length = range.map { $0.upperBound - $0.lowerBound }
        var options = context.options(.getObject, lane: lane, length: length)
        options.delivery = .blocks(
            size: max(1, blockSize),
            accepts: { progress.accepts(S3Response(.getObject, subject: "", http: $0)) },
            onBlock: { block in
                onBlock(block)
                progress.delivered(block.count)
            })
        let sent = options
        return S3Call(
            context, .getObject, subject: "\(address)",
            prepare: { () throws(ObjectStoreError) in
                let wanted = progress.next()
                let request = context.builder.getObject(
                    address, range: wanted.range, matching: wanted.matching)
                return PreparedRequest(operation: .getObject, request: request, options: sent)
            },
            parse: { response throws(S3Failure) in try progress.finish(response) },
            progress: { progress.total }, completion: completion
        ).start()
    }
}

/// What one GET has delivered over its attempts, and what is still to ask for.
///
/// Guarded by its mutex. A later attempt goes on behind the last delivered block and insists on the
/// ETag of the first answer.
private final class GetProgress: Sendable {
    private struct State {
        let range: Range<UInt64>?
        let matching: ETag?
        /// Of the first accepted answer.
        var head: ObjectHead?
        /// Bytes of the object that the whole call delivers; known with the first answer.
        var expected: Range<UInt64>?
        var delivered: UInt64 = 0
        /// The current answer is the one asked for.
        var accepted = false

        var start: UInt64 { (expected?.lowerBound ?? range?.lowerBound ?? 0) + delivered }
    }
    private let state: Mutex<State>

    init(range: Range<UInt64>?, matching: ETag?) {
        state = Mutex(State(range: range, matching: matching))
    }

    var total: UInt64 { state.withLock(\.delivered) }

    func delivered(_ count: Int) { state.withLock { $0.delivered += UInt64(count) } }

    /// What the next attempt asks for.
    func next() -> (range: Range<UInt64>?, matching: ETag?) {
        state.withLock { state in
            state.accepted = false
            guard state.delivered > 0, let expected = state.expected, let head = state.head,
                state.start < expected.upperBound
            else { return (state.range, state.matching) }
            return (state.start..<expected.upperBound, head.etag)
        }
    }

    /// Whether the answer's body is what was asked for: all of it, of the same object. A server may
    /// send a part of a range as a success (RFC 9110, section 15.3.7); RGW never does.
    func accepts(_ response: S3Response) -> Bool {
        guard let head = try? response.objectHead(), let range = try? response.deliveredRange()
        else { return false }
        return state.withLock { state in
            // The condition was about a manifest alone.
            if let wanted = state.matching, wanted.isOfSegments, wanted != head.etag {
                return false
            }
            guard range.lowerBound == state.start || range.isEmpty else { return false }
            if let first = state.head, state.delivered > 0 {
                guard first.etag == head.etag, range.upperBound == state.expected?.upperBound
                else { return false }
            } else {
                guard range.upperBound == min(state.range?.upperBound ?? .max, head.size)
                else { return false }
                state.head = head
                state.expected = range
            }
            state.accepted = true
            return true
        }
    }

    /// A large object whose segments were replaced is another version, as the server would say of any other.
    private func refuseOtherSegments(_ response: S3Response) throws(S3Failure) {
        guard let wanted = state.withLock(\.matching), wanted.isOfSegments,
            let found = try? response.objectHead().etag, found != wanted
        else { return }
        throw S3Failure(
            ObjectStoreError(
                .preconditionFailed, operation: "GET \(response.subject)",
                message: "its segments have the tag \(found) now"),
            retry: .never)
    }

    /// The head of the object, if everything arrived.
    func finish(_ response: S3Response) throws(S3Failure) -> ObjectHead {
        try response.requireSuccess()
        let (accepted, head, expected, delivered) = state.withLock { state in
            (state.accepted, state.head, state.expected, state.delivered)
        }
        // An empty body has no first byte at which the answer would have been looked at.
        if !accepted, response.http.body.isEmpty, accepts(response) { return try finish(response) }
        if !accepted { try refuseOtherSegments(response) }
        guard accepted, let head, let expected else {
            throw response.malformed("not the bytes that were asked for")
        }
        guard delivered == expected.upperBound - expected.lowerBound else {
            throw response.malformed("\(delivered) bytes instead of \(expected)")
        }
        return head
    }
}
