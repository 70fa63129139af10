import RGWBase
import RGWCrypto
package import RGWObject
import RGWWire
import Synchronization

/// Finds out what a server does of what releases differ in, by trying it on one object that is gone
/// afterwards.
///
/// Owns what it has found, guarded by its mutex; one request at a time. Writes nothing where the
/// bucket keeps versions, or after the first refusal to write.
package final class CapabilityProbe: Cancellable {
    private struct State {
        var found = ServerCapabilities()
        /// Of the probe's object; nil while there is none.
        var etag: ETag?
        /// The first PUT made a version, which nobody had told.
        var version: String?
        /// Whether there may be an upload.
        var beganUpload = false
        /// Numbers the contents, so that each PUT has another ETag.
        var puts: UInt8 = 0
    }
    private let state = Mutex(State())
    private let store: S3ObjectStore
    private let target: ObjectAddress
    private let completion: Completion<ServerCapabilities>
    private let chain = CallChain()

    /// What a request with a condition showed.
    private enum Verdict {
        /// Done, although the condition did not hold, or because it did.
        case done(ETag)
        case refused
        /// Neither: a server that does not know the header, or another failure.
        case failed(ObjectStoreError)
    }

    /// Tries the bucket and answers with what was found; fails only when the probe's object may
    /// still be there (the error names it). `prefix` is the mount's: its user may be allowed nothing
    /// else. The object's key has an empty part, so that no mount shows it, and 64 random bits.
    @discardableResult
    package static func run(
        _ store: S3ObjectStore, bucket: BucketName, prefix: [UInt8] = [],
        completion: @escaping Completion<ServerCapabilities>
    ) -> any Cancellable {
        let random = String(store.context.entropy.next(), radix: 16)
        let name = Array("//rgwfs-probe/\(random)".utf8)
        guard let key = try? ObjectKey(prefix + name) else {
            let error = ObjectStoreError(
                .invalidName, operation: "PROBE \(bucket)",
                message: "the prefix leaves no room for the probe's key")
            return store.refuse(error, completion)
        }
        let target = ObjectAddress(bucket: bucket, key: key)
        let probe = CapabilityProbe(store, target, completion)
        probe.start()
        return probe
    }

    private init(
        _ store: S3ObjectStore, _ target: ObjectAddress,
        _ completion: @escaping Completion<ServerCapabilities>
    ) {
        self.store = store
        self.target = target
        self.completion = completion
    }

    /// What was written is removed all the same.
    package func cancel() { chain.cancel() }

    private var builder: S3RequestBuilder { store.context.builder }
    private static let otherTag = ETag(String(repeating: "0", count: 32))

    // MARK: What needs no writing

    private func start() {
        let bucket = target.bucket
        chain.run {
            store.removalNotices(of: bucket, completion: $0)
        } then: { [self] result in
            store.context.removalNotices.told(bucket, result, store.context.clock)
            if case .success(let notifies) = result {
                state.withLock { $0.found.multiObjectDelete = notifies ? .absent : .present }
            }
            askVersioning()
        }
    }

    private func askVersioning() {
        chain.run { done in
            store.simpleCall(
                .getVersioning, subject: "\(target.bucket)",
                request: builder.versioning(of: target.bucket),
                parse: { [self] response throws(S3Failure) in
                    state.withLock { $0.found.server = response.http.headers["server"] }
                    return try response.versioningStatus()
                },
                completion: done)
        } then: { [self] result in
            guard case .success(let status) = result else { return createFirst() }
            let versioning = ServerCapabilities.Versioning(status: status)
            state.withLock { $0.found.versioning = versioning }
            // Also while it is suspended: what is deleted leaves a marker.
            if versioning == .off { createFirst() } else { finish() }
        }
    }

    // MARK: PUT

    private func createFirst() {
        put(.absent, .unquoted) { [self] verdict in
            switch verdict {
            case .done:
                let version = state.withLock { state in
                    state.found.writable = .present
                    return state.version
                }
                if let version { removeVersion(version) } else { createAgain() }
            case .refused: finish()
            case .failed(let error):
                if error.kind == .accessDenied {
                    state.withLock { $0.found.writable = .absent }
                    finish()
                } else {
                    // Perhaps it was stored.
                    cleanUp()
                }
            }
        }
    }

    /// Nothing else is written then.
    private func removeVersion(_ version: String) {
        state.withLock { $0.found.versioning = .enabled }
        // Not in the chain: it runs also after cancelling.
        _ = store.simpleCall(
            .deleteObject, subject: "\(target)",
            request: builder.deleteVersion(version, of: target),
            parse: { response throws(S3Failure) in try response.requireSuccess() }
        ) { [self] (result: Result<Void, ObjectStoreError>) in
            guard case .failure(let error) = result else { return finish() }
            var named = error
            named.message = "the version \(version) of \(target) was left behind"
            completion(.failure(named))
        }
    }

    private func createAgain() {
        put(.absent, .unquoted) { [self] verdict in
            note(verdict, \.createOnly)
            replaceOther()
        }
    }

    private func replaceOther() {
        put(.matches(Self.otherTag), .unquoted) { [self] verdict in
            note(verdict, \.conditionalPut)
            guard case .refused = verdict else { return copyOther() }
            replaceOwn([.unquoted, .quoted])
        }
    }

    /// A server that refuses every form of the right tag cannot be used with conditions.
    private func replaceOwn(_ forms: [IfMatchQuoting]) {
        guard let form = forms.first else {
            state.withLock { state in
                if state.found.ifMatchForms.isEmpty { state.found.conditionalPut = .absent }
            }
            return copyOther()
        }
        let etag = state.withLock(\.etag) ?? Self.otherTag
        put(.matches(etag), form) { [self] verdict in
            if case .done = verdict { state.withLock { _ = $0.found.ifMatchForms.insert(form) } }
            replaceOwn(Array(forms.dropFirst()))
        }
    }

    private func put(
        _ precondition: Precondition, _ form: IfMatchQuoting,
        then next: @escaping @Sendable (Verdict) -> Void
    ) {
        let body = state.withLock { state in
            state.puts += 1
            return [state.puts]
        }
        let request: HTTPRequest
        do {
            request = try builder.putObject(
                target, body: .bytes(body), md5: Hash.md5(body), metadata: ObjectMetadata(),
                precondition: precondition, quoting: form)
        } catch { return next(.failed(error)) }
        chain.run { done in
            store.simpleCall(
                .putObject, subject: "\(target)", request: request,
                parse: { [self] response throws(S3Failure) in
                    let etag = try response.storedTag(md5: Hash.md5(body))
                    if let version = response.keptVersion {
                        state.withLock { $0.version = version }
                    }
                    return etag
                },
                completion: done)
        } then: { [self] result in
            let verdict = Self.verdict(result)
            if case .done(let etag) = verdict { state.withLock { $0.etag = etag } }
            next(verdict)
        }
    }

    private static func verdict(_ result: Result<ETag, ObjectStoreError>) -> Verdict {
        switch result {
        case .success(let etag): .done(etag)
        case .failure(let error) where error.kind == .preconditionFailed: .refused
        case .failure(let error): .failed(error)
        }
    }

    /// The condition did not hold: refusing it is the support that is looked for.
    private func note(
        _ verdict: Verdict, _ path: WritableKeyPath<ServerCapabilities, ServerCapabilities.Support>
    ) {
        state.withLock { state in
            switch verdict {
            case .refused: state.found[keyPath: path] = .present
            case .done: state.found[keyPath: path] = .absent
            case .failed(let error):
                let isDefinite = error.kind == .notImplemented || error.kind == .invalidRequest
                state.found[keyPath: path] = isDefinite ? .absent : .unknown
            }
        }
    }

    // MARK: COPY

    /// Onto itself, so that nothing else comes into being.
    private func copyOther() {
        let request: HTTPRequest
        do {
            request = try builder.copyObject(
                from: target, to: target, metadata: ObjectMetadata(), sourceMatching: Self.otherTag)
        } catch { return beginUpload() }
        chain.run { done in
            store.simpleCall(
                .copyObject, subject: "\(target)", request: request,
                parse: { [store] response throws(S3Failure) in
                    try response.copied(now: store.context.serverTime()).etag
                }, completion: done)
        } then: { [self] (result: Result<ETag, ObjectStoreError>) in
            note(Self.verdict(result), \.conditionalCopy)
            beginUpload()
        }
    }

    // MARK: CompleteMultipartUpload

    private func beginUpload() {
        state.withLock { $0.beganUpload = true }
        chain.run {
            store.createUpload(target, metadata: ObjectMetadata(), completion: $0)
        } then: { [self] result in
            guard case .success(let id) = result else { return deleteOther() }
            let upload = MultipartUploadAddress(object: target, id: id)
            sendPart(upload)
        }
    }

    private func sendPart(_ upload: MultipartUploadAddress) {
        chain.run {
            store.putPart(
                upload, number: 1, body: .bytes([0]), md5: Hash.md5([0]), completion: $0)
        } then: { [self] result in
            guard case .success(let part) = result else { return abort(upload) }
            complete(upload, part)
        }
    }

    /// The object is there, so `If-None-Match: *` does not hold.
    private func complete(_ upload: MultipartUploadAddress, _ part: UploadedPart) {
        chain.run { done in
            store.simpleCall(
                .completeMultipart, subject: "\(target)",
                request: builder.completeMultipart(upload, parts: [part], precondition: .absent),
                parse: { response throws(S3Failure) in
                    try response.requireCompleted()
                    return part.etag
                },
                completion: done)
        } then: { [self] (result: Result<ETag, ObjectStoreError>) in
            let verdict = Self.verdict(result)
            note(verdict, \.conditionalComplete)
            guard case .done = verdict else { return abort(upload) }
            learnTag()
        }
    }

    /// Completing made another version, whose tag not every server computes alike.
    private func learnTag() {
        chain.run {
            store.head(target, completion: $0)
        } then: { [self] result in
            if case .success(let head) = result { state.withLock { $0.etag = head.etag } }
            deleteOther()
        }
    }

    private func abort(_ upload: MultipartUploadAddress) {
        chain.run {
            store.abortUpload(upload, completion: $0)
        } then: { [self] _ in
            deleteOther()
        }
    }

    // MARK: DELETE

    private func deleteOther() {
        delete(Self.otherTag, .quoted) { [self] verdict in
            note(verdict, \.conditionalDelete)
            guard case .refused = verdict else { return cleanUp() }
            deleteOwn([.quoted, .unquoted])
        }
    }

    private func deleteOwn(_ forms: [IfMatchQuoting]) {
        guard let form = forms.first, let etag = state.withLock(\.etag) else {
            // It refuses every form of the right tag, so conditions cannot be used.
            state.withLock { $0.found.conditionalDelete = .absent }
            return cleanUp()
        }
        delete(etag, form) { [self] verdict in
            guard case .done = verdict else { return deleteOwn(Array(forms.dropFirst())) }
            state.withLock { $0.found.deleteForm = form }
            cleanUp()
        }
    }

    private func delete(
        _ etag: ETag, _ form: IfMatchQuoting, then next: @escaping @Sendable (Verdict) -> Void
    ) {
        chain.run { done in
            store.simpleCall(
                .deleteObject, subject: "\(target)",
                request: builder.deleteObject(target, matching: (etag, form)),
                parse: { response throws(S3Failure) in
                    try response.requireSuccess()
                    return etag
                }, completion: done)
        } then: {
            next(Self.verdict($0))
        }
    }

    // MARK: The end

    private func cleanUp() {
        // Not in the chain: it runs also after cancelling.
        store.delete(target) { [self] result in
            guard case .failure(let error) = result else { return abortRest() }
            var named = error
            named.message = "the object \(target) was left behind"
            completion(.failure(named))
        }
    }

    /// Also the upload whose id never arrived.
    private func abortRest() {
        let began = state.withLock(\.beganUpload)
        guard began else { return finish() }
        store.listUploads(target.bucket, prefix: target.key, after: nil, limit: 1000) {
            [self] result in
            switch result {
            case .success(let page): abort(page.uploads.map(\.upload)[...])
            // Who may not list them can leave none but the one that was aborted already.
            case .failure: finish()
            }
        }
    }

    private func abort(_ uploads: ArraySlice<MultipartUploadAddress>) {
        guard let upload = uploads.first else { return finish() }
        store.abortUpload(upload) { [self] result in
            guard case .failure(let error) = result else { return abort(uploads.dropFirst()) }
            var named = error
            named.message = "the upload \(upload) was left behind"
            completion(.failure(named))
        }
    }

    private func finish() {
        let found = state.withLock(\.found)
        store.context.learn(found, of: target.bucket)
        completion(.success(found))
    }
}
