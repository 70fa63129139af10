import RGWBase
import Synchronization

/// Lets an operation that waits be given up: whoever asked is being killed and wants no answer.
///
/// One a request, shared by everybody who works on it. Only a wait can be given up: what is being decided
/// is finished first, so an operation answered with EINTR has changed nothing. Guarded by its mutex, under
/// which nothing is called.
package final class Interruption: Sendable {
    private enum State {
        case working
        /// Asked to give up, at the next wait.
        case requested
        case waiting(@Sendable () -> Void)
        case givenUp
    }

    private struct Guarded {
        var state = State.working
        var hasBegun = false
    }
    private let guarded = Mutex(Guarded())
    private let onFirstWait: @Sendable (Interruption) -> Void

    /// `onFirstWait` is called once, before the first wait, without a lock held.
    package init(onFirstWait: @escaping @Sendable (Interruption) -> Void = { _ in }) {
        self.onFirstWait = onFirstWait
    }

    /// Somebody will be told of requests: `onFirstWait` was called.
    package var hasWaited: Bool { guarded.withLock { $0.hasBegun } }

    /// The asker is going away. Calls what the wait left, if there is one.
    package func request() {
        let giveUp: (@Sendable () -> Void)? = guarded.withLock { guarded in
            switch guarded.state {
            case .working:
                guarded.state = .requested
                return nil
            case .waiting(let giveUp):
                guarded.state = .givenUp
                return giveUp
            case .requested, .givenUp: return nil
            }
        }
        giveUp?()
    }

    /// A wait begins. `giveUp` answers; it must not run on the thread that requests, which libfuse holds a
    /// lock on. False: do not wait, answer at once.
    func wait(_ giveUp: @escaping @Sendable () -> Void) -> Bool {
        let isFirst = guarded.withLock { guarded in
            defer { guarded.hasBegun = true }
            return !guarded.hasBegun
        }
        if isFirst { onFirstWait(self) }
        return guarded.withLock { guarded in
            guard case .working = guarded.state else { return false }
            guarded.state = .waiting(giveUp)
            return true
        }
    }

    /// The wait is over. False: it was given up, and answered.
    func resume() -> Bool {
        guarded.withLock { guarded in
            guard case .waiting = guarded.state else { return false }
            guarded.state = .working
            return true
        }
    }
}

extension FileSystem {
    /// Runs `begin`, which waits and then calls back, unless the request is given up first; then `reply` is
    /// answered with EINTR, and what `begin` finds is of no interest any more.
    func wait<Value: Sendable>(
        _ reply: ParkedReply<Value>,
        _ begin: (_ whenOver: @escaping @Sendable (@Sendable () -> Void) -> Void) -> Void
    ) {
        guard let interruption = reply.interruption else {
            return begin { goOn in goOn() }
        }
        let canWait = interruption.wait { [lanes] in
            lanes.short.submit { reply.fail(.interrupted) }
        }
        guard canWait else { return reply.fail(.interrupted) }
        begin { goOn in if interruption.resume() { goOn() } }
    }
}
