/// What a mount says of itself: everything that `rgwfs status` shows.
package struct MountReport: Equatable, Sendable {
    package enum Life: String, Sendable, CaseIterable {
        case mounted
        /// Taken away where it was mounted; programs that had it open, or another mount namespace, still
        /// use it.
        case detached
        /// Unmounted, and still uploading.
        case draining
        /// No process: read from the spool.
        case stopped
    }

    /// In words that scripts may rely on.
    package enum State: String, Sendable, CaseIterable {
        case clean
        case pending
        /// Something failed for good and waits for the user.
        case blocked

        /// The exit status of `rgwfs status`, `sync` and `queue`.
        package var exitCode: Int32 {
            switch self {
            case .clean: 0
            case .pending: 1
            case .blocked: 2
            }
        }
    }

    package var life = Life.mounted
    package var source = ""
    package var server = ""
    package var mountPoint = ""
    /// The mount's device number as /proc/self/mountinfo has it; empty: not known.
    package var device = ""
    /// 0: none.
    package var process: Int32 = 0
    package var spool = ""
    package var drainTimeout = Duration.zero

    package var pending: UInt64 = 0
    package var pendingBytes: UInt64 = 0
    package var uploading: UInt64 = 0
    package var retrying: UInt64 = 0
    /// Of files that are open: their next close sends them.
    package var open: UInt64 = 0
    /// Conflicts included.
    package var blocked: UInt64 = 0
    package var conflicts: UInt64 = 0
    /// Of the oldest change; nil: nothing waits.
    package var oldest: Duration?
    /// In the bucket, but in doubt: an answer was lost, and what was asked may yet undo them. They stay in the
    /// spool until it cannot.
    package var settling: UInt64 = 0
    /// Changes that had been answered with success and were taken back, since the mount.
    package var refused: UInt64 = 0
    /// The latest of them.
    package var refusals: [QueueItem] = []
    /// For how long the server has refused what is written; nil: it does not.
    package var writesRefused: Duration?
    /// For how long the server has not answered anything; nil: it does, or nobody has asked since.
    package var silent: Duration?
    /// What the latest request that it did not answer failed with.
    package var silence: String?
    /// The oldest changes that are being sent.
    package var sending: [QueueItem] = []
    /// Entries of `lost/`.
    package var lost: UInt64 = 0
    /// Keys seen that cannot be paths.
    package var hidden: UInt64 = 0
    /// Objects that the server did not show or hand over when last asked, and directories that it does not list.
    package var unreadable: UInt64 = 0
    /// The latest of the objects.
    package var refusedReads: [RefusedRead] = []
    /// Bytes that the spool's file system has left; nil: unknown.
    package var spoolFree: UInt64?
    /// The oldest blocked changes.
    package var failures: [QueueItem] = []
    /// The spool's disk has failed, so that no more changes are accepted: how. Nil: it has not.
    package var spoolFailure: String?

    package init() {}

    package var state: State {
        if blocked > 0 { return .blocked }
        return pending > 0 ? .pending : .clean
    }

    /// Something is left that goes up by itself.
    package var isMoving: Bool {
        let (resting, overflow) = blocked.addingReportingOverflow(open)
        return !overflow && pending > resting
    }

    package var json: JSONValue {
        var members: [String: JSONValue] = [
            "state": .string(state.rawValue), "life": .string(life.rawValue),
            "source": .string(source), "server": .string(server),
            "mount_point": .string(mountPoint), "device": .string(device),
            "pid": .integer(process),
            "spool": .string(spool), "drain_timeout_seconds": .seconds(drainTimeout),
            "pending": .integer(pending), "pending_bytes": .integer(pendingBytes),
            "uploading": .integer(uploading), "retrying": .integer(retrying),
            "open": .integer(open),
            "blocked": .integer(blocked), "conflicts": .integer(conflicts),
            "lost": .integer(lost), "hidden_keys": .integer(hidden),
            "failures": .array(failures.map(\.json)),
            "settling": .integer(settling), "refused": .integer(refused),
            "refusals": .array(refusals.map(\.json)),
        ]
        members["oldest_seconds"] = oldest.map { .seconds($0) } ?? .null
        members["writes_refused_seconds"] = writesRefused.map { .seconds($0) } ?? .null
        members["unreadable"] = .integer(unreadable)
        members["refused_reads"] = .array(refusedReads.map(\.json))
        members["server_silent_seconds"] = silent.map { .seconds($0) } ?? .null
        members["server_error"] = silence.map { .string($0) } ?? .null
        members["sending"] = .array(sending.map(\.json))
        members["spool_failure"] = spoolFailure.map { .string($0) } ?? .null
        members["spool_free_bytes"] = spoolFree.map { .integer($0) } ?? .null
        return .object(members)
    }

    /// Nil: not what `json` makes. Members that are missing have their defaults.
    package init?(_ json: JSONValue) {
        guard let pending = json["pending"]?.count, let bytes = json["pending_bytes"]?.count,
            let blocked = json["blocked"]?.count
        else { return nil }
        self.pending = pending
        self.blocked = blocked
        pendingBytes = bytes
        life = json["life"]?.text.flatMap(Life.init) ?? .mounted
        source = json["source"]?.text ?? ""
        server = json["server"]?.text ?? ""
        mountPoint = json["mount_point"]?.text ?? ""
        device = json["device"]?.text ?? ""
        process = json["pid"]?.integer.flatMap { Int32(exactly: $0) } ?? 0
        spool = json["spool"]?.text ?? ""
        drainTimeout = json["drain_timeout_seconds"]?.seconds ?? .zero
        uploading = json["uploading"]?.count ?? 0
        retrying = json["retrying"]?.count ?? 0
        open = json["open"]?.count ?? 0
        conflicts = json["conflicts"]?.count ?? 0
        oldest = json["oldest_seconds"]?.seconds
        lost = json["lost"]?.count ?? 0
        hidden = json["hidden_keys"]?.count ?? 0
        spoolFree = json["spool_free_bytes"]?.count
        spoolFailure = json["spool_failure"]?.text
        settling = json["settling"]?.count ?? 0
        refused = json["refused"]?.count ?? 0
        refusals = (json["refusals"]?.elements ?? []).compactMap(QueueItem.init)
        writesRefused = json["writes_refused_seconds"]?.seconds
        unreadable = json["unreadable"]?.count ?? 0
        refusedReads = (json["refused_reads"]?.elements ?? []).compactMap(RefusedRead.init)
        silent = json["server_silent_seconds"]?.seconds
        silence = json["server_error"]?.text
        sending = (json["sending"]?.elements ?? []).compactMap(QueueItem.init)
        failures = (json["failures"]?.elements ?? []).compactMap(QueueItem.init)
    }
}
