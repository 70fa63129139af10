import RGWBase
import Synchronization
import Testing

@testable import RGWHost

/// Sockets between processes of this machine.
@Suite struct HostListenerTests {
    /// Answers every line with its length and its sender.
    private func echo(_ directory: String, connectionsMax: Int = 4) throws -> HostListener {
        try HostListener(directory: directory, name: "socket", connectionsMax: connectionsMax) {
            connection in
            do {
                let user = try connection.peerUser()
                while let line = try connection.readLine(limit: 1 << 20, within: .seconds(60)) {
                    try connection.writeLine("\(line.count) \(user)")
                }
            } catch {}
        }
    }

    private func ask(_ directory: String, _ text: String) throws -> String? {
        let connection = try HostConnection(directory: directory, name: "socket")
        try connection.writeLine(text)
        let answer = try connection.readLine(limit: 1 << 20, within: .seconds(60))
        return answer.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test func linesGoBothWaysAndTheSenderIsKnown() throws {
        try withTemporaryDirectory { directory in
            let listener = try echo(directory)
            let user = HostProcess.effectiveUser
            #expect(try ask(directory, "") == "0 \(user)")
            #expect(try ask(directory, String(repeating: "x", count: 500_000)) == "500000 \(user)")
            listener.stop()
        }
    }

    @Test func aPathLongerThanAnAddressIsNoObstacle() throws {
        try withTemporaryDirectory { directory in
            let deep =
                directory + String(repeating: "/\(String(repeating: "d", count: 60))", count: 4)
            try HostNames.makeDirectories(deep, mode: 0o700)
            let listener = try echo(deep)
            #expect(try ask(deep, "x") == "1 \(HostProcess.effectiveUser)")
            listener.stop()
        }
    }

    @Test func onlyTheOwnerCanReachTheName() throws {
        try withTemporaryDirectory { directory in
            let listener = try echo(directory)
            #expect(try HostNames.status("\(directory)/socket")?.permissions == 0o600)
            listener.stop()
        }
    }

    @Test func whatAKilledListenerLeftIsReplaced() throws {
        try withTemporaryDirectory { directory in
            let (path, other) = ("\(directory)/socket", "\(directory)/other")
            let killed = try echo(directory)
            try HostNames.rename(path, to: other)
            killed.stop()
            try HostNames.rename(other, to: path)
            let listener = try echo(directory)
            #expect(try ask(directory, "x") != nil)
            listener.stop()
            #expect(try HostNames.status("\(directory)/socket") == nil)
        }
    }

    @Test func whatIsNoSocketIsNotReplaced() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/socket"
            try HostFile.writeAtomically(path, text: "precious", mode: 0o600)
            #expect(throws: HostError("listen", path: path, errno: 17)) { try echo(directory) }
            #expect(try HostFile.line(path) == "precious")
        }
    }

    @Test func whereNobodyListensThereIsAnError() throws {
        try withTemporaryDirectory { directory in
            #expect(throws: HostError.self) {
                _ = try HostConnection(directory: directory, name: "socket")
            }
        }
    }

    @Test func moreThanTheLimitWaitTheirTurn() throws {
        try withTemporaryDirectory { directory in
            let listener = try echo(directory, connectionsMax: 1)
            let first = try HostConnection(directory: directory, name: "socket")
            try first.writeLine("x")
            _ = try first.readLine(limit: 100, within: .seconds(60))
            let second = try HostConnection(directory: directory, name: "socket")
            try second.writeLine("xy")
            first.hangUp()
            #expect(try second.readLine(limit: 100, within: .seconds(60)) != nil)
            listener.stop()
        }
    }

    @Test func stopHangsUpOnEverybody() throws {
        try withTemporaryDirectory { directory in
            let listener = try echo(directory)
            let connection = try HostConnection(directory: directory, name: "socket")
            try connection.writeLine("x")
            _ = try connection.readLine(limit: 100, within: .seconds(60))
            listener.stop()
            #expect(try connection.readLine(limit: 100, within: .seconds(60)) == nil)
        }
    }

    @Test func aLineOverTheLimitIsRefused() throws {
        try withTemporaryDirectory { directory in
            let refused = HostCondition<Int32?>(nil)
            let listener = try HostListener(
                directory: directory, name: "socket", connectionsMax: 1
            ) { connection in
                do throws(HostError) {
                    _ = try connection.readLine(limit: 10, within: .seconds(60))
                    refused.update { $0 = 0 }
                } catch { refused.update { $0 = error.errno } }
            }
            let connection = try HostConnection(directory: directory, name: "socket")
            try connection.writeLine(String(repeating: "x", count: 1000))
            let errno = refused.wait { state in state.map { .done($0) } ?? .until(.distantFuture) }
            // EMSGSIZE, errno.h.
            #expect(errno == 90)
            listener.stop()
        }
    }

    @Test func silenceEndsAtItsTime() throws {
        try withTemporaryDirectory { directory in
            let listener = try echo(directory)
            let connection = try HostConnection(directory: directory, name: "socket")
            // ETIMEDOUT, errno.h.
            #expect {
                try connection.readLine(limit: 100, within: .zero)
            } throws: {
                ($0 as? HostError)?.errno == 110
            }
            listener.stop()
        }
    }

    @Test func aNoticeToNobodyIsAnError() throws {
        try withTemporaryDirectory { directory in
            let notice = ServiceNotice(address: "\(directory)/nobody")
            #expect(throws: HostError.self) { try notice.send(["READY=1"]) }
            #expect(throws: HostError.self) { try ServiceNotice(address: "").send(["READY=1"]) }
        }
    }
}
