package import RGWSpool

/// A place where a test may kill or stop the daemon: the boundaries between one effect and the next.
///
/// Closed: `RGWMount.FailPlan` accepts these names and no other. Nothing here does anything by itself.
package enum FailPoint: Hashable, Sendable, CaseIterable {
    /// A data file exists, the journal does not know of it.
    case dataCreated
    /// Bytes are in the data file, the program has not been told.
    case dataWritten
    /// The base's bytes are in the data file, the write that asked for them is not.
    case hydrated
    /// Changes are decided and visible, the journal has not got them.
    case journalCommit
    /// The journal has them, nobody has been told.
    case journalCommitted
    /// The journal no longer names data files that still exist.
    case dataUnneeded
    /// Data files are synced, the journal does not say so.
    case dataSynced
    /// The barrier is complete, whoever waits for it has not been told.
    case sealed
    /// A mount has read what an earlier one left, and changed nothing.
    case recoveryLoaded
    /// Data without a name is in `lost/`, the journal has not been brought in line.
    case recoveryRestored
    /// Recovery is complete, the mount does not answer yet.
    case recoveryCommitted
    /// The journal will not change before the request is sent.
    case starting(IntentRecord.Want)
    /// The transport has the request.
    case sent(IntentRecord.Want)
    /// The server's answer is read, nothing has been done with it.
    case answered(IntentRecord.Want)

    package static var allCases: [FailPoint] {
        let places: [FailPoint] = [
            .dataCreated, .dataWritten, .hydrated, .journalCommit, .journalCommitted,
            .dataUnneeded, .dataSynced, .sealed, .recoveryLoaded, .recoveryRestored,
            .recoveryCommitted,
        ]
        return places
            + IntentRecord.Want.allCases.flatMap { [.starting($0), .sent($0), .answered($0)] }
    }

    /// What it is called outside: lower case, hyphens.
    package var name: String {
        switch self {
        case .dataCreated: "data-created"
        case .dataWritten: "data-written"
        case .hydrated: "hydrated"
        case .journalCommit: "journal-commit"
        case .journalCommitted: "journal-committed"
        case .dataUnneeded: "data-unneeded"
        case .dataSynced: "data-synced"
        case .sealed: "sealed"
        case .recoveryLoaded: "recovery-loaded"
        case .recoveryRestored: "recovery-restored"
        case .recoveryCommitted: "recovery-committed"
        case .starting(let want): "\(Self.name(want))-starting"
        case .sent(let want): "\(Self.name(want))-sent"
        case .answered(let want): "\(Self.name(want))-answered"
        }
    }

    package init?(name: String) {
        guard let point = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = point
    }

    /// `makeDirectory` is called `make-directory`.
    private static func name(_ want: IntentRecord.Want) -> String {
        var text = ""
        for character in "\(want)" {
            text += character.isUppercase ? "-" + character.lowercased() : String(character)
        }
        return text
    }
}

/// Called at every fail point, on the thread that has come there, with no lock held. Nil in
/// production: then a fail point costs one branch.
package typealias FailPoints = @Sendable (FailPoint) -> Void

extension FileSystem {
    func failpoint(_ point: @autoclosure () -> FailPoint) {
        if let failPoints { failPoints(point()) }
    }
}
