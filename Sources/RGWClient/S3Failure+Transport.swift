import RGWObject
import RGWWire

extension S3Failure {
    /// The one table from the transport's errors to the store's.
    init(_ error: TransportError, _ operation: S3Operation, subject: String) {
        let sent = error.mayHaveTakenEffect
        let kind: ObjectStoreError.Kind
        var retry: RetryClass = sent ? .perhapsDone : .notDone
        var message: String?
        switch error {
        case .unreachable(let text):
            (kind, message) = (.unreachable, text)
        case .broken(_, let text):
            (kind, message) = (sent ? .unknownOutcome : .unreachable, text)
        case .timedOut(_, let text):
            (kind, message) = (sent && !operation.isRepeatable ? .unknownOutcome : .timedOut, text)
        case .malformed(_, let text):
            (kind, message) = (.malformedAnswer, text)
            retry = .perhapsDone
        case .bodyUnreadable(let text):
            (kind, message, retry) = (.bodyUnreadable, text, .never)
        case .cancelled:
            (kind, retry) = (sent && !operation.isRepeatable ? .unknownOutcome : .cancelled, .never)
        }
        self.init(
            ObjectStoreError(kind, operation: "\(operation.rawValue) \(subject)", message: message),
            retry: retry)
    }
}

extension S3Failure {
    /// HEAD's answers have no body: 403 may be AccessDenied, a wrong key or a wrong clock, and 400
    /// anything. 404 is clear.
    var isBodilessRefusal: Bool {
        error.code == nil && (error.status == 403 || error.status == 400)
    }
}
