package import RGWSpool

/// One change that is not in the bucket yet, as people are shown it.
package struct PendingChange: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable {
        /// Its time has not come, or it waits for another key.
        case waiting
        /// The file is open and unflushed: its next close sends it.
        case open
        case uploading
        /// Failed in a way that may pass by itself.
        case retrying
        /// Failed for good as far as one can tell; tried again rarely.
        case blocked
        /// Somebody else changed the object; `conflict=hold` leaves it to the user.
        case conflict
    }

    /// Below the mount, without a slash at either end; empty for the root itself.
    package var path: String
    package var key: String
    package var want: IntentRecord.Want
    package var state: State
    /// Attempts that failed since the last success.
    package var tries: Int
    /// Why it is blocked; nil: it is not.
    package var error: String?
    /// Since the oldest change in it.
    package var age: Duration
    /// Of the body to send; 0 for everything but content.
    package var bytes: UInt64
    /// Until the next attempt; nil: under way, or it waits for something other than time.
    package var next: Duration?

    package init(
        path: String, key: String, want: IntentRecord.Want, state: State, tries: Int = 0,
        error: String? = nil, age: Duration = .zero, bytes: UInt64 = 0, next: Duration? = nil
    ) {
        self.path = path
        self.key = key
        self.want = want
        self.state = state
        self.tries = tries
        self.error = error
        self.age = age
        self.bytes = bytes
        self.next = next
    }
}

/// What waits, in numbers.
package struct VolumeOverview: Sendable, Equatable {
    package var pending = 0
    package var pendingBytes: UInt64 = 0
    package var uploading = 0
    package var retrying = 0
    /// Of files that are open: their next close sends them.
    package var open = 0
    /// Conflicts included.
    package var blocked = 0
    package var conflicts = 0
    /// Of the oldest change; nil: nothing waits.
    package var oldest: Duration?
    /// Keys in the directories seen so far that cannot be paths.
    package var hidden = 0
    /// The blocked ones, the oldest first; at most as many as were asked for.
    package var failures: [PendingChange] = []
    /// Why no more changes are accepted; nil: they are.
    package var spoolFailure: String?
    package init() {}

    package var isClean: Bool { pending == 0 && blocked == 0 }
}
