import RGWBase
import RGWObject
import RGWWire
import Synchronization
import Testing

@testable import RGWClient

/// Requests are counted as what they are.
@Suite struct CountedTransportTests {
    private static let bucket: BucketName = "b"

    /// Every operation of the client, and what it is counted as.
    private static let builder = S3RequestBuilder(
        origin: HTTPOrigin(secure: false, host: "h", port: nil), style: .path)

    private func count(
        _ request: HTTPRequest, status: Int = 200, body: [UInt8] = []
    ) throws -> (S3Operation, RequestTally) {
        let world = World { _ in .answer(Answers.response(status, body)) }
        let transport = CountedTransport(world, clock: world)
        let answered = Mutex(false)
        _ = transport.send(
            request, options: TransferOptions(lane: .metadata, isIdempotent: true)
        ) { _ in answered.withLock { $0 = true } }
        world.run()
        #expect(answered.withLock { $0 })
        let (operation, tally) = try #require(transport.counts.first)
        return (operation, tally)
    }

    private func request(
        _ method: HTTPMethod, _ path: String, _ query: [QueryItem] = [], copies: Bool = false
    ) -> HTTPRequest {
        var request = HTTPRequest(method, origin: Self.builder.origin, path: path, query: query)
        if copies { request.headers["x-amz-copy-source"] = "b/k" }
        return request
    }

    @Test func eachKindHasItsCounter() throws {
        let part = [QueryItem("partNumber", "1"), QueryItem("uploadId", "u")]
        let upload = [QueryItem("uploadId", "u")]
        let kinds: [(HTTPRequest, S3Operation)] = [
            (request(.get, "/"), .listBuckets), (request(.get, "/b"), .listObjects),
            (request(.get, "/b/k"), .getObject), (request(.get, "/b//"), .getObject),
            (request(.head, "/b"), .headBucket), (request(.head, "/b/k"), .headObject),
            (request(.put, "/b"), .createBucket), (request(.put, "/b/k"), .putObject),
            (request(.put, "/b/k", copies: true), .copyObject),
            (request(.put, "/b/k", part), .uploadPart),
            (request(.post, "/b/k", [QueryItem("uploads")]), .createMultipart),
            (request(.post, "/b/k", upload), .completeMultipart),
            (request(.post, "/b", [QueryItem("delete")]), .deleteObjects),
            (request(.delete, "/b/k"), .deleteObject), (request(.delete, "/b"), .deleteBucket),
            (request(.delete, "/b/k", upload), .abortMultipart),
        ]
        for (request, kind) in kinds { #expect(try count(request).0 == kind) }
    }

    @Test func aFailureIsToldWithTheServersNumberForIt() throws {
        let world = World { _ in
            var response = Answers.response(503, [])
            response.headers.append("x-amz-request-id", "tx1")
            response.headers.append("retry-after", "7")
            return .answer(response)
        }
        let told = Mutex<[RequestFailure]>([])
        let transport = CountedTransport(
            world, clock: world, onFailure: { failure in told.withLock { $0.append(failure) } })
        _ = transport.send(
            request(.get, "/b/k"), options: TransferOptions(lane: .metadata, isIdempotent: true)
        ) { _ in }
        world.run()
        let failure = try #require(told.withLock { $0.first })
        #expect(failure.code == "503" && failure.requestID == "tx1" && failure.path == "/b/k")
        #expect(failure.isBusy && failure.retryAfter == .seconds(7))
        #expect(transport.counts[.getObject]?.errors == ["503": 1])
    }

    @Test func aBucketInTheHostNameIsNoKey() throws {
        var list = request(.get, "/")
        list.virtualBucket = "b"
        #expect(try count(list).0 == .listObjects)
        var object = request(.get, "/k")
        object.virtualBucket = "b"
        #expect(try count(object).0 == .getObject)
    }

    @Test(
        arguments: [(200, 0), (404, 0), (412, 0), (403, 1), (500, 1), (503, 1)] as [(Int, UInt64)])
    func refusalsAreFailuresAndAnswersAreNot(status: Int, failures: UInt64) throws {
        #expect(try count(request(.get, "/b/k"), status: status).1.failures == failures)
    }

    @Test func bytesOfBothDirectionsAreAdded() throws {
        var put = request(.put, "/b/k")
        put.body = .bytes([1, 2, 3])
        let tally = try count(put, body: [1, 2, 3, 4]).1
        #expect((tally.count, tally.bytesSent, tally.bytesReceived) == (1, 3, 4))
    }
}
