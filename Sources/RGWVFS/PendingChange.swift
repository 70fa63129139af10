package import RGWBase
package import RGWObject
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
        /// It was answered with success and is taken back: the bucket's version is shown.
        case refused
    }

    /// Below the mount, without a slash at either end; empty for the root itself.
    package var path: String
    package var key: String
    package var want: IntentRecord.Want
    package var state: State
    /// Attempts that failed since the last success.
    package var tries: Int
    /// What the last attempt failed with, or why it is blocked; nil: nothing failed.
    package var error: String?
    /// Since the oldest change in it.
    package var age: Duration
    /// Of the body to send; 0 for everything but content.
    package var bytes: UInt64
    /// How far it has come; nil: nothing of it is under way.
    package var sending: Sending?
    /// Until the next attempt; nil: under way, or it waits for something other than time.
    package var next: Duration?

    package init(
        path: String, key: String, want: IntentRecord.Want, state: State, tries: Int = 0,
        error: String? = nil, age: Duration = .zero, bytes: UInt64 = 0, next: Duration? = nil,
        sending: Sending? = nil
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
        self.sending = sending
    }

    /// A request that is under way.
    package struct Sending: Sendable, Equatable {
        /// Of the body, handed to the network; parts that the server has count.
        package var bytes: UInt64
        /// Of an upload in parts: how many the server has, and of how many.
        package var partsDone: Int?
        package var parts: Int?
        /// Since a byte moved last.
        package var idle: Duration

        package init(_ progress: RequestProgress, now: Instant) {
            bytes = progress.bytesSent
            if let known = progress.parts { (partsDone, parts) = (known.done, known.all) }
            idle = max(.zero, now - progress.movedAt)
        }
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
    /// In the bucket, and looked at once more because a request of unknown outcome may yet undo it.
    package var settling = 0
    /// Changes since the mount that had been answered with success and were taken back.
    package var refused: UInt64 = 0
    /// The latest of them, the newest first; at most as many as failures were asked for.
    package var refusals: [PendingChange] = []
    /// For how long the server has refused what is written, in some directory or in all; nil: it does not.
    package var writesRefusedFor: Duration?
    /// Keys in the directories seen so far that cannot be paths.
    package var hidden = 0
    /// Objects that the server did not show or hand over when last asked, and directories that may not be listed.
    package var unreadable = 0
    /// The latest of the objects, the newest first; at most as many as failures were asked for.
    package var refusedReads: [RefusedRead] = []
    /// The blocked ones, the oldest first; at most as many as were asked for.
    package var failures: [PendingChange] = []
    /// What is under way, the oldest first; at most as many as failures were asked for.
    package var sending: [PendingChange] = []
    /// Why no more changes are accepted; nil: they are.
    package var spoolFailure: String?
    package init() {}

    package var isClean: Bool { pending == 0 && blocked == 0 }
}

/// An object that the server did not show or hand over.
package struct RefusedRead: Sendable, Equatable {
    /// Below the mount; the key itself where no path means it.
    package var path: String
    package var reason: String
    /// Since it was asked for.
    package var age: Duration
}
