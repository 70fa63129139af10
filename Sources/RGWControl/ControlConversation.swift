/// A mount, as its socket shows it. Calls may block; they come from threads that nothing waits for.
package protocol ControlPort: Sendable {
    func report() -> MountReport
    func queue(limit: Int) -> [QueueItem]
    /// How many changes are tried again.
    func retry(path: String?) -> Int
    /// A sentence that says what was done.
    func resolve(path: String, _ resolution: Resolution) throws(ControlError) -> String
    /// Waits until nothing waits, something failed for good, the time is over, or `progress`
    /// returns false because nobody listens; the report of then.
    func sync(
        for limit: Duration?, progress: (MountReport) -> Bool
    ) throws(ControlError) -> MountReport
    func stats() -> JSONValue
    /// What is cached on disk, by kind.
    func cacheStatus() -> JSONValue
    /// What is left after that.
    func cacheDrop() -> JSONValue
    /// What was changed, and warnings; `badRequest` when an option is wrong or cannot be changed.
    func remount(_ request: RemountRequest) throws(ControlError) -> JSONValue
    func handOver() throws(ControlError)
    func finish()
}

/// One connection to the socket: a request, its answer. Pure, but for what the port does.
package struct ControlConversation: Sendable {
    private let port: any ControlPort
    /// Who may ask, beside root.
    private let owner: UInt32

    package init(port: any ControlPort, owner: UInt32) {
        self.port = port
        self.owner = owner
    }

    /// `send` writes one line and returns false when nobody reads it any more.
    package func answer(_ line: [UInt8], from user: UInt32, send: (String) -> Bool) {
        do throws(ControlError) {
            guard user == 0 || user == owner else {
                throw ControlError(.denied, "only root and the mount's owner may ask")
            }
            let request = try ControlRequest(parsing: line)
            let answer = try serve(request, send)
            _ = send(ControlReply.done(answer).line)
        } catch { _ = send(ControlReply.failed(error).line) }
    }

    private func serve(
        _ request: ControlRequest, _ send: (String) -> Bool
    ) throws(ControlError) -> JSONValue {
        switch request {
        case .status: return port.report().json
        case .stats: return port.stats()
        case .cacheStatus: return port.cacheStatus()
        case .cacheDrop: return port.cacheDrop()
        case .retry(let path): return .object(["retried": .integer(port.retry(path: path))])
        case .resolve(let path, let resolution):
            return .object(["text": .string(try port.resolve(path: path, resolution))])
        case .queue(let limit):
            let items = port.queue(limit: limit)
            for item in items {
                guard send(ControlReply.item(item.json).line) else { break }
            }
            return .object(["count": .integer(items.count)])
        case .sync(let milliseconds):
            let limit = milliseconds.map { Duration.milliseconds($0) }
            return try port.sync(for: limit) { send(ControlReply.progress($0.json).line) }.json
        case .remount(let request): return try port.remount(request)
        case .handOver:
            try port.handOver()
            return .object([:])
        case .finish:
            port.finish()
            return .object([:])
        }
    }
}
