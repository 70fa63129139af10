import RGWBase
import RGWCrypto
import RGWCurl
import RGWObject
import RGWWire
import Testing

@Suite struct UploadTests {
    private static let big = (0..<(3 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 13 >> 3) }

    private func put(
        _ client: TransportClient, _ body: ObjectBody, digests: Bool = false
    ) -> Pending.Answer? {
        client.send(
            client.request(.put, "/b/k", body: body),
            TransportClient.options(.bulk, idempotent: false, digests: digests))
    }

    @Test(arguments: [0, 1, 1000, (1 << 20) - 1, 1 << 20, 3 << 20])
    func aBodyArrivesExactlyAndItsDigestIsKnown(length: Int) throws {
        let body = Array(Self.big.prefix(length))
        let server = try LoopbackServer.answering { $1.answer(200) }
        let client = try TransportClient(server)
        let response = put(client, .bytes(body), digests: true)?.response
        #expect(response?.sentMD5 == Hash.md5(body))
        #expect(server.requests.first?.body == body)
        #expect(server.requests.first?.field("content-length") == "\(length)")
        #expect(
            server.requests.first?.field("expect") == (length >= 1 << 20 ? "100-continue" : nil))
        #expect(server.requests.first?.field("transfer-encoding") == nil)
    }

    @Test func whatLeavesIsCounted() throws {
        let server = try LoopbackServer.answering { $1.answer(200) }
        let client = try TransportClient(server)
        let progress = RequestProgress(started: .distantPast)
        var options = TransportClient.options(.bulk, idempotent: false)
        options.progress = BodyProgress(progress)
        _ = client.send(client.request(.put, "/b/k", body: .bytes(Self.big)), options)
        #expect(progress.bytesSent == UInt64(Self.big.count))
        #expect(progress.movedAt > .distantPast)
    }

    @Test func aPieceOfAFileIsSent() throws {
        let file = try TemporaryFile(Self.big)
        let server = try LoopbackServer.answering { $1.answer(200) }
        let client = try TransportClient(server)
        _ = put(client, .file(file, offset: 12_345, length: 2_000_000))
        #expect(server.requests.first?.body == Array(Self.big[12_345..<2_012_345]))
    }

    @Test func aFileThatEndsEarlyIsNamedAndNothingIsComplete() throws {
        let file = try TemporaryFile([UInt8](repeating: 1, count: 1000))
        let server = try LoopbackServer.answering { $1.answer(200) }
        let client = try TransportClient(server)
        let error = put(client, .file(file, offset: 0, length: 1001))?.error
        #expect(error?.isBodyUnreadable == true)
        #expect(error?.mayHaveTakenEffect == false)
        #expect(server.requests.isEmpty)
    }

    @Test func methodsWithoutABodyAnnounceItsLength() throws {
        let server = try LoopbackServer.answering { $1.answer(200) }
        let client = try TransportClient(server)
        for method in [HTTPMethod.put, .post, .delete] {
            _ = client.send(client.request(method, "/b/k"))
        }
        #expect(server.requests.map(\.line) == ["PUT /b/k", "POST /b/k", "DELETE /b/k"])
        #expect(server.requests.map { $0.field("content-length") } == ["0", "0", nil])
        #expect(server.requests.allSatisfy { $0.field("content-type") == nil })
    }

    /// Handles are used again: what one request set must not show in the next.
    @Test func noRequestShowsInTheNext() throws {
        let server = try LoopbackServer.answering { $1.answer(200) }
        let client = try TransportClient(server)
        let shapes: [(HTTPMethod, Int?)] =
            HTTPMethod.allCases.map { ($0, nil) } + [(.put, 3), (.post, 70_000), (.put, 2 << 20)]
        var expected: [(line: String, length: String?, expect: String?)] = []
        for first in shapes {
            for second in shapes {
                for (method, length) in [first, second] {
                    var request = client.request(
                        method, "/b/k",
                        body: length.map { ObjectBody.bytes([UInt8](repeating: 1, count: $0)) })
                    request.headers["x-amz-meta-shape"] = "\(expected.count)"
                    let response = client.send(request)?.response
                    #expect(response?.status == 200)
                    let announces = method == .put || method == .post
                    expected.append(
                        (
                            "\(method.rawValue) /b/k", announces ? "\(length ?? 0)" : nil,
                            (length ?? 0) >= 1 << 20 ? "100-continue" : nil
                        ))
                }
            }
        }
        for (number, (request, wanted)) in zip(server.requests, expected).enumerated() {
            #expect(request.line == wanted.line)
            #expect(request.field("content-length") == wanted.length, "\(wanted)")
            #expect(request.field("expect") == wanted.expect, "\(wanted)")
            #expect(request.field("x-amz-meta-shape") == "\(number)")
            #expect(request.field("transfer-encoding") == nil)
            #expect(request.body.count == wanted.length.flatMap { Int($0) } ?? 0)
        }
        #expect(server.requests.count == expected.count && server.connectionCount == 1)
    }

    @Test func aRefusalBeforeTheBodySavesTheBody() throws {
        let server = try LoopbackServer { server, connection in
            while let request = connection.readHead() {
                server.note(request)
                connection.answer(403)
            }
        }
        let client = try TransportClient(server)
        #expect(put(client, .bytes(Self.big))?.response?.status == 403)
        #expect(server.requests.count == 1)
    }

    @Test func aWholeBodyWithoutAnAnswerMayBeDone() throws {
        let server = try LoopbackServer { _, connection in
            _ = connection.readRequest()
            connection.reset()
        }
        let client = try TransportClient(server)
        #expect(put(client, .bytes([1, 2, 3]))?.error?.mayHaveTakenEffect == true)
        #expect(put(client, .bytes(Self.big))?.error?.mayHaveTakenEffect == true)
        #expect(put(client, .bytes([]))?.error?.mayHaveTakenEffect == true)
    }

    /// Far more than the sockets' buffers hold, so that the client cannot have sent the end.
    @Test func aBodyThatBrokeInTheMiddleIsNotDone() throws {
        let body = [UInt8](repeating: 5, count: 64 << 20)
        let server = try LoopbackServer { _, connection in
            _ = connection.readHead()
            connection.write("HTTP/1.1 100 Continue\r\n\r\n")
            _ = connection.read(1000)
            connection.reset()
        }
        let client = try TransportClient(server)
        let error = put(client, .bytes(body))?.error
        #expect(error?.isBroken == true)
        #expect(error?.mayHaveTakenEffect == false)
    }

    /// The connection is kept after the first request and dies with the second, without an answer.
    private func dyingServer() throws -> LoopbackServer {
        try LoopbackServer { server, connection in
            guard let first = connection.readRequest() else { return }
            server.note(first)
            connection.answer(200)
            guard let second = connection.readRequest() else { return }
            server.note(second)
            connection.close()
        }
    }

    @Test(arguments: [HTTPMethod.put, .post, .delete])
    func aChangeOnADyingConnectionIsSentOnce(method: HTTPMethod) throws {
        let server = try dyingServer()
        let client = try TransportClient(server)
        let body: ObjectBody? = method == .delete ? nil : .bytes([1, 2, 3])
        let options = TransportClient.options(idempotent: false)
        _ = client.send(client.request(.get, "/warm"))
        let error = client.send(client.request(method, "/b/k", body: body), options)?.error
        #expect(error?.mayHaveTakenEffect == true)
        #expect(server.requests.filter { $0.line == "\(method.rawValue) /b/k" }.count == 1)
    }

    @Test func aReadOnADyingConnectionIsSentAgain() throws {
        let server = try dyingServer()
        let client = try TransportClient(server)
        _ = client.send(client.request(.get, "/warm"))
        #expect(client.send(client.request(.get, "/b/k"))?.response?.status == 200)
        #expect(server.requests.filter { $0.line == "GET /b/k" }.count == 2)
    }
}
