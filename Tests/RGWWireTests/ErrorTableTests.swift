import Foundation
import RGWObject
import RGWWire
import Testing

/// The whole table, against `Vectors/errors.tsv`: RGW's list of errors, and what else servers say.
@Suite struct ErrorTableTests {
    /// One line of errors.tsv.
    struct Line {
        let operations: [S3Operation]
        let status: Int
        let code: String?
        let isS3: Bool
        let kind: String
        let retry: String

        /// `*`, a list of operations, or `!` and those that it is not about.
        init?(_ line: Substring) {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count == 6, let status = Int(fields[1]) else { return nil }
            let names = fields[0].drop { $0 == "!" }.split(separator: ",").map(String.init)
            let isNegated = fields[0].first == "!"
            operations = S3Operation.allCases.filter {
                fields[0] == "*" || names.contains("\($0)") != isNegated
            }
            self.status = status
            code = fields[2] == "-" ? nil : String(fields[2])
            isS3 = fields[3] == "yes"
            kind = String(fields[4])
            retry = String(fields[5])
        }

        func answer(_ operation: S3Operation) -> S3Response {
            var headers = HTTPHeaders()
            if isS3 { headers.append("X-Amz-Request-Id", "tx1") }
            let body = code.map { "<Error><Code>\($0)</Code></Error>" } ?? ""
            return S3Response(
                operation, subject: "b/k",
                http: HTTPResponse(status: status, headers: headers, body: Array(body.utf8)))
        }
    }

    private static func lines() throws -> [Line] {
        let url = try #require(
            Bundle.module.url(
                forResource: "errors", withExtension: "tsv", subdirectory: "Vectors"))
        let text = try String(contentsOf: url, encoding: .utf8)
        return try text.split(separator: "\n").dropFirst().map { line in
            try #require(Line(line), "\(line)")
        }
    }

    @Test func everyAnswerMeansWhatTheVectorsSay() throws {
        var cells = 0
        for line in try Self.lines() {
            #expect(!line.operations.isEmpty)
            for operation in line.operations {
                let failure = #expect(throws: S3Failure.self) {
                    try line.answer(operation).requireSuccess()
                }
                let cell = "\(operation) \(line.status) \(line.code ?? "-") S3: \(line.isS3)"
                let error = try #require(failure?.error)
                #expect("\(error.kind)" == line.kind, "\(cell)")
                #expect(failure.map { "\($0.retry)" } == line.retry, "\(cell)")
                #expect(error.status == line.status && error.code == line.code)
                #expect(error.requestID == (line.isS3 ? "tx1" : nil))
                #expect(error.operation == "\(operation.rawValue) b/k")
                cells += 1
            }
        }
        #expect(cells > 1500)
    }

    @Test func noRuleOfTheTableIsDead() throws {
        let lines = try Self.lines()
        for (index, row) in ErrorTable.rows.enumerated() {
            let isReached = lines.contains { line in
                line.operations.contains { operation in
                    func fits(_ row: ErrorTable.Row) -> Bool {
                        row.fits(
                            operation, status: line.status, code: line.code,
                            isS3: line.isS3 || line.code != nil)
                    }
                    return fits(row) && !ErrorTable.rows[..<index].contains(where: fits)
                }
            }
            #expect(isReached, "\(row)")
        }
    }

    @Test func onlyADefinite404IsNotFound() {
        for operation in S3Operation.allCases {
            for status in 100...599 {
                for isS3 in [true, false] {
                    let kind = ErrorTable.entry(operation, status: status, code: nil, isS3: isS3)
                        .kind
                    let isDefinite = operation == .headObject && status == 404 && isS3
                    #expect((kind == .noSuchKey) == isDefinite)
                }
            }
        }
    }

    @Test func aRefusalToTryNowWasNotDone() {
        for operation in S3Operation.allCases {
            let entry = ErrorTable.entry(operation, status: 503, code: nil, isS3: false)
            let named = ErrorTable.entry(operation, status: 503, code: "SlowDown", isS3: true)
            #expect(entry == named)
            #expect(entry.retry == .notDone)
        }
    }

    @Test func theErrorKeepsWhatAPersonNeeds() {
        var headers = HTTPHeaders()
        headers.append("X-Amz-Request-Id", "tx1")
        let body = "<Error><Code>QuotaExceeded</Code><Message>full</Message></Error>"
        let answer = S3Response(
            .putObject, subject: "photos/a.jpg",
            http: HTTPResponse(status: 403, headers: headers, body: Array(body.utf8)))
        let failure = #expect(throws: S3Failure.self) { try answer.requireSuccess() }
        #expect(
            failure?.error.description
                == "PUT photos/a.jpg: the quota is used up, HTTP 403 QuotaExceeded: full (request tx1)"
        )
    }

    @Test(arguments: ["", "{\"Code\":\"x\"}", "<html>no</html>", "<Error><Code>", "\u{0}"])
    func bodiesThatAreNoErrorsAreIgnored(body: String) {
        let answer = S3Response(
            .putObject, subject: "b/k", http: HTTPResponse(status: 400, body: Array(body.utf8)))
        let failure = #expect(throws: S3Failure.self) { try answer.requireSuccess() }
        #expect(failure?.error.kind == .invalidRequest)
        #expect(failure?.error.code == nil)
    }
}
