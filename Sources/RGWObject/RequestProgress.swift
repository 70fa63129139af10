package import RGWBase
import Synchronization

/// How far a change that is being sent has come, for people who ask: bytes, parts, failed requests, and since when
/// nothing moved. One for everything that is sent for the change, from its first request to its outcome.
///
/// Counted where the bytes leave, by atomics only; a mutex guards the last failure.
package final class RequestProgress: Sendable {
    private let bytes = Atomic<UInt64>(0)
    /// The monotonic clock's nanoseconds.
    private let moved: Atomic<Int64>
    private let done = Atomic<Int>(0)
    private let all = Atomic<Int>(0)
    private let failed = Atomic<Int>(0)
    private let error = Mutex<ObjectStoreError?>(nil)

    package init(started: Instant) { moved = Atomic(started.nanoseconds) }

    /// Of the body, handed to the network and not known to be lost. Some of it may be in the kernel's buffers still.
    package var bytesSent: UInt64 { bytes.load(ordering: .relaxed) }

    /// When more of the body than ever before was sent, or the server said something.
    package var movedAt: Instant { Instant(nanoseconds: moved.load(ordering: .relaxed)) }

    /// Parts that the server has, of all; nil: it is no upload in parts.
    package var parts: (done: Int, all: Int)? {
        let all = all.load(ordering: .relaxed)
        return all > 0 ? (done.load(ordering: .relaxed), all) : nil
    }

    /// Requests that the server did not answer, or not with what it thinks of the object.
    package var failures: Int { failed.load(ordering: .relaxed) }

    /// What the latest of them failed with. Takes a lock.
    package var lastFailure: ObjectStoreError? { error.withLock { $0 } }

    package func noteMoved(_ now: Instant) { moved.store(now.nanoseconds, ordering: .relaxed) }

    package func begin(parts: Int) {
        done.store(0, ordering: .relaxed)
        all.store(parts, ordering: .relaxed)
    }

    /// The server has one more part. `bytes`: of a part that it had already.
    package func notePart(bytes: UInt64 = 0) {
        done.wrappingAdd(1, ordering: .relaxed)
        add(bytes)
    }

    package func noteFailure(_ error: ObjectStoreError) {
        failed.wrappingAdd(1, ordering: .relaxed)
        self.error.withLock { $0 = error }
    }

    fileprivate func add(_ count: UInt64) { bytes.wrappingAdd(count, ordering: .relaxed) }

    fileprivate func takeBack(_ count: UInt64) {
        bytes.wrappingSubtract(count, ordering: .relaxed)
    }
}

/// The share of one request, which may need several attempts.
///
/// One attempt at a time moves it, from the transport's thread; between attempts its owner.
package final class BodyProgress: Sendable {
    private let whole: RequestProgress
    /// Of the attempt under way.
    private let sent = Atomic<UInt64>(0)
    /// The most that an attempt got to.
    private let peak = Atomic<UInt64>(0)

    package init(_ whole: RequestProgress) { self.whole = whole }

    /// `count` bytes more of the body were handed over. What an earlier attempt had sent is no progress.
    package func noteSent(_ count: Int, now: Instant) {
        let count = UInt64(max(0, count))
        let total = sent.wrappingAdd(count, ordering: .relaxed).newValue
        whole.add(count)
        guard total > peak.load(ordering: .relaxed) else { return }
        peak.store(total, ordering: .relaxed)
        whole.noteMoved(now)
    }

    /// The server said something, or took what was in the way.
    package func noteMoved(_ now: Instant) { whole.noteMoved(now) }

    /// The attempt failed: what it sent is sent again, or not wanted any more.
    package func noteFailure(_ error: ObjectStoreError) {
        whole.takeBack(sent.exchange(0, ordering: .relaxed))
        whole.noteFailure(error)
    }

    /// The same for an attempt that is repeated in another form.
    package func startAgain() { whole.takeBack(sent.exchange(0, ordering: .relaxed)) }
}
