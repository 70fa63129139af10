import Foundation
import RGWBase
import RGWCurl
import RGWObject
import RGWWire
import Synchronization
import Testing

@Suite struct DeadlineTests {
    /// Reads requests and never answers those whose path begins with `/silent`.
    private func halfSilentServer() throws -> LoopbackServer {
        try LoopbackServer.answering { request, connection in
            if !request.line.contains("/silent") { connection.answer(200) }
        }
    }

    @Test func aSilentServerIsGivenUpAndBlocksNobody() throws {
        let server = try halfSilentServer()
        let client = try TransportClient(server)
        let silent = client.start(
            client.request(.get, "/silent"), TransportClient.options(stall: .milliseconds(300)))
        #expect(client.send(client.request(.get, "/other"))?.response?.status == 200)
        let error = silent.pending.wait()?.error
        #expect(error?.isTimedOut == true)
        #expect(error?.mayHaveTakenEffect == true)
        #expect(client.send(client.request(.get, "/again"))?.response?.status == 200)
    }

    @Test func aBodyThatStopsIsGivenUp() throws {
        let server = try LoopbackServer.answering { _, connection in
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
        }
        let client = try TransportClient(server)
        let options = TransportClient.options(stall: .milliseconds(200))
        #expect(client.send(client.request(), options)?.error?.isTimedOut == true)
    }

    @Test func aServerThatTakesNoMoreOfABodyIsGivenUp() throws {
        let server = try LoopbackServer { server, connection in
            guard let request = connection.readHead() else { return }
            connection.write("HTTP/1.1 100 Continue\r\n\r\n")
            server.note(request)
            // Waits for the client to give up, without reading.
            var poll = pollfd(fd: connection.descriptor, events: 0, revents: 0)
            _ = unsafe Foundation.poll(&poll, 1, 10_000)
        }
        let client = try TransportClient(server)
        let body = ObjectBody.bytes([UInt8](repeating: 0, count: 64 << 20))
        let options = TransportClient.options(.bulk, stall: .milliseconds(400), idempotent: false)
        let error = client.send(client.request(.put, "/b/k", body: body), options)?.error
        #expect(error?.isTimedOut == true)
        #expect(error?.mayHaveTakenEffect == false)
    }

    @Test func aDrippingServerMeetsTheTotalLimit() throws {
        let server = try LoopbackServer.answering { _, connection in
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            for _ in 0..<500 {
                connection.write("x")
                Thread.sleep(forTimeInterval: 0.01)
            }
        }
        let client = try TransportClient(server)
        let options = TransportClient.options(stall: .seconds(10), total: .milliseconds(300))
        #expect(client.send(client.request(), options)?.error?.isTimedOut == true)
    }

    @Test func aRefusedConnectionIsUnreachable() throws {
        let server = try halfSilentServer()
        let client = try TransportClient(server)
        let origin = HTTPOrigin(secure: false, host: "127.0.0.1", port: 1)
        let error = client.send(HTTPRequest(.get, origin: origin, path: "/"))?.error
        #expect(error?.isUnreachable == true)
        let name = HTTPOrigin(secure: false, host: "no-such-host.invalid", port: nil)
        #expect(
            client.send(HTTPRequest(.get, origin: name, path: "/"))?.error?.isUnreachable == true)
    }

    @Test func plainHTTPBehindHTTPSIsUnreachable() throws {
        let server = try LoopbackServer { _, connection in
            _ = connection.read(10)
            connection.write("HTTP/1.1 400 Bad\r\n\r\n")
        }
        let client = try TransportClient(server)
        let origin = HTTPOrigin(secure: true, host: "127.0.0.1", port: server.port)
        #expect(
            client.send(HTTPRequest(.get, origin: origin, path: "/"))?.error?.isUnreachable == true)
    }

    @Test func cancellingEndsARequestUnderWayOnce() throws {
        let server = try halfSilentServer()
        let client = try TransportClient(server)
        let silent = client.start(client.request(.get, "/silent"))
        // The first is on the wire when the second has been answered on another connection.
        while server.requests.isEmpty { _ = client.send(client.request(.get, "/other")) }
        silent.call.cancel()
        silent.call.cancel()
        guard case .cancelled? = silent.pending.wait()?.error else {
            return #expect(Bool(false), "not cancelled")
        }
        #expect(client.send(client.request(.get, "/after"))?.response?.status == 200)
        #expect(silent.pending.count == 1)
    }

    @Test func cancellingAWaitingRequestNeverSendsIt() throws {
        let server = try halfSilentServer()
        let client = try TransportClient(server) { $0.bulkTransfersMax = 1 }
        let first = client.start(client.request(.get, "/silent/1"), TransportClient.options(.bulk))
        let second = client.start(client.request(.get, "/silent/2"), TransportClient.options(.bulk))
        second.call.cancel()
        #expect(second.pending.wait()?.error == .cancelled(sent: false))
        first.call.cancel()
        #expect(first.pending.wait()?.error != nil)
        #expect(!server.requests.contains { $0.line.hasSuffix("/2") })
    }

    @Test func metadataNeverWaitsBehindBulk() throws {
        let server = try halfSilentServer()
        let client = try TransportClient(server) { $0.bulkTransfersMax = 2 }
        let bulk = (0..<6).map { number in
            client.start(client.request(.get, "/silent/\(number)"), TransportClient.options(.bulk))
        }
        #expect(client.send(client.request(.get, "/metadata"))?.response?.status == 200)
        #expect(bulk.allSatisfy { $0.pending.count == 0 })
        #expect(server.connectionCount <= 3)
        client.transport.shutDown()
        #expect(bulk.allSatisfy { $0.pending.count == 1 })
    }

    @Test func shuttingDownEndsEverythingAndLaterRequests() throws {
        let server = try halfSilentServer()
        let client = try TransportClient(server)
        let silent = (0..<40).map { client.start(client.request(.get, "/silent/\($0)")) }
        client.transport.shutDown()
        client.transport.shutDown()
        #expect(silent.allSatisfy { $0.pending.count == 1 && $0.pending.wait()?.error != nil })
        #expect(client.send(client.request())?.error == .cancelled(sent: false))
    }

    @Test func manyRequestsAtOnceAreAllAnswered() throws {
        let server = try LoopbackServer.answering { request, connection in
            connection.answer(200, Array(request.line.utf8))
        }
        let client = try TransportClient(server) { $0.metadataTransfersMax = 8 }
        let all = (0..<300).map { client.start(client.request(.get, "/\($0)")) }
        for (number, one) in all.enumerated() {
            #expect(one.pending.wait()?.response?.body == Array("GET /\(number)".utf8))
        }
        #expect(server.connectionCount <= 8)
    }
}
