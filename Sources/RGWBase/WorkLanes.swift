/// Where work runs that the caller's thread must not do, by how long it may take. What is short never waits for
/// what is long. Decision 102.
package struct WorkLanes: Sendable {
    /// Digests, copies and syncs of whole files. At most one job for each request that is being made ready.
    package let long: any WorkQueue
    /// Small work on the spool's files, among it that of parked writers. At most one job for each of these, and
    /// for each operation that waits.
    package let spool: any WorkQueue
    /// What answers programs: interruptions, wake-ups, and barriers, of which one runs at a time.
    package let short: any WorkQueue
    /// One job at a time: commits for threads that must not do them, and what follows commits. Nil: the caller's
    /// thread does them, where no thread has others waiting behind it.
    package let journal: (any WorkQueue)?

    package init(
        long: any WorkQueue, spool: any WorkQueue, short: any WorkQueue,
        journal: (any WorkQueue)?
    ) {
        self.long = long
        self.spool = spool
        self.short = short
        self.journal = journal
    }

    /// One for all: of a single-threaded world.
    package init(all queue: any WorkQueue) {
        self.init(long: queue, spool: queue, short: queue, journal: nil)
    }
}

/// What the current thread is there for, so that others can be kept from it. Nil: a thread that answers the kernel,
/// or the only one.
package enum ThreadDuty: String, Sendable {
    /// libcurl and what follows answers: every transfer waits for it.
    case network
    case timer
    case long
    case spool
    case short
    case journal

    @TaskLocal package static var current: ThreadDuty?

    /// Runs the thread's work.
    package func run(_ body: () -> Void) { Self.$current.withValue(self) { body() } }

    /// Others wait behind what this thread does: it does not wait for a disk, nor compute for long.
    package var mustNotWait: Bool {
        switch self {
        case .network, .timer: true
        case .long, .spool, .short, .journal: false
        }
    }

    /// What waits for the journal goes on elsewhere.
    package var handsCommitsOver: Bool {
        switch self {
        case .network, .timer, .short: true
        case .long, .spool, .journal: false
        }
    }

    /// In a debug build: the current thread may wait for a disk, or compute for long.
    package static func assertMayWait(_ what: @autoclosure () -> String) {
        assert(
            current?.mustNotWait != true,
            "\(what()) on the thread for \(current?.rawValue ?? "")")
    }
}
