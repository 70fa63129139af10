import RGWBase
import RGWObject
import RGWWire
import Synchronization

/// One body sent in parts: create, parts in parallel, complete; aborted when it definitely failed.
///
/// Each part's MD5 is computed while it is sent and compared with the part's ETag. State is guarded
/// by its mutex; calls are made outside it.
final class MultipartUpload: Cancellable {
    private let context: S3Context
    private let store: S3ObjectStore
    private let address: ObjectAddress
    private let body: ObjectBody
    private let precondition: Precondition
    private let plan: MultipartPlan
    private let completion: Completion<Stored>

    private struct State {
        var nextPart = 1
        var digests: [Int: [UInt8]] = [:]
        /// Calls under way, to be cancelled; parts under their number, others under 0.
        var running: [Int: (any Cancellable)?] = [:]
        var error: ObjectStoreError?
        /// The parts are over: completing or aborting has begun, once.
        var partsEnded = false
    }
    private let state = Mutex(State())
    /// What the signature says of each part, in their order.
    private let payloads: [PayloadSigning]

    /// Reads the whole body where signatures cover it: parts are sent from threads that must not.
    init(
        _ store: S3ObjectStore, _ address: ObjectAddress, body: ObjectBody,
        precondition: Precondition, completion: @escaping Completion<Stored>
    ) throws(ObjectStoreError) {
        self.store = store
        context = store.context
        self.address = address
        self.body = body
        self.precondition = precondition
        let plan = MultipartPlan(
            length: body.length, preferred: store.context.configuration.partSize)
        self.plan = plan
        self.completion = completion
        var payloads = [PayloadSigning](repeating: .unsigned, count: plan.count)
        for number in 1...plan.count where store.context.configuration.signsPayload {
            let part = MultipartPlan.slice(body, plan.range(ofPart: number))
            payloads[number - 1] = try store.context.digest(of: part, "PUT \(address)")
        }
        self.payloads = payloads
    }

    func start(_ metadata: ObjectMetadata) -> Self {
        run(0) { done in
            self.store.createUpload(self.address, metadata: metadata, completion: done)
        } then: { result in
            switch result {
            case .success(let id):
                self.sendParts(MultipartUploadAddress(object: self.address, id: id))
            case .failure(let error): self.completion(.failure(error))
            }
        }
        return self
    }

    func cancel() {
        let running = state.withLock { state in
            state.error = state.error ?? self.cancelled
            return state.running.values.compactMap(\.self)
        }
        for call in running { call.cancel() }
    }

    private var cancelled: ObjectStoreError {
        ObjectStoreError(.cancelled, operation: "PUT \(address)")
    }

    // MARK: Parts

    /// Starts as many parts as may be under way; goes on to completing after the last.
    private func sendParts(_ upload: MultipartUploadAddress) {
        while true {
            let (number, step) = state.withLock { state in
                Self.nextStep(
                    &state, parts: plan.count, parallel: context.configuration.parallelParts)
            }
            if let number {
                sendPart(number, upload)
                continue
            }
            switch step {
            case .wait: return
            case .abort: return abort(upload)
            case .complete: return complete(upload)
            }
        }
    }

    private static func nextStep(_ state: inout State, parts: Int, parallel: Int) -> (Int?, Step) {
        guard state.error == nil, state.nextPart <= parts else {
            guard state.running.isEmpty, !state.partsEnded else { return (nil, .wait) }
            state.partsEnded = true
            return (nil, state.error == nil ? .complete : .abort)
        }
        guard state.running.count < max(1, parallel) else { return (nil, .wait) }
        let number = state.nextPart
        state.nextPart += 1
        state.running[number] = .some(nil)
        return (number, .wait)
    }

    private enum Step {
        case wait
        case abort
        case complete
    }

    private func sendPart(_ number: Int, _ upload: MultipartUploadAddress) {
        let range = plan.range(ofPart: number)
        var request = context.builder.uploadPart(
            upload, number: number, body: MultipartPlan.slice(body, range))
        request.payload = payloads[number - 1]
        let prepared = request
        var options = context.options(
            .uploadPart, lane: .bulk, length: range.upperBound - range.lowerBound)
        options.digestsBody = true
        let sent = options
        let call = S3Call<[UInt8]>(
            store, .uploadPart, subject: "\(address) part \(number)",
            prepare: { () throws(ObjectStoreError) in
                PreparedRequest(operation: .uploadPart, request: prepared, options: sent)
            },
            parse: { response throws(S3Failure) in
                try response.requireSuccess()
                guard let md5 = response.http.sentMD5 else { throw response.malformed("no digest") }
                _ = try response.storedTag(md5: md5)
                return md5
            },
            completion: { self.partEnded(number, upload, $0) })
        keep(call.start(), number)
    }

    private func partEnded(
        _ number: Int, _ upload: MultipartUploadAddress, _ result: Result<[UInt8], ObjectStoreError>
    ) {
        let others = state.withLock { state -> [any Cancellable] in
            state.running[number] = nil
            switch result {
            case .success(let md5):
                state.digests[number] = md5
                return []
            case .failure(let error):
                state.error = state.error ?? error
                return state.running.values.compactMap(\.self)
            }
        }
        for call in others { call.cancel() }
        sendParts(upload)
    }

    // MARK: The end

    private func complete(_ upload: MultipartUploadAddress) {
        let parts = state.withLock { state in
            (1...plan.count).compactMap { number in
                state.digests[number].map {
                    UploadedPart(number: number, etag: MultipartPlan.etag(ofPart: $0))
                }
            }
        }
        run(0) { done in
            self.store.completeUpload(
                upload, parts: parts, precondition: self.precondition, completion: done)
        } then: { result in
            // What may have been completed must not be aborted.
            if case .failure(let error) = result, error.kind != .unknownOutcome {
                self.fail(error, upload)
            } else {
                self.completion(result)
            }
        }
    }

    private func fail(_ error: ObjectStoreError, _ upload: MultipartUploadAddress) {
        state.withLock { $0.error = $0.error ?? error }
        abort(upload)
    }

    /// Frees the parts; the first error is what the caller hears, whatever becomes of this.
    private func abort(_ upload: MultipartUploadAddress) {
        let error = state.withLock(\.error) ?? cancelled
        store.abortUpload(upload) { [completion] _ in completion(.failure(error)) }
    }

    /// Runs a call that can be cancelled, then the next step.
    private func run<Answer>(
        _ slot: Int, _ call: (@escaping Completion<Answer>) -> any Cancellable,
        then next: @escaping @Sendable (Result<Answer, ObjectStoreError>) -> Void
    ) {
        state.withLock { $0.running[slot] = .some(nil) }
        keep(
            call { result in
                self.state.withLock { $0.running[slot] = nil }
                next(result)
            }, slot)
    }

    /// Remembers a call so that `cancel` reaches it, unless it has already ended.
    private func keep(_ call: any Cancellable, _ slot: Int) {
        let cancels = state.withLock { state in
            if state.running[slot] != nil { state.running[slot] = call }
            return state.error != nil
        }
        if cancels { call.cancel() }
    }
}
