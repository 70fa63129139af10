import RGWBase
import RGWSpool
import Synchronization

/// How many bytes the spool's data files take, and whether uploads of them move. Atomics, because data
/// files come and go with and without the volume's lock.
final class SpoolMeter: Sendable {
    private let bytes = Atomic<Int64>(0)
    private let sent = Atomic<UInt64>(0)
    /// What the filesystem said last, when, and what the data files took then.
    private let freeThen = Atomic<Int64>(0)
    private let bytesThen = Atomic<Int64>(0)
    private let askedAt = Atomic<Int64>(.min)

    /// How long the filesystem's answer is believed; in between our own growth is subtracted.
    private static let readingLifetime = Duration.milliseconds(200)

    var used: UInt64 { UInt64(max(0, bytes.load(ordering: .relaxed))) }

    /// Bytes that transports have taken so far.
    var moved: UInt64 { sent.load(ordering: .relaxed) }

    func add(_ change: Int64) { bytes.wrappingAdd(change, ordering: .relaxed) }

    func noteSent(_ count: Int) {
        sent.wrappingAdd(UInt64(clamping: count), ordering: .relaxed)
    }

    /// The filesystem is asked the next time.
    func forgetFree() { askedAt.store(.min, ordering: .relaxed) }

    /// Bytes free on the spool's filesystem, as far as known without asking too often. A filesystem that
    /// does not answer is taken to have room: the write itself will tell.
    func free(_ files: any SpoolFiles, now: Instant) -> UInt64 {
        let asked = Instant(nanoseconds: askedAt.load(ordering: .relaxed))
        let used = bytes.load(ordering: .relaxed)
        if now >= asked + Self.readingLifetime, let volume = try? files.volume() {
            freeThen.store(Int64(clamping: volume.freeBytes), ordering: .relaxed)
            bytesThen.store(used, ordering: .relaxed)
            askedAt.store(now.nanoseconds, ordering: .relaxed)
        }
        let grown = used - bytesThen.load(ordering: .relaxed)
        return UInt64(max(0, freeThen.load(ordering: .relaxed) - max(0, grown)))
    }
}
