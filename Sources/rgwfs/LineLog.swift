import Logging
import RGWBase
import RGWHost

/// swift-log's handler: one line an event, to standard error in the foreground, else to syslog.
struct LineLog: LogHandler {
    let usesStandardError: Bool
    let shared: LogLevel
    var metadata: Logger.Metadata = [:]

    /// One logger's level is not set apart from the others'.
    var logLevel: Logger.Level {
        get { shared.level }
        set {}
    }

    static func logger(foreground: Bool, level: LogLevel) -> Logger {
        Logger(label: "rgwfs") { _ in LineLog(usesStandardError: foreground, shared: level) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var line = "\(event.message)"
        let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(value)" }
        // One event is one line, whatever names and servers say.
        line = LineText.escaped(line, max: Self.lengthMax)
        if usesStandardError {
            StandardError.print("rgwfs: \(event.level): \(line)")
        } else {
            SystemLog.write(Self.severity(event.level), line)
        }
    }

    /// Two keys of 1,024 characters and what is said of them; what is longer is cut by syslog, somewhere.
    private static let lengthMax = 3000

    private static func severity(_ level: Logger.Level) -> SystemLog.Severity {
        switch level {
        case .critical, .error: .error
        case .warning: .warning
        case .notice, .info: .info
        case .debug, .trace: .debug
        }
    }
}
