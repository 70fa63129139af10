import RGWBase
import RGWObject
import RGWWire
import Synchronization

/// One multipart upload: create, parts in parallel, the precondition, complete, and the ETag by
/// HEAD; aborted when anything before completing fails.
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

    init(
        _ store: S3ObjectStore, _ address: ObjectAddress, body: ObjectBody,
        precondition: Precondition, completion: @escaping Completion<Stored>
    ) {
        self.store = store
        context = store.context
        self.address = address
        self.body = body
        self.precondition = precondition
        plan = MultipartPlan(
            length: body.length, preferred: store.context.configuration.partSize)
        self.completion = completion
    }

    func start(_ request: HTTPRequest) -> Self {
        run(0) { done in
            self.store.simpleCall(
                .createMultipart, subject: "\(self.address)", request: request,
                parse: { response throws(S3Failure) in try response.uploadID() },
                completion: done)
        } then: { result in
            switch result {
            case .success(let upload): self.sendParts(upload)
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
    private func sendParts(_ upload: String) {
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
            case .complete: return checkPrecondition(upload)
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

    private func sendPart(_ number: Int, _ upload: String) {
        let range = plan.range(ofPart: number)
        let request = context.builder.uploadPart(
            address, upload: upload, number: number, body: MultipartPlan.slice(body, range))
        var options = context.options(
            .uploadPart, lane: .bulk, length: range.upperBound - range.lowerBound)
        options.digestsBody = true
        let sent = options
        let call = S3Call<[UInt8]>(
            context, .uploadPart, subject: "\(address) part \(number)",
            prepare: { () throws(ObjectStoreError) in
                PreparedRequest(operation: .uploadPart, request: request, options: sent)
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
        _ number: Int, _ upload: String, _ result: Result<[UInt8], ObjectStoreError>
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

    /// RGW ignores conditions on CompleteMultipartUpload, so the object is looked at just before.
    private func checkPrecondition(_ upload: String) {
        guard precondition != .none else { return complete(upload) }
        run(0) { done in
            self.store.head(self.address, completion: done)
        } then: { result in
            switch (self.precondition, result) {
            case (.absent, .failure(let error)) where error.kind == .noSuchKey:
                self.complete(upload)
            case (.matches(let etag), .success(let head)) where head.etag == etag:
                self.complete(upload)
            case (_, .failure(let error)) where error.kind != .noSuchKey:
                self.fail(error, upload)
            default:
                self.fail(
                    ObjectStoreError(.preconditionFailed, operation: "PUT \(self.address)"), upload)
            }
        }
    }

    private func complete(_ upload: String) {
        let digests = state.withLock { state in
            (1...plan.count).compactMap { state.digests[$0] }
        }
        let parts = digests.enumerated().map { index, digest in
            UploadedPart(number: index + 1, etag: MultipartPlan.etag(ofPart: digest))
        }
        let request = context.builder.completeMultipart(address, upload: upload, parts: parts)
        let etag = MultipartPlan.etag(ofPartDigests: digests)
        run(0) { done in
            self.store.simpleCall(
                .completeMultipart, subject: "\(self.address)", request: request,
                parse: { response throws(S3Failure) in try response.requireCompleted() },
                completion: done)
        } then: { result in
            self.completed(result, etag, upload)
        }
    }

    /// After a lost answer the object itself tells whether the upload was completed.
    private func completed(
        _ result: Result<Void, ObjectStoreError>, _ etag: ETag, _ upload: String
    ) {
        if case .failure(let error) = result, error.kind != .unknownOutcome {
            return fail(error, upload)
        }
        run(0) { done in
            self.store.head(self.address, completion: done)
        } then: { [context, completion] head in
            if case .success(let head) = head, head.etag == etag {
                completion(.success(Stored(etag: etag, lastModified: head.lastModified)))
            } else if case .failure(let error) = result {
                completion(.failure(error))
            } else {
                // Somebody wrote after us, or HEAD failed: ours was stored all the same.
                completion(.success(Stored(etag: etag, lastModified: context.serverTime())))
            }
        }
    }

    private func fail(_ error: ObjectStoreError, _ upload: String) {
        state.withLock { $0.error = $0.error ?? error }
        abort(upload)
    }

    /// Frees the parts; the first error is what the caller hears, whatever becomes of this.
    private func abort(_ upload: String) {
        let error = state.withLock(\.error) ?? cancelled
        let call = store.simpleCall(
            .abortMultipart, subject: "\(address)",
            request: context.builder.abortMultipart(address, upload: upload),
            parse: { response throws(S3Failure) in try response.requireSuccess() },
            completion: { [completion] _ in completion(.failure(error)) })
        _ = call
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
