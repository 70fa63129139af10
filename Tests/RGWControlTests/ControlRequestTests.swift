import RGWBase
import RGWControl
import Testing

/// The socket's requests and answers as lines.
@Suite struct ControlRequestTests {
    static let requests: [ControlRequest] = [
        .status, .queue(limit: 7), .retry(path: nil), .retry(path: "a \"b\"\n\u{1}/ü"),
        .resolve(path: "x", .both), .sync(milliseconds: nil), .sync(milliseconds: 1500), .stats,
        .remount(RemountRequest(options: ["ro,remount", "uploads=4"], isSloppy: true)),
        .handOver, .finish,
    ]

    @Test(arguments: requests) func aRequestIsReadAsItWasWritten(request: ControlRequest) throws {
        #expect(try ControlRequest(parsing: Array(request.line.utf8)) == request)
        #expect(!request.line.utf8.contains(0x0A))
    }

    @Test(arguments: requests) func aCutRequestIsRefused(request: ControlRequest) {
        let line = Array(request.line.utf8)
        for length in line.indices {
            #expect(throws: ControlError.self) {
                try ControlRequest(parsing: Array(line[..<length]))
            }
        }
    }

    @Test func unknownMembersAreSkipped() throws {
        let line = #"{"rgwfs":1,"do":"status","colour":"green"}"#
        #expect(try ControlRequest(parsing: Array(line.utf8)) == .status)
    }

    @Test(arguments: [
        #"{"do":"status"}"#, #"{"rgwfs":1}"#, #"[]"#, #"{"rgwfs":1,"do":"resolve","path":"x"}"#,
        #"{"rgwfs":1,"do":"resolve","path":"x","keep":"neither"}"#, "status", "",
    ])
    func whatSaysNotWhatToDoIsABadRequest(line: String) {
        #expect {
            try ControlRequest(parsing: Array(line.utf8))
        } throws: {
            ($0 as? ControlError)?.code == .badRequest
        }
    }

    @Test(arguments: [#"{"rgwfs":2,"do":"status"}"#, #"{"rgwfs":1,"do":"dance"}"#])
    func whatALaterProgramAsksIsUnknown(line: String) {
        #expect {
            try ControlRequest(parsing: Array(line.utf8))
        } throws: {
            ($0 as? ControlError)?.code == .unknownRequest
        }
    }

    @Test func limitsAreCutToWhatIsServed() throws {
        let line = #"{"rgwfs":1,"do":"queue","limit":99999999999}"#
        #expect(
            try ControlRequest(parsing: Array(line.utf8))
                == .queue(limit: ControlRequest.queueMax))
        let negative = #"{"rgwfs":1,"do":"sync","milliseconds":-5}"#
        #expect(
            try ControlRequest(parsing: Array(negative.utf8)) == .sync(milliseconds: 0))
    }

    @Test func everyKindOfAnswerIsReadAsItWasWritten() throws {
        let replies: [ControlReply] =
            [.item(.string("x")), .progress(.null), .done(.object([:]))]
            + ControlError.Code.allCases.map { .failed(ControlError($0, "why \"so\"")) }
        for reply in replies {
            #expect(try ControlReply(parsing: Array(reply.line.utf8)) == reply)
        }
        #expect(throws: ControlError.self) { try ControlReply(parsing: Array("{}".utf8)) }
    }
}
