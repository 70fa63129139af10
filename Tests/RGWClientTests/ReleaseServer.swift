import RGWBase
import RGWClient
import RGWCrypto
import RGWObject
import RGWWire
import Synchronization

/// One key of a bucket as RGW 16 (18 is the same here) and 20 serve it, in every setting of versions:
/// what was measured on them, one rule for each line of the table in ARCHITECTURE.
final class ReleaseServer: Sendable {
    enum Release: Int, CaseIterable, Sendable {
        case rgw16 = 16
        case rgw20 = 20
    }
    struct Rules: Sendable {
        var release = Release.rgw16
        var versioning = ServerCapabilities.Versioning.off
        /// Versions may not be removed.
        var isLocked = false
        var mayListVersions = true
        /// No server of Ceph's: it heeds no condition of a COPY.
        var ignoresCopyConditions = false
        /// It answers 412 to every PUT.
        var refusesAll = false
    }
    struct Version: Equatable, Sendable {
        var id: String
        /// Nil: a delete marker.
        var etag: String?
    }
    private struct State {
        var rules = Rules()
        /// Newest first.
        var versions: [Version] = []
        var made = 0
        /// Called before the request of this line takes effect, once.
        var before: [String: @Sendable () -> Void] = [:]
    }
    private let state: Mutex<State>

    init(_ rules: Rules) {
        var state = State()
        state.rules = rules
        self.state = Mutex(state)
    }

    var versions: [Version] { state.withLock(\.versions) }
    var current: String? { state.withLock { $0.versions.first?.etag } }
    func set(_ change: @Sendable (inout Rules) -> Void) { state.withLock { change(&$0.rules) } }
    func before(_ line: String, _ action: @escaping @Sendable () -> Void) {
        state.withLock { $0.before[line] = action }
    }

    /// Another client's PUT.
    func plant(_ body: [UInt8]) {
        state.withLock { state in _ = Self.add(Hexadecimal.encode(Hash.md5(body)), &state) }
    }

    func answer(_ sent: SentRequest) -> HTTPResponse {
        let action = state.withLock { $0.before.removeValue(forKey: sent.line) }
        action?()
        return state.withLock { state in Self.answer(sent.request, &state) }
    }

    private static func answer(_ request: HTTPRequest, _ state: inout State) -> HTTPResponse {
        switch (request.method, request.query.first?.name) {
        case (.get, "versioning"): return versioning(state)
        case (.get, "versions"): return list(state)
        case (.get, "notification"): return Answers.noNotification
        case (.head, _):
            guard let etag = state.versions.first?.etag else { return Answers.response(404) }
            var fields = Answers.headFields
            fields["etag"] = "\"\(etag)\""
            return Answers.response(200, [], fields)
        case (.put, _) where request.headers["x-amz-copy-source"] != nil:
            return copy(request, &state)
        case (.put, _): return put(request, &state)
        case (.delete, "versionId"):
            if state.rules.isLocked { return Answers.error(403, "AccessDenied") }
            state.versions.removeAll { $0.id == request.query.first?.value }
            return Answers.response(204)
        case (.delete, _):
            _ = add(nil, &state)
            return Answers.response(204)
        default: return Answers.error(501, "NotImplemented")
        }
    }

    private static func put(_ request: HTTPRequest, _ state: inout State) -> HTTPResponse {
        guard case .bytes(let bytes)? = request.body else { return Answers.response(411) }
        if state.rules.refusesAll { return Answers.error(412, "PreconditionFailed") }
        if let refusal = refusal(of: request, state) { return refusal }
        let etag = Hexadecimal.encode(Hash.md5(bytes))
        var fields = ["etag": "\"\(etag)\""]
        if let id = add(etag, &state) { fields["x-amz-version-id"] = id }
        return Answers.response(200, [], fields)
    }

    private static func refusal(of request: HTTPRequest, _ state: State) -> HTTPResponse? {
        let refused = Answers.error(412, "PreconditionFailed")
        let isOld = state.rules.release == .rgw16
        let keeps = state.rules.versioning == .enabled
        let current = state.versions.first
        if request.headers["if-none-match"] == "*" {
            if keeps, isOld { return nil }
            // Also over the marker of a deleted name, where no versions are made.
            let isThere = current.map { $0.etag != nil || !keeps } ?? false
            return isThere ? refused : nil
        }
        guard let wanted = request.headers["if-match"] else { return nil }
        if isOld, keeps || wanted.hasPrefix("\"") { return refused }
        guard let current else { return isOld ? refused : Answers.error(404, "NoSuchKey") }
        return current.etag == ETag(wanted).text ? nil : refused
    }

    /// The new version's id, where versions are kept.
    private static func add(_ etag: String?, _ state: inout State) -> String? {
        state.made += 1
        let id = "v\(state.made)"
        switch state.rules.versioning {
        case .enabled:
            state.versions.insert(Version(id: id, etag: etag), at: 0)
            return id
        case .suspended:
            state.versions.removeAll { $0.id == "null" }
            state.versions.insert(Version(id: "null", etag: etag), at: 0)
            return nil
        case .off, .unknown:
            state.versions = etag.map { [Version(id: "null", etag: $0)] } ?? []
            return nil
        }
    }

    private static func copy(_ request: HTTPRequest, _ state: inout State) -> HTTPResponse {
        let source = request.headers["x-amz-copy-source"] ?? ""
        let id = source.split(separator: "=").dropFirst().first.map(String.init)
        let found = id.map { id in state.versions.first { $0.id == id } } ?? state.versions.first
        guard let etag = found?.etag else { return Answers.error(404, "NoSuchKey") }
        let header =
            state.rules.release == .rgw16 ? "x-amz-copy-if-match" : "x-amz-copy-source-if-match"
        if let wanted = request.headers[header], !state.rules.ignoresCopyConditions,
            ETag(wanted).text != etag
        {
            return Answers.error(412, "PreconditionFailed")
        }
        _ = add(etag, &state)
        let xml =
            "<CopyObjectResult><LastModified>2024-02-29T12:34:56.789Z</LastModified>"
            + "<ETag>\(etag)</ETag></CopyObjectResult>"
        return Answers.response(200, Array(xml.utf8))
    }

    private static func versioning(_ state: State) -> HTTPResponse {
        let status =
            switch state.rules.versioning {
            case .enabled: "<Status>Enabled</Status>"
            case .suspended: "<Status>Suspended</Status>"
            case .off, .unknown: ""
            }
        let xml = "<VersioningConfiguration>\(status)</VersioningConfiguration>"
        return Answers.response(200, Array(xml.utf8))
    }

    private static func list(_ state: State) -> HTTPResponse {
        guard state.rules.mayListVersions else { return Answers.error(403, "AccessDenied") }
        let entries = state.versions.map { version in
            let id = "<Key>k</Key><VersionId>\(version.id)</VersionId>"
            return version.etag.map { "<Version>\(id)<ETag>&quot;\($0)&quot;</ETag></Version>" }
                ?? "<DeleteMarker>\(id)</DeleteMarker>"
        }
        // Others, whose entries say nothing of this one.
        let other = "<Version><Key>k2</Key><VersionId>o</VersionId><ETag>o</ETag></Version>"
        let all = entries.map { $0 + other }.joined() + other
        let xml = "<ListVersionsResult>\(all)</ListVersionsResult>"
        return Answers.response(200, Array(xml.utf8))
    }
}
