import RGWBase
import RGWClient
import RGWCrypto
import RGWObject
import RGWWire
import Synchronization
import Testing

/// The probe, and the calls that use what it found, on servers that differ.
@Suite struct CapabilityProbeTests {
    /// One server's habits. The defaults are RGW 16's.
    struct Habits: Sendable {
        var createOnly = true
        var conditionalPut = true
        var forms: Set<IfMatchQuoting> = [.unquoted]
        var conditionalCopy = true
        var conditionalDelete = false
        var conditionalComplete = false
        var keepsVersions = false
        /// Nobody tells, until the first PUT does.
        var hidesVersioning = false
        var refusesWrites = false
        var refusesDeletes = false
    }

    /// A bucket in which conditions mean what `habits` say.
    private final class Server: Sendable {
        private struct State {
            /// By path.
            var etags: [String: String] = [:]
            var uploads = 0
        }
        private let habits: Habits
        private let state = Mutex(State())

        init(_ habits: Habits) { self.habits = habits }

        var isEmpty: Bool { state.withLock { $0.etags.isEmpty && $0.uploads == 0 } }
        func put(_ etag: String) { state.withLock { $0.etags["/b/k"] = etag } }
        private func etag(_ request: HTTPRequest) -> String? {
            state.withLock { $0.etags[request.path] }
        }

        func answer(_ request: HTTPRequest) -> HTTPResponse {
            switch (request.method, request.query.first?.name) {
            case (.get, "notification"): return Answers.noNotification
            case (.get, "versioning") where habits.hidesVersioning:
                return Answers.error(403, "AccessDenied")
            case (.get, "versioning"):
                let status = habits.keepsVersions ? "<Status>Suspended</Status>" : ""
                let xml = "<VersioningConfiguration>\(status)</VersioningConfiguration>"
                return Answers.response(200, Array(xml.utf8), ["server": "test/1"])
            case (_, _) where habits.refusesWrites && request.method != .get:
                return Answers.error(403, "AccessDenied")
            case (.post, "uploads"):
                state.withLock { $0.uploads += 1 }
                let xml =
                    "<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                    + "</InitiateMultipartUploadResult>"
                return Answers.response(200, Array(xml.utf8))
            case (.put, nil) where request.headers["x-amz-copy-source"] != nil:
                return copy(request)
            case (.put, "partNumber"), (.put, nil): return put(request)
            case (.post, "uploadId"): return complete(request)
            case (.get, "uploads"): return listUploads(request)
            case (.delete, "uploadId"):
                let known = state.withLock { state in
                    defer { state.uploads = max(0, state.uploads - 1) }
                    return state.uploads > 0
                }
                return known ? Answers.response(204) : Answers.error(404, "NoSuchUpload")
            case (.delete, _): return delete(request)
            case (.head, _):
                guard let etag = etag(request) else { return Answers.response(404) }
                var fields = Answers.headFields
                fields["etag"] = etag
                return Answers.response(200, [], fields)
            default: return Answers.error(501, "NotImplemented")
            }
        }

        private func listUploads(_ request: HTTPRequest) -> HTTPResponse {
            let key = request.query.first { $0.name == "prefix" }?.value ?? ""
            let one =
                "<Upload><Key>\(key)</Key><UploadId>u</UploadId>"
                + "<Initiated>2024-02-29T12:34:56.789Z</Initiated></Upload>"
            let all = String(repeating: one, count: state.withLock(\.uploads))
            let xml = "<ListMultipartUploadsResult>\(all)</ListMultipartUploadsResult>"
            return Answers.response(200, Array(xml.utf8))
        }

        private func put(_ request: HTTPRequest) -> HTTPResponse {
            guard case .bytes(let bytes)? = request.body else { return Answers.response(411) }
            let etag = Hexadecimal.encode(Hash.md5(bytes))
            if request.query.isEmpty {
                guard holds(request, habits.createOnly, habits.conditionalPut) else {
                    return Answers.error(412, "PreconditionFailed")
                }
                state.withLock { $0.etags[request.path] = etag }
            }
            var fields = ["etag": "\"\(etag)\""]
            if habits.hidesVersioning { fields["x-amz-version-id"] = "v1" }
            return Answers.response(200, [], fields)
        }

        private func copy(_ request: HTTPRequest) -> HTTPResponse {
            guard let etag = etag(request) else { return Answers.error(404, "NoSuchKey") }
            if habits.conditionalCopy, request.headers["x-amz-copy-if-match"] != etag {
                return Answers.error(412, "PreconditionFailed")
            }
            let xml =
                "<CopyObjectResult><LastModified>2024-02-29T12:34:56.789Z</LastModified>"
                + "<ETag>\(etag)</ETag></CopyObjectResult>"
            return Answers.response(200, Array(xml.utf8))
        }

        private func complete(_ request: HTTPRequest) -> HTTPResponse {
            guard holds(request, habits.conditionalComplete, habits.conditionalComplete) else {
                return Answers.error(412, "PreconditionFailed")
            }
            state.withLock { state in
                state.uploads = max(0, state.uploads - 1)
                state.etags[request.path] = "whole-1"
            }
            let xml = "<CompleteMultipartUploadResult><ETag/></CompleteMultipartUploadResult>"
            return Answers.response(200, Array(xml.utf8))
        }

        private func delete(_ request: HTTPRequest) -> HTTPResponse {
            if habits.refusesDeletes { return Answers.error(403, "AccessDenied") }
            if request.headers["if-match"] != nil, habits.conditionalDelete {
                guard etag(request) != nil else {
                    return Answers.error(404, "NoSuchKey")
                }
                guard holds(request, true, true) else {
                    return Answers.error(412, "PreconditionFailed")
                }
            }
            state.withLock { $0.etags[request.path] = nil }
            return Answers.response(204)
        }

        private func holds(_ request: HTTPRequest, _ noneMatch: Bool, _ match: Bool) -> Bool {
            let etag = etag(request)
            if request.headers["if-none-match"] == "*", noneMatch { return etag == nil }
            guard let wanted = request.headers["if-match"], match else { return true }
            let form: IfMatchQuoting = wanted.hasPrefix("\"") ? .quoted : .unquoted
            return habits.forms.contains(form) && ETag(wanted).text == etag
        }
    }

    private func probe(
        _ habits: Habits
    ) -> (Outcome<ServerCapabilities>, S3ObjectStore, World, Server) {
        let server = Server(habits)
        let world = World { .answer(server.answer($0.request)) }
        let store = makeStore(world)
        let outcome = Outcome<ServerCapabilities>()
        CapabilityProbe.run(
            store, bucket: "b", prefix: Array("p/".utf8), completion: outcome.completion)
        world.run()
        return (outcome, store, world, server)
    }

    @Test func rgw16IsSeenAsItIs() {
        let (outcome, store, world, server) = probe(Habits())
        var expected = ServerCapabilities()
        expected.writable = .present
        expected.versioning = .off
        expected.createOnly = .present
        expected.conditionalPut = .present
        expected.ifMatchForms = [.unquoted]
        expected.conditionalCopy = .present
        expected.conditionalDelete = .absent
        expected.conditionalComplete = .absent
        expected.multiObjectDelete = .present
        expected.server = "test/1"
        #expect(outcome.value == expected)
        #expect(store.capabilities(of: "b") == expected)
        #expect(store.capabilities(of: "c") == ServerCapabilities(), "each bucket has its own")
        #expect(server.isEmpty)
        let written = world.sent.filter { $0.request.method != .get }
        #expect(written.allSatisfy { $0.line.contains("/b/p///rgwfs-probe/") })
        #expect(world.sent.count <= 17, "what a doctor costs")
    }

    @Test(arguments: [IfMatchQuoting.quoted, .unquoted])
    func aNewerServerIsUsedForWhatItDoes(form: IfMatchQuoting) {
        var habits = Habits()
        habits.forms = [form]
        habits.conditionalDelete = true
        habits.conditionalComplete = true
        let (outcome, store, world, server) = probe(habits)
        #expect(outcome.value?.ifMatchForms == [form])
        #expect(outcome.value?.deleteForm == form)
        #expect(outcome.value?.conditionalComplete == .present)
        #expect(server.isEmpty)
        server.put("abc")
        let before = world.sent.count
        let stale = Outcome<Deletion>()
        let done = Outcome<Deletion>()
        let gone = Outcome<Deletion>()
        // Also one that was seen a moment ago: the request may take effect late.
        store.delete(
            testAddress, matching: "other", isConfirmed: true, completion: stale.completion)
        world.run()
        store.delete(testAddress, matching: "abc", completion: done.completion)
        world.run()
        store.delete(testAddress, matching: "abc", completion: gone.completion)
        world.run()
        #expect(stale.error?.kind == .preconditionFailed)
        #expect(done.value == .deleted)
        #expect(gone.value == .absent)
        #expect(world.sent.count == before + 3, "one request each")
    }

    @Test func completingChecksItsConditionOnTheServerWhereItCan() {
        var habits = Habits()
        habits.conditionalComplete = true
        let (_, store, world, server) = probe(habits)
        server.put("abc")
        let before = world.sent.count
        let outcome = Outcome<Stored>()
        store.completeUpload(
            MultipartUploadAddress(object: testAddress, id: "u"),
            parts: [UploadedPart(number: 1, etag: ETag(Hexadecimal.encode(Hash.md5([1]))))],
            precondition: .absent, completion: outcome.completion)
        world.run()
        #expect(outcome.error?.kind == .preconditionFailed)
        #expect(
            world.sent.dropFirst(before).map(\.request.method) == [.post, .head],
            "and the refusal is looked at")
    }

    @Test func aServerThatIgnoresConditionsIsKnown() {
        var habits = Habits()
        habits.createOnly = false
        habits.conditionalPut = false
        habits.conditionalCopy = false
        let (outcome, _, _, server) = probe(habits)
        #expect(outcome.value?.createOnly == .absent)
        #expect(outcome.value?.conditionalPut == .absent)
        #expect(outcome.value?.conditionalCopy == .absent)
        #expect(server.isEmpty)
    }

    @Test func aServerThatRefusesEveryTagCannotBeUsedWithConditions() {
        var habits = Habits()
        habits.forms = []
        habits.conditionalDelete = true
        let (outcome, store, _, server) = probe(habits)
        #expect(outcome.value?.conditionalPut == .absent)
        #expect(outcome.value?.conditionalDelete == .absent)
        #expect(store.capabilities(of: "b").deleteForm == nil)
        #expect(server.isEmpty)
    }

    @Test func nothingIsWrittenWhereVersionsAreKeptOrWritingIsRefused() {
        var keeping = Habits()
        keeping.keepsVersions = true
        let (versioned, _, world, _) = probe(keeping)
        #expect(versioned.value?.versioning == .suspended)
        #expect(world.sent.allSatisfy { $0.request.method == .get })
        var refusing = Habits()
        refusing.refusesWrites = true
        let (refused, _, other, _) = probe(refusing)
        #expect(refused.value?.writable == .absent)
        #expect(other.sent.count { $0.request.method != .get } == 1)
    }

    @Test func aVersionThatTheFirstPutShowsIsRemovedAndTheLast() {
        var habits = Habits()
        habits.hidesVersioning = true
        let (outcome, _, world, server) = probe(habits)
        #expect(outcome.value?.versioning == .enabled)
        #expect(server.isEmpty)
        let written = world.sent.filter { $0.request.method != .get }
        #expect(written.map(\.request.method) == [.put, .delete])
        #expect(
            written.last?.request.query == [QueryItem("versionId", "v1")], "and no marker stays")
    }

    @Test func anObjectThatCannotBeRemovedIsNamed() {
        var habits = Habits()
        habits.refusesDeletes = true
        let (outcome, _, _, server) = probe(habits)
        #expect(!server.isEmpty)
        #expect(outcome.error?.kind == .accessDenied)
        #expect(outcome.error?.message?.contains("p///rgwfs-probe/") == true)
    }

    /// Cut at every request: whatever was written is removed, and the answer comes once.
    @Test(arguments: 0..<17)
    func aLostAnswerLeavesNothingBehind(lost: Int) {
        let server = Server(Habits())
        let count = Mutex(0)
        let world = World { sent in
            let answer = server.answer(sent.request)
            let number = count.withLock { count in
                count += 1
                return count - 1
            }
            return number == lost ? .fails(.broken(sent: true, "reset")) : .answer(answer)
        }
        let outcome = Outcome<ServerCapabilities>()
        CapabilityProbe.run(makeStore(world), bucket: "b", completion: outcome.completion)
        world.run()
        #expect(outcome.count == 1)
        #expect(server.isEmpty || outcome.error != nil)
    }

    @Test func manyGuardedDeletesPayForOneProbe() {
        var habits = Habits()
        habits.conditionalDelete = true
        let server = Server(habits)
        let world = World { .answer(server.answer($0.request)) }
        let store = makeStore(world) { $0.probesAfterDeletes = 3 }
        func delete() -> [String] {
            server.put("abc")
            let before = world.sent.count
            let outcome = Outcome<Deletion>()
            store.delete(testAddress, matching: "abc", completion: outcome.completion)
            world.run()
            #expect(outcome.value == .deleted)
            return world.sent.dropFirst(before).map(\.line)
        }
        #expect(delete() == ["HEAD /b/k", "DELETE /b/k"])
        #expect(delete() == ["HEAD /b/k", "DELETE /b/k"])
        #expect(delete().contains { $0.contains("rgwfs-probe") })
        #expect(store.capabilities(of: "b").conditionalDelete == .present)
        #expect(delete() == ["DELETE /b/k"])
    }

    @Test func aVersionThatWasJustSeenIsNotLookedAtAgain() {
        let server = Server(Habits())
        let world = World { .answer(server.answer($0.request)) }
        let store = makeStore(world)
        server.put("abc")
        let outcome = Outcome<Deletion>()
        store.delete(
            testAddress, matching: "abc", isConfirmed: true, completion: outcome.completion)
        world.run()
        #expect(outcome.value == .deleted)
        #expect(world.sent.map(\.line) == ["DELETE /b/k"])
    }

    @Test func everyFindingHasALine() {
        let lines = ServerCapabilities().lines
        #expect(lines.count == 9)
        #expect(Set(lines.map(\.name)).count == lines.count)
    }
}
