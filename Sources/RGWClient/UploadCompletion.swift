import RGWBase
import RGWObject
import RGWWire

/// The end of one upload in parts: the precondition, completing, and what became of it.
///
/// One request at a time, so it needs no lock of its own. Aborts nothing: whoever made the upload
/// decides that.
final class UploadCompletion: Sendable {
    private let store: S3ObjectStore
    private let upload: MultipartUploadAddress
    private let parts: [UploadedPart]
    /// What the whole object's will be.
    private let etag: ETag
    private let precondition: Precondition
    private let completion: Completion<Stored>
    private let chain = CallChain()

    init(
        _ store: S3ObjectStore, _ upload: MultipartUploadAddress, parts: [UploadedPart], etag: ETag,
        precondition: Precondition, completion: @escaping Completion<Stored>
    ) {
        self.store = store
        self.upload = upload
        self.parts = parts
        self.etag = etag
        self.precondition = precondition
        self.completion = completion
    }

    func start() -> any Cancellable {
        if precondition == .none || isConditional {
            complete(conditionally: isConditional)
        } else {
            checkPrecondition()
        }
        return chain
    }

    /// The server is known to check conditions itself.
    private var isConditional: Bool {
        store.context.habits.capabilities(of: upload.object.bucket).conditionalComplete == .present
    }

    /// RGW 16 ignores conditions on CompleteMultipartUpload, so the object is looked at just before; also where
    /// the server refused one, which is not true where a name was deleted in a bucket that suspended versions.
    private func checkPrecondition() {
        chain.run {
            store.head(upload.object, completion: $0)
        } then: { [self] result in
            switch (precondition, result) {
            case (.absent, .failure(let error)) where error.kind == .noSuchKey:
                complete(conditionally: false)
            case (.matches(let wanted), .success(let head)) where head.etag == wanted:
                complete(conditionally: false)
            case (_, .failure(let error)) where error.kind != .noSuchKey:
                completion(.failure(error))
            case (_, .success(let head)) where head.etag == etag: checkUpload(head)
            default: refuse()
            }
        }
    }

    /// The object is what this upload makes: by an earlier completing whose answer was lost, if the
    /// upload is gone; by somebody else, if it is there.
    private func checkUpload(_ head: ObjectHead) {
        chain.run {
            store.listParts(upload, completion: $0)
        } then: { [self] result in
            guard case .failure(let error) = result else { return refuse() }
            guard error.kind == .noSuchUpload else { return completion(.failure(error)) }
            completion(.success(Stored(etag: etag, lastModified: head.lastModified)))
        }
    }

    private func refuse() {
        completion(
            .failure(
                ObjectStoreError(
                    .preconditionFailed, operation: "COMPLETE MULTIPART \(upload.object)")))
    }

    private func complete(conditionally: Bool) {
        let request = store.context.builder.completeMultipart(
            upload, parts: parts, precondition: conditionally ? precondition : .none,
            quoting: store.context.ifMatchQuoting ?? .quoted)
        chain.run { done in
            store.simpleCall(
                .completeMultipart, subject: "\(upload.object)", request: request,
                parse: { response throws(S3Failure) in
                    try response.requireCompleted()
                    return response.keptVersion
                },
                completion: done)
        } then: { [self] (result: Result<String?, ObjectStoreError>) in
            if conditionally, case .failure(let error) = result, error.kind == .preconditionFailed {
                return checkPrecondition()
            }
            completed(result)
        }
    }

    /// The answer has no ETag on RGW 16 and never a time, so the object is asked. After a lost
    /// answer, or when the upload is gone, the object itself tells whether it was completed.
    private func completed(_ result: Result<String?, ObjectStoreError>) {
        if case .failure(let error) = result, error.kind != .unknownOutcome,
            error.kind != .noSuchUpload
        {
            return completion(.failure(error))
        }
        chain.run {
            store.head(upload.object, completion: $0)
        } then: { [self] head in
            if case .success(let head) = head, head.etag == etag {
                stored(result, head.lastModified)
            } else if case .failure(let error) = result {
                resolve(error)
            } else {
                unseen(head, result)
            }
        }
    }

    private func stored(_ result: Result<String?, ObjectStoreError>, _ time: WallTime) {
        var version: String?
        if case .success(let made) = result {
            version = made
            store.context.habits.wrote(upload.object.bucket, version: made, as: .bare)
        }
        let answer = Stored(etag: etag, lastModified: time)
        VersionCheck.run(store, upload.object, version: version, precondition, chain) {
            [completion] checked in completion(checked.map { answer })
        }
    }

    /// The server says that it has put the parts together, and HEAD does not show that object. Somebody may have
    /// written after us, or HEAD may be refused: ours was stored all the same. An object that is not there was
    /// perhaps never made, and without an answer nobody knows: what was sent is to be kept until it is seen.
    private func unseen(
        _ head: Result<ObjectHead, ObjectStoreError>, _ result: Result<String?, ObjectStoreError>
    ) {
        let isStored =
            switch (head, precondition) {
            case (.failure(let error), _): error.kind == .accessDenied
            // The version that it was to replace is there.
            case (.success(let found), .matches(let old)): found.etag != old
            case (.success, _): true
            }
        if isStored { return stored(result, store.context.serverTime()) }
        completion(
            .failure(
                ObjectStoreError(
                    .unknownOutcome, operation: "COMPLETE MULTIPART \(upload.object)", status: 200,
                    message: "the server says that it is done, and the object is not seen")))
    }

    /// RGW 16 answers 500 InternalError ("already in progress") when the upload was aborted. After
    /// an answer that was lost, an upload that is gone may have been completed all the same.
    private func resolve(_ error: ObjectStoreError) {
        guard error.kind == .unknownOutcome, error.status != nil else {
            return completion(.failure(error))
        }
        chain.run {
            store.listParts(upload, completion: $0)
        } then: { [self] result in
            guard case .failure(let found) = result, found.kind == .noSuchUpload else {
                return completion(.failure(error))
            }
            completion(.failure(found))
        }
    }
}
