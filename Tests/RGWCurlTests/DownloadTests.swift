import RGWCurl
import RGWObject
import RGWWire
import Testing

@Suite struct DownloadTests {
    @Test func aKeptConnectionServesRequestAfterRequest() throws {
        let server = try LoopbackServer.answering { $1.answer(200, Array("hello".utf8)) }
        let client = try TransportClient(server)
        for _ in 0..<20 {
            #expect(client.send(client.request())?.response?.body == Array("hello".utf8))
        }
        #expect(server.connectionCount == 1)
        #expect(server.requests.count == 20)
    }

    @Test func errorsDoNotDesynchroniseAKeptConnection() throws {
        let server = try LoopbackServer.answering { request, connection in
            connection.answer(request.line.hasSuffix("/bad") ? 404 : 200, Array(request.line.utf8))
        }
        let client = try TransportClient(server)
        for path in ["/bad", "/good", "/bad", "/good"] {
            let response = client.send(client.request(.get, path))?.response
            #expect(response?.body == Array("GET \(path)".utf8))
        }
        #expect(server.connectionCount == 1)
    }

    @Test func aHeadAnswerHasNoBodyWhateverItsLengthSays() throws {
        let server = try LoopbackServer.answering { _, connection in
            connection.write("HTTP/1.1 404 X\r\nContent-Length: 200\r\n\r\n")
        }
        let client = try TransportClient(server)
        for _ in 0..<3 {
            let response = client.send(client.request(.head))?.response
            #expect(response?.status == 404)
            #expect(response?.headers["content-length"] == "200")
        }
        #expect(server.connectionCount == 1)
    }

    @Test(arguments: [1, 7, 1000, 65_536, 1 << 20])
    func aBodyArrivesInBlocksOfTheAskedSize(size: Int) throws {
        let body = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let server = try LoopbackServer.answering { $1.answer(200, body) }
        let client = try TransportClient(server)
        let blocks = Blocks()
        let options = TransportClient.options(delivery: blocks.delivery(size: size))
        #expect(client.send(client.request(), options)?.response?.body.isEmpty == true)
        #expect(blocks.bytes == body)
        #expect(blocks.sizes.dropLast().allSatisfy { $0 == size })
    }

    @Test func anAnswerThatIsNotAcceptedIsCollected() throws {
        let server = try LoopbackServer.answering { $1.answer(403, Array("why".utf8)) }
        let client = try TransportClient(server)
        let blocks = Blocks()
        let options = TransportClient.options(delivery: blocks.delivery(size: 1))
        #expect(client.send(client.request(), options)?.response?.body == Array("why".utf8))
        #expect(blocks.sizes.isEmpty)
    }

    /// The answer is cut at every byte, by FIN and by RST.
    @Test(arguments: [true, false])
    func anAnswerCutAnywhereIsNeverASuccess(resets: Bool) throws {
        let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"a\"\r\n\r\nhello".utf8)
        let server = try LoopbackServer { server, connection in
            guard let request = connection.readRequest() else { return }
            let cut = request.field("cut").flatMap { Int($0) } ?? 0
            connection.write(Array(answer.prefix(cut)))
            if resets { connection.reset() } else { connection.close() }
        }
        let client = try TransportClient(server)
        for cut in 0..<answer.count {
            var request = client.request()
            request.headers["cut"] = "\(cut)"
            let error = client.send(request)?.error
            #expect(error != nil, "cut at \(cut)")
            #expect(error?.mayHaveTakenEffect == true, "cut at \(cut)")
        }
    }

    @Test func aTruncatedBodyHasDeliveredWholeBlocksOnly() throws {
        let server = try LoopbackServer { _, connection in
            guard connection.readRequest() != nil else { return }
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            connection.write([UInt8](repeating: 1, count: 50))
        }
        let client = try TransportClient(server)
        let blocks = Blocks()
        let options = TransportClient.options(delivery: blocks.delivery(size: 20))
        #expect(client.send(client.request(), options)?.error?.isBroken == true)
        #expect(blocks.sizes == [20, 20])
    }

    @Test func bytesBeyondTheLengthBelongToNobody() throws {
        let server = try LoopbackServer.answering { request, connection in
            connection.write(
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 Evil\r\n\r\n")
        }
        let client = try TransportClient(server)
        for _ in 0..<5 {
            let answer = client.send(client.request())
            if let response = answer?.response { #expect(response.body == Array("ok".utf8)) }
            #expect(answer?.response?.status != 500)
        }
    }

    @Test(arguments: [
        "GARBAGE\r\n\r\n", "HTTP/1.1\r\n\r\n", "\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "SSH-2.0-x\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ])
    func whatIsNotHTTPIsNeverASuccess(text: String) throws {
        let server = try LoopbackServer { _, connection in
            guard connection.readRequest() != nil else { return }
            connection.write(text)
        }
        let client = try TransportClient(server)
        #expect(client.send(client.request())?.error != nil)
    }

    /// A proxy in front of the gateway closes the connection behind its own words.
    @Test func anErrorOfTheServerNeedsNoLengthAndASuccessDoes() throws {
        let server = try LoopbackServer { _, connection in
            guard let request = connection.readRequest() else { return }
            connection.write("HTTP/1.0 \(request.field("status") ?? "") X\r\n\r\n<html>")
        }
        let client = try TransportClient(server)
        for status in ["200", "404", "502", "504"] {
            var request = client.request()
            request.headers["status"] = status
            let answer = client.send(request)
            if status < "500" {
                #expect(answer?.error?.isMalformed == true, "\(status)")
            } else {
                #expect(answer?.response.map { "\($0.status)" } == status)
            }
        }
    }

    @Test(arguments: [300, 5000])
    func tooManyHeaderFieldsAreRefused(count: Int) throws {
        let server = try LoopbackServer { _, connection in
            guard connection.readRequest() != nil else { return }
            let fields = (0..<count).map { "X-\($0): \($0)\r\n" }.joined()
            connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\(fields)\r\n")
        }
        let client = try TransportClient(server)
        #expect(client.send(client.request())?.error != nil)
    }

    @Test func aCollectedBodyIsBounded() throws {
        let server = try LoopbackServer.answering {
            $1.answer(200, [UInt8](repeating: 0, count: 11))
        }
        let client = try TransportClient(server)
        let options = TransportClient.options(delivery: .collected(max: 10))
        #expect(client.send(client.request(), options)?.error?.isMalformed == true)
    }

    @Test func interimAnswersArePassedOver() throws {
        let server = try LoopbackServer.answering { _, connection in
            connection.write("HTTP/1.1 102 Wait\r\nX-Interim: 1\r\n\r\n")
            connection.answer(204)
        }
        let client = try TransportClient(server)
        let response = client.send(client.request())?.response
        #expect(response?.status == 204)
        #expect(response?.headers["x-interim"] == nil)
    }

    @Test func redirectsAreAnswers() throws {
        let server = try LoopbackServer.answering { _, connection in
            connection.write("HTTP/1.1 307 X\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n")
        }
        let client = try TransportClient(server)
        #expect(client.send(client.request())?.response?.status == 307)
        #expect(server.requests.map(\.line) == ["GET /"])
    }

    @Test(arguments: ["/b/./a/../b//c/", "/b/%2E%2E/x", "/b/..", "/b/%23%3F%25?x=%2F&uploads"])
    func theTargetGoesOutAsItIs(target: String) throws {
        let server = try LoopbackServer.answering { $1.answer(200) }
        let client = try TransportClient(server)
        let path = target.split(separator: "?")[0]
        var request = client.request(.get, String(path))
        if target.contains("?") { request.query = [QueryItem("x", "/"), QueryItem("uploads")] }
        _ = client.send(request)
        #expect(server.requests.map(\.line) == ["GET \(target)"])
    }
}
