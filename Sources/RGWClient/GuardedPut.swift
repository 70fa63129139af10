import RGWBase
import RGWObject
import RGWWire
import Synchronization

/// One PUT with its condition, on servers and buckets that treat conditions differently.
///
/// Law: it ends after a bounded number of requests. A refusal is believed only when HEAD explains it;
/// otherwise the next form is sent, at last one without a condition, right after that HEAD. Where versions
/// are kept, the answer names the new one, and `VersionCheck` finds out whether it replaced the right one.
/// Measured on RGW 16, 18 and 20 (ARCHITECTURE, "RGW's habits"):
/// - versions kept, 16 and 18: If-Match is always refused, If-None-Match never;
/// - versions kept, 20: both are checked, but not in one step with the write;
/// - suspended: If-None-Match is refused where a name was deleted.
final class GuardedPut: Sendable {
    private let store: S3ObjectStore
    private let address: ObjectAddress
    private let body: ObjectBody
    private let md5: [UInt8]
    private let metadata: ObjectMetadata
    private let precondition: Precondition
    private let payload: PayloadSigning
    private let completion: Completion<Stored>
    private let chain = CallChain()
    private let fallback: ClassFallback

    private struct State {
        var forms: ArraySlice<BucketHabits.Form> = []
        /// Forms that were refused.
        var refusals: [BucketHabits.Form] = []
    }
    private let state = Mutex(State())

    private var context: S3Context { store.context }

    init(
        _ store: S3ObjectStore, _ address: ObjectAddress, body: ObjectBody, md5: [UInt8],
        metadata: ObjectMetadata, precondition: Precondition, payload: PayloadSigning,
        completion: @escaping Completion<Stored>
    ) {
        self.store = store
        self.address = address
        self.body = body
        self.md5 = md5
        self.metadata = metadata
        self.precondition = precondition
        self.payload = payload
        self.completion = completion
        fallback = ClassFallback(metadata.storage, store.context)
    }

    func start() -> any Cancellable {
        let plan = context.habits.plan(
            precondition, bytes: body.length, in: address.bucket, quoting: context.ifMatchQuoting,
            now: context.clock.now())
        state.withLock { $0.forms = plan.forms[...] }
        if plan.looksFirst { look() } else { send() }
        return chain
    }

    /// Goes on when the object is as required, also after a refusal that is not true.
    private func look() {
        chain.run {
            store.head(address, completion: $0)
        } then: { [self] result in
            switch (precondition, result) {
            case (.absent, .failure(let error)) where error.kind == .noSuchKey: send()
            case (.matches(let wanted), .success(let head)) where head.etag.isSame(as: wanted):
                send()
            case (_, .failure(let error)) where error.kind != .noSuchKey:
                completion(.failure(error))
            default: explained()
            }
        }
    }

    private func explained() {
        if state.withLock(\.refusals).contains(.ifNoneMatch) {
            context.habits.heedsCreateOnly(address.bucket)
        }
        refuse("the key has another version, or none")
    }

    private func refuse(_ message: String) {
        completion(
            .failure(
                ObjectStoreError(
                    .preconditionFailed, operation: "PUT \(address)", status: 412,
                    message: message)))
    }

    private func send() {
        let (form, wasRefused) = state.withLock { state in
            (state.forms.popFirst(), !state.refusals.isEmpty)
        }
        guard let form else { return refuse("refused without a condition") }
        if form == .bare, wasRefused, case .matches = precondition {
            context.habits.refusesMatches(address.bucket, now: context.clock.now())
        }
        chain.run {
            call(form, completion: $0)
        } then: { [self] result in
            sent(form, result)
        }
    }

    private func call(
        _ form: BucketHabits.Form, completion: @escaping Completion<Written>
    ) -> any Cancellable {
        let context = context
        let options = context.options(.putObject, lane: .bulk, length: body.length)
        let (address, body, md5, payload) = (address, body, md5, payload)
        let (metadata, fallback) = (metadata, fallback)
        let (sent, quoting) = condition(form)
        return S3Call(
            store, .putObject, subject: "\(address)",
            prepare: { () throws(ObjectStoreError) in
                var metadata = metadata
                metadata.storage = fallback.storage
                var request = try context.builder.putObject(
                    address, body: body, md5: md5, metadata: metadata, precondition: sent,
                    quoting: quoting)
                request.payload = payload
                return PreparedRequest(operation: .putObject, request: request, options: options)
            },
            parse: { response throws(S3Failure) in
                let stored = try response.stored(md5: md5, now: context.serverTime())
                return Written(stored: stored, version: response.keptVersion)
            },
            adjust: { fallback.adjusts(to: $0) }, completion: completion
        ).start()
    }

    private struct Written: Sendable {
        var stored: Stored
        /// Its id, where the bucket keeps versions.
        var version: String?
    }

    private func condition(_ form: BucketHabits.Form) -> (Precondition, IfMatchQuoting) {
        switch form {
        case .ifMatch(let quoting): (precondition, quoting)
        case .ifNoneMatch: (.absent, .unquoted)
        case .bare: (.none, .unquoted)
        }
    }

    private func sent(_ form: BucketHabits.Form, _ result: Result<Written, ObjectStoreError>) {
        switch result {
        case .success(let written):
            if case .ifMatch(let quoting) = form { context.learn(quoting) }
            context.habits.wrote(address.bucket, version: written.version, as: form)
            VersionCheck.run(
                store, address, version: written.version, precondition, chain
            ) { [completion] checked in completion(checked.map { written.stored }) }
        case .failure(let error) where form != .bare && error.kind == .preconditionFailed:
            state.withLock { $0.refusals.append(form) }
            look()
        // RGW 20 says so of If-Match on a key that is not there.
        case .failure(let error) where form != .bare && error.kind == .noSuchKey:
            refuse("there is no such key")
        case .failure(let error): completion(.failure(error))
        }
    }
}
