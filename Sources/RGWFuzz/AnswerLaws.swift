import RGWBase
import RGWCurl
import RGWObject
import RGWWire

/// A whole answer is refused, or obeys the rules of what it was read as.
enum AnswerLaws {
    static func broken(by bytes: [UInt8]) -> String? {
        guard let http = answer(bytes) else { return nil }
        for field in http.headers {
            if field.name.isEmpty || field.name != field.name.lowercased() {
                return "a header's name is '\(field.name)'"
            }
        }
        for operation in S3Operation.allCases {
            let response = S3Response(operation, subject: "b/k", http: http)
            if let law = listing(response) ?? object(response) { return law }
            if acceptsAny(response), !http.isSuccess {
                return "a failure is read as an answer"
            }
        }
        return nil
    }

    /// Whether any parser takes the answer for one to its operation.
    private static func acceptsAny(_ response: S3Response) -> Bool {
        let now = WallTime(seconds: 0)
        let outcomes = [
            accepts { () throws(S3Failure) in try response.requireSuccess() },
            accepts { () throws(S3Failure) in _ = try response.buckets() },
            accepts { () throws(S3Failure) in _ = try response.deleteFailures(bucket: "b") },
            accepts { () throws(S3Failure) in _ = try response.copied(now: now) },
            accepts { () throws(S3Failure) in _ = try response.uploadID() },
            accepts { () throws(S3Failure) in try response.requireCompleted() },
            accepts { () throws(S3Failure) in _ = try response.bucketUsage() },
            accepts { () throws(S3Failure) in _ = try response.stored(md5: nil, now: now) },
        ]
        return outcomes.contains(true)
    }

    private static func accepts(_ parse: () throws(S3Failure) -> Void) -> Bool {
        do throws(S3Failure) {
            try parse()
            return true
        } catch { return false }
    }

    /// Cut into lines as libcurl does it; nil when no header block ends.
    static func answer(_ bytes: [UInt8]) -> HTTPResponse? {
        var reader = HeaderReader()
        var offset = 0
        var status = 200
        while offset < bytes.count {
            let end = bytes[offset...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
            let line = Array(bytes[offset..<end])
            offset = end
            switch reader.read(line.span) {
            case .malformed: return nil
            case .end:
                return HTTPResponse(
                    status: status, headers: reader.headers, body: Array(bytes[offset...]))
            case .statusLine: status = statusCode(line) ?? 200
            case .field, .ignored: break
            }
        }
        return nil
    }

    private static func statusCode(_ line: [UInt8]) -> Int? {
        let words = line.split(separator: 0x20)
        guard words.count > 1, let code = Int(String(decoding: words[1].prefix(3), as: UTF8.self))
        else { return nil }
        return (100...599).contains(code) ? code : nil
    }

    private static func listing(_ response: S3Response) -> String? {
        guard let page = try? response.listPage() else { return nil }
        guard let next = page.next else { return nil }
        if page.objects.isEmpty, page.commonPrefixes.isEmpty { return "an empty page goes on" }
        let behind = page.objects.contains { $0.key > next }
        return behind ? "the next page begins before the end of this one" : nil
    }

    private static func object(_ response: S3Response) -> String? {
        if let head = try? response.objectHead(), head.etag.text.isEmpty { return "an empty tag" }
        if let range = try? response.deliveredRange(), let head = try? response.objectHead(),
            range.upperBound > head.size
        {
            return "bytes \(range) of \(head.size)"
        }
        return nil
    }
}
