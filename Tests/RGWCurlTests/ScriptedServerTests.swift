import RGWCurl
import RGWObject
import RGWWire
import Testing

/// What a good RGW never sends. Whatever it is, it is refused or understood in full, and the next
/// request is answered with its own answer.
@Suite struct ScriptedServerTests {
    /// Writes `text` to a request for `/script`, and closes; other requests are answered well.
    private func server(_ text: String, closes: Bool = true) throws -> LoopbackServer {
        try LoopbackServer { server, connection in
            while let request = connection.readRequest() {
                server.note(request)
                guard request.line.hasSuffix("/script") else {
                    connection.answer(200, Array(request.line.utf8))
                    continue
                }
                connection.write(text)
                if closes { return }
            }
        }
    }

    /// Sends a request to the script and two others around it.
    private func answer(_ text: String, closes: Bool = true) throws -> Pending.Answer? {
        let server = try server(text, closes: closes)
        let client = try TransportClient(server)
        _ = client.send(client.request(.get, "/before"))
        let answer = client.send(client.request(.get, "/script"))
        let after = client.send(client.request(.get, "/after"))
        #expect(after?.response?.body == Array("GET /after".utf8))
        return answer
    }

    // MARK: Lengths

    @Test(arguments: [
        "Content-Length: 6\r\n\r\nhello",
        "Content-Length: -5\r\n\r\nhello",
        "Content-Length: 99999999999999999999\r\n\r\nhello",
        "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        "Content-Length: 6\r\nContent-Length: 5\r\n\r\nhello!",
        "\r\nhello",
    ])
    func aWrongLengthIsNeverASuccess(rest: String) throws {
        #expect(try answer("HTTP/1.1 200 OK\r\n" + rest)?.error != nil)
    }

    @Test(arguments: [
        "Content-Length: 5\r\n\r\nhello", "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "content-LENGTH:5\r\n\r\nhello", "Content-Length: 5\r\nConnection: close\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n003\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ])
    func aRightLengthIsUnderstood(rest: String) throws {
        let response = try answer("HTTP/1.1 200 OK\r\n" + rest)?.response
        #expect(response?.body == Array("hello".utf8))
        #expect(response?.headers["x-trailer"] == nil)
    }

    @Test(arguments: [
        "5\r\nhello\r\n", "5\r\nhell", "5\r\nhello\r\n0\r\n", "zz\r\nhello\r\n0\r\n\r\n",
        "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n", "\r\n\r\n",
        "5\r\nhello!\r\n0\r\n\r\n",
    ])
    func aBrokenChunkIsNeverASuccess(chunks: String) throws {
        #expect(
            try answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)?.error
                != nil)
    }

    @Test func connectionCloseIsObeyedWithoutAnError() throws {
        let server = try LoopbackServer { server, connection in
            guard let request = connection.readRequest() else { return }
            server.note(request)
            connection.write("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
        }
        let client = try TransportClient(server)
        for _ in 0..<5 {
            let put = client.request(.put, "/b/k", body: .bytes([1, 2, 3]))
            let answer = client.send(put, TransportClient.options(idempotent: false))
            #expect(answer?.response?.body == Array("ok".utf8))
        }
        #expect(server.connectionCount == 5)
    }

    /// What a server's idle limit does: the connection is closed after the answer, and the next
    /// request finds it closed before anything was sent.
    @Test(arguments: [HTTPMethod.get, .put, .delete])
    func aConnectionThatWasClosedWhileIdleIsReplacedQuietly(method: HTTPMethod) throws {
        let server = try LoopbackServer { server, connection in
            guard let request = connection.readRequest() else { return }
            connection.answer(200)
            connection.close()
            server.note(request)
        }
        let client = try TransportClient(server)
        for number in 1...5 {
            let body: ObjectBody? = method == .put ? .bytes([1, 2, 3]) : nil
            let answer = client.send(
                client.request(method, "/b/k", body: body),
                TransportClient.options(idempotent: method == .get))
            #expect(answer?.response?.status == 200)
            // Closed, and so noticed by the client's kernel, before it is noted.
            while server.requests.count < number { _ = server.connectionCount }
        }
        #expect(server.requests.count == 5)
    }

    // MARK: Headers

    @Test(arguments: [1 << 10, 17 << 10, 90 << 10])
    func aLongHeaderFieldIsReadWhole(length: Int) throws {
        let value = String(repeating: "v", count: length)
        let head = "HTTP/1.1 200 OK\r\nX-Long: \(value)\r\nContent-Length: 2\r\n\r\nok"
        let response = try answer(head, closes: false)?.response
        #expect(response?.headers["x-long"] == value)
    }

    /// libcurl's own limits: 100 KiB a line, 300 KiB altogether.
    @Test(arguments: [(1, 200 << 10), (40, 16 << 10)])
    func headersWithoutEndAreRefused(count: Int, length: Int) throws {
        let field = "X: \(String(repeating: "v", count: length))\r\n"
        let fields = String(repeating: field, count: count)
        #expect(
            try answer("HTTP/1.1 200 OK\r\n\(fields)Content-Length: 2\r\n\r\nok")?.error != nil)
    }

    @Test(arguments: [
        ": value", "two words: value", "a\u{0}b: value", " folded", "naïve: value", "x[]: value",
    ])
    func aHeaderLineWithoutANameIsRefused(line: String) throws {
        #expect(
            try answer("HTTP/1.1 200 OK\r\n\(line)\r\nContent-Length: 2\r\n\r\nok")?.error != nil)
    }

    @Test func headerValuesNeedNotBeUTF8() throws {
        let head = Array("HTTP/1.1 200 OK\r\nX-Amz-Meta-A: \t a".utf8) + [0xE9, 0x20, 0x0D, 0x0A]
        let server = try LoopbackServer.answering { _, connection in
            connection.write(head + Array("Content-Length: 0\r\n\r\n".utf8))
        }
        let client = try TransportClient(server)
        #expect(
            client.send(client.request())?.response?.headers["x-amz-meta-a"] == "a\u{FFFD}")
    }

    @Test func interimAnswersBeforeTheFinalOneArePassedOver() throws {
        let interim =
            "HTTP/1.1 100 Continue\r\n\r\n" + "HTTP/1.1 103 Early\r\nContent-Length: 9\r\n\r\n"
        let text = interim + interim + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
        let response = try answer(text, closes: false)?.response
        #expect(response?.status == 200 && response?.body == Array("ok".utf8))
        #expect(response?.headers.count == 1)
    }

    @Test func interimAnswersWithoutEndMeetTheTotalLimit() throws {
        let server = try LoopbackServer.answering { _, connection in
            for _ in 0..<2_000_000 where !connection.write("HTTP/1.1 102 Wait\r\n\r\n") { return }
        }
        let client = try TransportClient(server)
        let options = TransportClient.options(total: .milliseconds(300))
        let error = client.send(client.request(), options)?.error
        #expect(error != nil)
    }

    /// One byte of the header block at a time: each is progress, so only the total limit helps.
    @Test func aHeaderThatDripsMeetsTheTotalLimitAndBlocksNobody() throws {
        let server = try LoopbackServer.answering { request, connection in
            guard request.line.hasSuffix("/slow") else { return connection.answer(200) }
            connection.write("HTTP/1.1 200 OK\r\nX: ")
            while connection.write("x") {}
        }
        let client = try TransportClient(server)
        let slow = client.start(
            client.request(.get, "/slow"), TransportClient.options(total: .milliseconds(300)))
        #expect(client.send(client.request(.get, "/other"))?.response?.status == 200)
        #expect(slow.pending.wait()?.error != nil)
        #expect(client.send(client.request(.get, "/after"))?.response?.status == 200)
    }

    // MARK: Bodies that go up

    /// The server answers when it has seen some of the body, and reads on or not.
    @Test(arguments: [true, false])
    func anAnswerBeforeTheEndOfTheBodyIsTheAnswer(readsOn: Bool) throws {
        let length = 8 << 20
        let server = try LoopbackServer { _, connection in
            guard let request = connection.readHead() else { return }
            guard request.line.hasPrefix("PUT") else {
                return connection.answer(200, Array(request.line.utf8))
            }
            connection.write("HTTP/1.1 100 Continue\r\n\r\n")
            var rest = length - connection.read(1000).count
            connection.answer(507, Array("full".utf8))
            while readsOn, rest > 0 {
                let bytes = connection.read(1 << 20)
                if bytes.isEmpty { return }
                rest -= bytes.count
            }
        }
        let client = try TransportClient(server)
        let body = ObjectBody.bytes([UInt8](repeating: 7, count: length))
        let answer = client.send(
            client.request(.put, "/b/k", body: body),
            TransportClient.options(.bulk, idempotent: false))
        // Where the server does not read on, its answer may be lost with the connection.
        if readsOn || answer?.response != nil {
            #expect(answer?.response?.status == 507)
        } else {
            #expect(answer?.error?.mayHaveTakenEffect == false)
        }
        #expect(
            client.send(client.request(.get, "/after"))?.response?.body == Array("GET /after".utf8))
    }

    @Test func redirectsToAnotherHostAreNotFollowed() throws {
        let other = try LoopbackServer.answering { $1.answer(200) }
        let server = try LoopbackServer.answering { _, connection in
            connection.write(
                "HTTP/1.1 301 X\r\nLocation: http://127.0.0.1:\(other.port)/b/k\r\n"
                    + "Content-Length: 0\r\n\r\n")
        }
        let client = try TransportClient(server)
        for method in HTTPMethod.allCases {
            var request = client.request(method, "/b/k")
            request.headers["authorization"] = "secret"
            let options = TransportClient.options(idempotent: false)
            #expect(client.send(request, options)?.response?.status == 301)
        }
        #expect(other.connectionCount == 0)
    }

    // MARK: Cancelling

    @Test func cancellingClosesTheConnection() throws {
        let server = try LoopbackServer { server, connection in
            guard let request = connection.readRequest() else { return }
            server.note(request)
            // Empty when the client has closed, or after ten seconds.
            let isClosed = connection.read(1).isEmpty
            if isClosed { server.note(ReceivedRequest(head: "CLOSED / X")) }
        }
        let client = try TransportClient(server) { $0.bulkTransfersMax = 1 }
        let first = client.start(client.request(.get, "/1"), TransportClient.options(.bulk))
        while server.requests.isEmpty { _ = server.connectionCount }
        first.call.cancel()
        #expect(first.pending.wait()?.error == .cancelled(sent: true))
        while server.requests.count < 2 { _ = server.connectionCount }
        #expect(server.requests.map(\.line) == ["GET /1", "CLOSED /"])
        // The room in the lane is free again.
        let second = client.start(client.request(.get, "/2"), TransportClient.options(.bulk))
        while server.requests.count < 3 { _ = server.connectionCount }
        #expect(server.requests.last?.line == "GET /2")
        second.call.cancel()
    }

    @Test func aHandshakeThatNeverEndsIsUnreachable() throws {
        let server = try LoopbackServer { _, connection in
            while !connection.read(4096).isEmpty {}
        }
        let client = try TransportClient(server)
        var options = TransportClient.options()
        options.connectTimeout = .milliseconds(300)
        let origin = HTTPOrigin(secure: true, host: "127.0.0.1", port: server.port)
        let answer = client.send(HTTPRequest(.get, origin: origin, path: "/"), options)
        #expect(answer?.error?.isUnreachable == true)
    }
}
