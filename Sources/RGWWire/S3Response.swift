package import RGWBase
package import RGWObject

/// One answer to one S3 request, with the parsers that turn it into values; pure.
///
/// Parsers of operations are in the extensions. All of them treat the answer as hostile: what is
/// malformed becomes `ObjectStoreError.malformedAnswer`.
package struct S3Response: Sendable {
    package let operation: S3Operation
    /// For messages, for example `photos/2024/a.jpg`.
    package let subject: String
    package let http: HTTPResponse

    package init(_ operation: S3Operation, subject: String, http: HTTPResponse) {
        self.operation = operation
        self.subject = subject
        self.http = http
    }

    /// The Date header, whole seconds.
    package var date: WallTime? { http.headers["date"].flatMap(CivilTime.parseHTTP) }

    /// Throws what the answer says unless its status is a success.
    package func requireSuccess() throws(S3Failure) {
        guard http.isSuccess else { throw failure(body: parseErrorBody()) }
    }

    /// A success that breaks the protocol.
    package func malformed(_ reason: String) -> S3Failure {
        S3Failure(error(.malformedAnswer, code: nil, message: reason), retry: .perhapsDone)
    }

    /// A success that shows another version than the one that was required: a server, or something before it,
    /// that ignores conditions. Means what the refusal would have meant.
    package func otherVersion(_ etag: ETag) -> S3Failure {
        S3Failure(
            error(
                .preconditionFailed, code: nil,
                message: "the answer is of another version (\(etag))"), retry: .never)
    }

    /// The root of an XML answer that must be `name`; an `<Error>` under status 200 (S3 answers
    /// long requests so) throws what it says.
    func reader(root name: String) throws(S3Failure) -> XMLReader {
        var xml = XMLReader(http.body)
        let root: String
        do { root = try xml.root() } catch { throw malformed(Self.text(error)) }
        if root == "Error" { throw failure(body: parseErrorBody()) }
        guard root == name else { throw malformed("<\(root)> instead of <\(name)>") }
        return xml
    }

    /// Runs a parser and turns its XML error into a failure.
    func parsing<Value>(_ body: () throws(XMLError) -> Value) throws(S3Failure) -> Value {
        do { return try body() } catch { throw malformed(Self.text(error)) }
    }

    private static func text(_ error: XMLError) -> String {
        "XML: \(error.reason) at byte \(error.offset)"
    }

    /// A size or count, which off_t must hold: whoever adds some bytes to it need not think of an overflow.
    static func size(_ text: String) -> UInt64? {
        guard text.utf8.allSatisfy({ (0x30...0x39) ~= $0 }) else { return nil }
        return Int64(text).flatMap { UInt64(exactly: $0) }
    }

    // MARK: Errors

    /// `<Error>`'s children that matter.
    struct ErrorBody: Equatable {
        var code: String?
        var message: String?
        var requestID: String?
        var bucketName: String?
    }

    /// Empty unless the body is an S3 error; RGW answers some errors in JSON or with no body.
    func parseErrorBody() -> ErrorBody {
        do {
            var body = ErrorBody()
            var xml = XMLReader(http.body)
            guard try xml.root() == "Error" else { return ErrorBody() }
            while let name = try xml.nextChild() {
                switch name {
                case "Code": body.code = try xml.string()
                case "Message": body.message = try xml.string()
                case "RequestId": body.requestID = try xml.string()
                case "BucketName": body.bucketName = try xml.string()
                default: try xml.skip()
                }
            }
            // RGW's messages are usually empty.
            if body.message?.isEmpty == true { body.message = nil }
            return body
        } catch {
            return ErrorBody()
        }
    }

    func failure(body: ErrorBody) -> S3Failure {
        let requestID = http.headers["x-amz-request-id"] ?? body.requestID
        let entry = ErrorTable.entry(
            operation, status: http.status, code: body.code, isS3: requestID != nil)
        var error = error(entry.kind, code: body.code, message: body.message)
        error.requestID = requestID
        error.bucketName = body.bucketName
        error.cut()
        if entry.kind == .malformedAnswer, http.status == 404 {
            error.message = "a 404 that is not from S3"
        }
        let seconds = http.headers["retry-after"].flatMap { UInt16($0) }
        return S3Failure(
            error, retry: entry.retry, serverTime: date,
            retryAfter: seconds.map { .seconds(Int64($0)) })
    }

    private func error(
        _ kind: ObjectStoreError.Kind, code: String?, message: String?
    )
        -> ObjectStoreError
    {
        ObjectStoreError(
            kind, operation: "\(operation.rawValue) \(subject)", status: http.status, code: code,
            requestID: http.headers["x-amz-request-id"], message: message)
    }
}
