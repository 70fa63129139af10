import CRGWHost
import Glibc
package import RGWBase

/// What a waiting thread makes of the state it sees.
package enum HostWait<Answer> {
    case done(Answer)
    /// Look again at the next change, or at this time.
    case until(Instant)
}

/// State that threads change and wait for: the only place in rgwfs where a thread waits for
/// another.
///
/// Owns a mutex and a condition variable; the mutex guards the state. Closures run under the
/// mutex, so they must not block, call out, or enter a condition again.
// SAFETY: `state` is touched only between lock and unlock of `mutex`; both pointers live as long as
// the object and are never handed out.
@safe package final class HostCondition<State: Sendable>: @unchecked Sendable {
    private var state: State
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>

    package init(_ state: State) {
        self.state = state
        // SAFETY: allocated here, initialised before any use, freed in deinit.
        unsafe mutex = .allocate(capacity: 1)
        unsafe changed = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe changed.initialize(to: pthread_cond_t())
        // SAFETY: fresh memory of the right type. Both fail for want of memory only.
        precondition(unsafe pthread_mutex_init(mutex, nil) == 0, "pthread_mutex_init failed")
        precondition(
            unsafe CRGWHost_condition_init(changed) == 0, "pthread_cond_init failed")
    }

    deinit {
        // SAFETY: nobody waits: a waiter holds a reference.
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    /// Changes the state and wakes everybody who waits.
    package func update<Answer>(_ body: (inout State) -> Answer) -> Answer {
        lock()
        let answer = body(&state)
        unlock()
        // SAFETY: the condition variable lives as long as `self`.
        unsafe pthread_cond_broadcast(changed)
        return answer
    }

    /// Changes the state and wakes one waiter: for changes that any single waiter can use up.
    package func updateWakingOne<Answer>(_ body: (inout State) -> Answer) -> Answer {
        lock()
        let answer = body(&state)
        unlock()
        // SAFETY: as above.
        unsafe pthread_cond_signal(changed)
        return answer
    }

    /// Changes the state and wakes everybody if `body` says so.
    package func updateIfWaking(_ body: (inout State) -> Bool) {
        lock()
        let waking = body(&state)
        unlock()
        // SAFETY: as above.
        if waking { unsafe pthread_cond_broadcast(changed) }
    }

    /// Looks at the state without waking anybody.
    package func read<Answer>(_ body: (State) -> Answer) -> Answer {
        lock()
        defer { unlock() }
        return body(state)
    }

    /// Runs `body` now, at every change and at the time it last named, until it is done.
    package func wait<Answer>(_ body: (inout State) -> HostWait<Answer>) -> Answer {
        lock()
        defer { unlock() }
        while true {
            switch body(&state) {
            case .done(let answer): return answer
            case .until(let deadline):
                // SAFETY: this thread holds the mutex; the call gives it back locked. It returns at
                // a change, at the deadline, or for no reason: `body` looks again in each case.
                _ = unsafe CRGWHost_condition_wait(changed, mutex, deadline.nanoseconds)
            }
        }
    }

    /// Runs `body` now and at every change until it answers; nil: the deadline came first.
    package func wait<Answer>(
        until deadline: Instant, _ body: (inout State) -> Answer?
    ) -> Answer? {
        wait { state in
            if let answer = body(&state) { return .done(answer) }
            return HostClock().now() < deadline ? .until(deadline) : .done(nil)
        }
    }

    private func lock() {
        // SAFETY: an initialised mutex that this thread does not hold.
        let result = unsafe pthread_mutex_lock(mutex)
        precondition(result == 0, "pthread_mutex_lock failed")
    }

    private func unlock() {
        // SAFETY: this thread holds the mutex.
        unsafe pthread_mutex_unlock(mutex)
    }
}
