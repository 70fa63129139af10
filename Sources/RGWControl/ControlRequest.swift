/// Which version of a file with a conflict stays.
package enum Resolution: String, Sendable, CaseIterable {
    /// The one of this mount replaces the other.
    case local
    /// The one in the bucket stays; this mount's goes to `lost/`.
    case remote
    /// The one in the bucket keeps the name, this mount's gets another beside it.
    case both
}

/// What a mount can be asked through its socket: one line of JSON.
///
///     {"rgwfs":1,"do":"retry","path":"a/b"}
package enum ControlRequest: Equatable, Sendable {
    case status
    case queue(limit: Int)
    /// Nil: everything.
    case retry(path: String?)
    case resolve(path: String, Resolution)
    /// Nil: for as long as it takes.
    case sync(milliseconds: Int?)
    case stats
    /// What is cached on disk.
    case cacheStatus
    /// Forget it.
    case cacheDrop
    /// Other options from now on.
    case remount(RemountRequest)
    /// End the uploads of an unmounted file system, so that a new mount can have its spool.
    case handOver
    /// Do not go on uploading after the unmount.
    case finish

    /// Of the protocol: raised when an older program would misunderstand a request.
    package static let version = 1
    /// Bytes of a request's line: a path has at most 1,024 bytes, six times as many when escaped.
    package static let lengthMax = 16 << 10
    /// Changes that one answer lists.
    package static let queueMax = 100_000

    package var line: String {
        var members: [String: JSONValue] = ["rgwfs": .integer(Self.version), "do": .string(name)]
        switch self {
        case .status, .stats, .cacheStatus, .cacheDrop, .handOver, .finish: break
        case .queue(let limit): members["limit"] = .integer(limit)
        case .retry(let path): members["path"] = path.map { .string($0) }
        case .resolve(let path, let resolution):
            members["path"] = .string(path)
            members["keep"] = .string(resolution.rawValue)
        case .remount(let request): members.merge(request.members) { _, new in new }
        case .sync(let milliseconds): members["milliseconds"] = milliseconds.map { .integer($0) }
        }
        return JSONValue.object(members).line
    }

    private var name: String {
        switch self {
        case .status: "status"
        case .queue: "queue"
        case .retry: "retry"
        case .resolve: "resolve"
        case .sync: "sync"
        case .stats: "stats"
        case .cacheStatus: "cache-status"
        case .cacheDrop: "cache-drop"
        case .remount: "remount"
        case .handOver: "hand-over"
        case .finish: "finish"
        }
    }

    /// Members that are not known are skipped, so later programs may add some.
    package init(parsing line: [UInt8]) throws(ControlError) {
        let document: JSONValue
        do throws(JSONValue.Malformed) {
            document = try JSONValue(parsing: line)
        } catch { throw ControlError(.badRequest, "the request is not a line of JSON") }
        guard let version = document["rgwfs"]?.integer, let name = document["do"]?.text else {
            throw ControlError(.badRequest, "the request does not say what to do")
        }
        guard version <= Self.version else {
            throw ControlError(
                .unknownRequest, "the mount's program is older than this one: mount again")
        }
        self = try Self.request(name, document)
    }

    private static func request(
        _ name: String, _ document: JSONValue
    ) throws(ControlError) -> ControlRequest {
        let path = document["path"]?.text
        switch name {
        case "status": return .status
        case "stats": return .stats
        case "cache-status": return .cacheStatus
        case "cache-drop": return .cacheDrop
        case "hand-over": return .handOver
        case "finish": return .finish
        case "retry": return .retry(path: path)
        case "queue":
            let limit = document["limit"]?.integer ?? Int64(queueMax)
            return .queue(limit: Int(min(max(0, limit), Int64(queueMax))))
        case "sync":
            let time = document["milliseconds"]?.integer
            return .sync(milliseconds: time.map { Int(min(max(0, $0), 1 << 40)) })
        case "resolve":
            guard let path, let keep = document["keep"]?.text.flatMap(Resolution.init) else {
                throw ControlError(.badRequest, "the request names no path or no version to keep")
            }
            return .resolve(path: path, keep)
        case "remount":
            guard let request = RemountRequest(document) else {
                throw ControlError(.badRequest, "the request names no options")
            }
            return .remount(request)
        default: throw ControlError(.unknownRequest, "the mount does not know the request")
        }
    }
}
