/// Follows a mount's reports and says what is worth telling: once per change, not per look.
package struct MountWatch: Sendable {
    package enum Message: Equatable, Sendable {
        /// Uploads have failed for long, in a way that may pass by itself.
        case stuck(pending: UInt64, oldest: Duration)
        case moving
    }

    /// How long failures are nobody's business: five minutes.
    private static let patience = Duration.seconds(300)

    private var isStuck = false
    private var text: String?

    package init() {}

    /// What to log.
    package mutating func look(_ report: MountReport) -> Message? {
        let oldest = report.oldest ?? .zero
        if report.retrying > 0, oldest >= Self.patience {
            defer { isStuck = true }
            return isStuck ? nil : .stuck(pending: report.pending, oldest: oldest)
        }
        guard report.retrying == 0, isStuck else { return nil }
        isStuck = false
        return .moving
    }

    /// The text for the service manager, when it is another one than before.
    /// Source: sd_notify(3), STATUS.
    package mutating func status(_ report: MountReport) -> String? {
        var new: String
        switch report.state {
        case .clean: new = "everything is in the bucket"
        case .pending: new = "waiting for their upload: \(report.pending)"
        case .blocked: new = "cannot be uploaded: \(report.blocked)"
        }
        if report.life == .draining { new = "unmounted: " + new }
        defer { text = new }
        return new == text ? nil : new
    }
}
