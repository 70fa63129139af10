/// Which messages are logged: those of a kind and of the graver ones.
package enum LogThreshold: String, Sendable, CaseIterable {
    case error
    case warning
    case info
    case debug
}
