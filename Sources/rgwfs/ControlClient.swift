import RGWControl
import RGWHost

/// One request to a mount's socket, and its answer.
struct ControlClient {
    /// Nobody listens, or not in time: not a refusal.
    struct Silence: Error {
        var reason: String
    }

    private let connection: HostConnection

    /// Nil: nobody listens in that spool.
    init?(spool: String) {
        do throws(HostError) {
            connection = try HostConnection(directory: spool, name: ControlSocket.name)
        } catch { return nil }
    }

    /// The answer's last line. `patience`: how long a single line may take; nil: for ever.
    func ask(
        _ request: ControlRequest, patience: Duration? = .seconds(10),
        onItem: (JSONValue) -> Void = { _ in }, onProgress: (MountReport) -> Void = { _ in }
    ) throws -> JSONValue {
        do throws(HostError) {
            try connection.writeLine(request.line)
        } catch { throw Silence(reason: error.reason) }
        while true {
            let line: [UInt8]?
            do throws(HostError) {
                line = try connection.readLine(limit: ControlReply.lengthMax, within: patience)
            } catch { throw Silence(reason: error.reason) }
            guard let line else { throw Silence(reason: "it ended") }
            switch try ControlReply(parsing: line) {
            case .item(let value): onItem(value)
            case .progress(let value): if let report = MountReport(value) { onProgress(report) }
            case .done(let value): return value
            case .failed(let error): throw error
            }
        }
    }

    /// Who holds a spool, as far as they answer; nil: nobody does.
    static func report(
        spool: String, patience: Duration = .seconds(10)
    ) throws -> MountReport? {
        guard let client = ControlClient(spool: spool) else { return nil }
        return MountReport(try client.ask(.status, patience: patience))
    }
}
