import RGWBase
import RGWControl
import RGWFuse
import RGWHost

/// What a mount's main thread waits for, from all the threads that tell it.
final class MountEvents: Sendable {
    enum Next: Sendable {
        case signal(HostSignal)
        case ended(Result<FuseSession.End, FuseError>)
        case handedOver
    }

    struct State: Sendable {
        /// Of the mount that was made; nil: none yet.
        var device: HostDevice?
        /// The kernel's INIT is answered.
        var isReady = false
        /// Serving ended; nil: it has not.
        var ended: Result<FuseSession.End, FuseError>?
        var signals: [HostSignal] = []
        var requestsToEnd = 0
        /// A new mount wants the spool.
        var isHandedOver = false
        /// Somebody who unmounted does not want uploads to go on.
        var isToFinish = false
        /// The process is about to end: nobody is to wait for uploads any more.
        var isStopping = false
        /// Everything that waited at the unmount has been tried.
        var isDrained = false
    }

    let state = HostCondition(State())

    /// Until the mount answers, has ended, or the deadline.
    func waitUntilReady(_ deadline: Instant) -> Bool {
        state.wait(until: deadline) { state -> Bool? in
            state.isReady ? true : (state.ended == nil ? nil : false)
        } ?? false
    }

    /// Nil: nothing happened until the deadline.
    func next(until deadline: Instant) -> Next? {
        state.wait(until: deadline) { state -> Next? in
            if !state.signals.isEmpty { return .signal(state.signals.removeFirst()) }
            if state.isHandedOver { return .handedOver }
            return state.ended.map { .ended($0) }
        }
    }

    /// Programs may use the file system: serving has not ended.
    var isServing: Bool { state.read { $0.ended == nil } }

    /// `detached`: not in this process's mount namespace any more, in which it was made; whoever
    /// unmounted it there is done with it.
    var life: MountReport.Life {
        guard isServing else { return .draining }
        return isInTree ? .mounted : .detached
    }

    /// In this process's mount namespace; without /proc nothing is known. Asked without a walk to the mount
    /// point: below an automount even a statx(2) that triggers nothing waits while somebody
    /// mounts there, and that may be who waits for the end of this process.
    var isInTree: Bool {
        guard let device = state.read({ $0.device }) else { return true }
        do throws(HostError) {
            let mounts = try HostMounts.list()
            return mounts.isEmpty || mounts.contains { $0.device == device }
        } catch { return true }
    }

    var isStopping: Bool { state.read { $0.isStopping } }

    /// True when it is the second request to end.
    func deliver(_ signal: HostSignal) -> Bool {
        let asksToEnd = signal == .terminate || signal == .interrupt
        return state.update { state in
            state.signals.append(signal)
            guard asksToEnd else { return false }
            state.requestsToEnd += 1
            return state.requestsToEnd > 1
        }
    }
}
