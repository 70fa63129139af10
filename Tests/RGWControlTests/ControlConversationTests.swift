import RGWBase
import RGWControl
import Synchronization
import Testing

/// A mount of which a test says what it answers.
final class FakePort: ControlPort {
    let asked = Mutex<[String]>([])
    let items: [QueueItem]

    init(items: [QueueItem] = []) { self.items = items }

    private func note(_ text: String) { asked.withLock { $0.append(text) } }

    func report() -> MountReport {
        note("report")
        var report = MountReport()
        report.pending = 3
        return report
    }
    func queue(limit: Int) -> [QueueItem] {
        note("queue \(limit)")
        return Array(items.prefix(limit))
    }
    func retry(path: String?) -> Int {
        note("retry \(path ?? "everything")")
        return 2
    }
    func resolve(path: String, _ resolution: Resolution) throws(ControlError) -> String {
        throw ControlError(.notFound, "nothing waits at \(path)")
    }
    func sync(
        for limit: Duration?, progress: (MountReport) -> Bool
    ) throws(ControlError) -> MountReport {
        var count = 0
        while progress(MountReport()), count < 5 { count += 1 }
        note("sync \(count)")
        return MountReport()
    }
    func stats() -> JSONValue { .object(["requests": .integer(1)]) }
    func cacheStatus() -> JSONValue { .object(["objects": .integer(7)]) }
    func cacheDrop() -> JSONValue { .object(["objects": .integer(0)]) }
    func remount(_ request: RemountRequest) throws(ControlError) -> JSONValue {
        note("remount \(request.options) trial \(request.isTrial)")
        return RemountRequest.answer(changed: ["uploads"], warnings: ["careful"])
    }
    func handOver() throws(ControlError) { throw ControlError(.wrongState, "mounted") }
    func finish() { note("finish") }
}

/// What one connection answers.
@Suite struct ControlConversationTests {
    private func replies(
        to request: ControlRequest, of port: FakePort, from user: UInt32 = 0, readers: Int = .max
    ) throws -> [ControlReply] {
        let conversation = ControlConversation(port: port, owner: 1000)
        let lines = Mutex<[String]>([])
        conversation.answer(Array(request.line.utf8), from: user) { line in
            lines.withLock { lines in
                if lines.count < readers { lines.append(line) }
                return lines.count < readers
            }
        }
        return try lines.withLock { $0 }.map { try ControlReply(parsing: Array($0.utf8)) }
    }

    @Test func rootAndTheOwnerMayAsk() throws {
        let port = FakePort()
        for user: UInt32 in [0, 1000] {
            let replies = try replies(to: .status, of: port, from: user)
            #expect(replies == [.done(port.report().json)])
        }
    }

    @Test(arguments: ControlRequestTests.requests)
    func nobodyElseIsServedAnything(request: ControlRequest) throws {
        let port = FakePort()
        let replies = try replies(to: request, of: port, from: 1001)
        guard case .failed(let error) = replies.first else { throw ControlError(.failed, "served") }
        #expect(error.code == .denied)
        #expect(replies.count == 1)
        #expect(port.asked.withLock { $0 }.isEmpty)
    }

    @Test func aQueueIsOneLineAChangeAndTheCount() throws {
        let items = (0..<3).map {
            QueueItem(path: "p\($0)", key: "k", want: "put", state: "waiting")
        }
        let replies = try replies(to: .queue(limit: 2), of: FakePort(items: items))
        #expect(
            replies == [
                .item(items[0].json), .item(items[1].json),
                .done(.object(["count": .integer(2)])),
            ])
    }

    @Test func whoGoesAwayEndsTheWait() throws {
        let port = FakePort()
        _ = try replies(to: .sync(milliseconds: nil), of: port, readers: 2)
        #expect(port.asked.withLock { $0 } == ["sync 1"])
    }

    @Test func aRefusalIsToldWithItsCode() throws {
        let resolve = try replies(to: .resolve(path: "x", .local), of: FakePort())
        #expect(resolve == [.failed(ControlError(.notFound, "nothing waits at x"))])
        let handOver = try replies(to: .handOver, of: FakePort())
        #expect(handOver == [.failed(ControlError(.wrongState, "mounted"))])
    }
}
