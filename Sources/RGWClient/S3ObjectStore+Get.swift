package import RGWObject
import RGWWire
import Synchronization

extension S3ObjectStore {
    @discardableResult
    package func get(
        _ address: ObjectAddress, range: Range<UInt64>?, matching: ETag?,
        expecting: ExpectedObject, lane: Lane, blockSize: Int,
        onBlock: @escaping @Sendable ([UInt8]) -> Void,
        completion: @escaping Completion<ObjectHead>
    ) -> any Cancellable {
        if range?.isEmpty == true {
            let error = ObjectStoreError(
                .invalidRange, operation: "GET \(address)", message: "an empty range")
            return refuse(error, completion)
        }
        let progress = GetProgress(range: range, matching: matching, expecting: expecting)
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
            self, .getObject, subject: "\(address)",
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
    private let object: ExpectedObject
    private let state: Mutex<State>

    init(range: Range<UInt64>?, matching: ETag?, expecting: ExpectedObject) {
        object = expecting
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
            return (state.start..<expected.upperBound, state.matching ?? head.etag)
        }
    }

    /// Whether the answer's body is what was asked for: all of it, of the same object. A server may
    /// send a part of a range as a success (RFC 9110, section 15.3.7); RGW never does.
    func accepts(_ response: S3Response) -> Bool {
        do throws(S3Failure) {
            try accept(response)
            return true
        } catch { return false }
    }

    private func accept(_ response: S3Response) throws(S3Failure) {
        let head = try response.objectHead()
        let range = try response.deliveredRange()
        let found = state.withLock { state in
            let found = misfit(&state, head, range)
            state.accepted = found == nil
            return found
        }
        switch found {
        case nil: return
        case .version: throw response.otherVersion(head.etag)
        case .size: throw response.malformed("an object of \(head.size) bytes, which had others")
        case .range: throw response.malformed("\(range) is not what was asked for")
        }
    }

    /// Why an answer is not the one that was asked for.
    private enum Misfit {
        case version
        case size
        case range
    }

    private func misfit(
        _ state: inout State, _ head: ObjectHead, _ range: Range<UInt64>
    ) -> Misfit? {
        if let first = state.head, state.delivered > 0, let expected = state.expected {
            if first.etag != head.etag { return .version }
            if first.size != head.size { return .size }
            return range == state.start..<expected.upperBound ? nil : .range
        }
        // LIST and conditions name the manifest's tag of a large object, GET its segments'.
        if let tag = object.etag ?? state.matching, tag != head.etag,
            !(head.etag.isOfSegments && tag == .ofNothing)
        {
            return .version
        }
        if let size = object.size, size != head.size { return .size }
        let whole = 0..<head.size
        let asked = state.range ?? whole
        // Of an object of unknown size there may be less than was asked for.
        guard range == (object.size == nil ? asked.clamped(to: whole) : asked) else {
            return .range
        }
        state.head = head
        state.expected = range
        return nil
    }

    /// The head of the object, if everything arrived.
    func finish(_ response: S3Response) throws(S3Failure) -> ObjectHead {
        try response.requireSuccess()
        // An empty body has no first byte at which the answer would have been looked at, and one that was
        // refused there is looked at again for the reason.
        if !state.withLock(\.accepted) { try accept(response) }
        let (head, expected, delivered) = state.withLock { state in
            (state.head, state.expected, state.delivered)
        }
        guard let head, let expected, response.http.body.isEmpty else {
            throw response.malformed("not the bytes that were asked for")
        }
        guard delivered == expected.upperBound - expected.lowerBound else {
            throw response.malformed("\(delivered) bytes instead of \(expected)")
        }
        return head
    }
}
