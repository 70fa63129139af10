import RGWBase
import RGWObject
import RGWSpool

/// Which bytes of a large object's file are in the spool already. The rest is the object's, of one version,
/// and is fetched when somebody reads it or before the upload.
///
/// Rule: what is fetched goes only where nothing was written. A write takes its range out of `missing`
/// before it touches the file, and what is fetched claims what is still missing under the same lock.
struct Partial: Sendable {
    let source: ObjectAddress
    let etag: ETag
    /// Of the whole object; nil: the file was cut before an earlier mount ended.
    let sourceSize: UInt64?
    /// The object's bytes count below it.
    private(set) var length: UInt64
    private(set) var missing: RangeSet
    /// Being written by a fetch, without the lock.
    private(set) var filling = RangeSet()
    /// Writes under way into ranges that were missing.
    private(set) var claims = 0
    /// Written ranges that the journal has.
    private(set) var recorded = RangeSet()

    init(source: ObjectAddress, etag: ETag, length: UInt64, sourceSize: UInt64? = nil) {
        self.source = source
        self.etag = etag
        self.sourceSize = sourceSize
        self.length = length
        missing = RangeSet(0..<length)
    }

    /// No write and no fetch is about to change what is missing.
    var isQuiet: Bool { filling.isEmpty && claims == 0 }

    /// Everything is here; what is under way changes only bytes that were here before.
    var isComplete: Bool { missing.isEmpty && isQuiet }

    // MARK: Writes

    /// What a write takes over; given back when it fails.
    mutating func claim(_ range: Range<UInt64>) -> [Range<UInt64>] {
        let parts = missing.parts(of: range)
        for part in parts { missing.remove(part) }
        if !parts.isEmpty { claims += 1 }
        return parts
    }

    mutating func settle(_ parts: [Range<UInt64>], written: Bool) {
        if parts.isEmpty { return }
        claims -= 1
        if written { return }
        for part in parts where part.lowerBound < length {
            missing.insert(part.clamped(to: 0..<length))
        }
    }

    /// True: the journal does not have it yet.
    mutating func record(_ range: Range<UInt64>) -> Bool {
        if recorded.covers(range) { return false }
        recorded.insert(range)
        return true
    }

    /// From an earlier mount.
    mutating func restore(_ range: Range<UInt64>) {
        missing.remove(range)
        recorded.insert(range)
    }

    // MARK: Fetches

    /// What of fetched bytes is still wanted; `filled` follows.
    mutating func fill(_ range: Range<UInt64>) -> [Range<UInt64>] {
        let parts = missing.parts(of: range).filter { !filling.overlaps($0) }
        for part in parts { filling.insert(part) }
        return parts
    }

    mutating func filled(_ parts: [Range<UInt64>], succeeded: Bool) {
        for part in parts {
            filling.remove(part)
            if succeeded { missing.remove(part) }
        }
    }

    /// The next bytes to fetch for the whole file: missing ones with small gaps between them, at most
    /// `limit` bytes.
    func nextRun(from offset: UInt64 = 0, limit: UInt64) -> Range<UInt64>? {
        guard let first = missing.parts(of: offset..<max(offset, length)).first else { return nil }
        let most = first.lowerBound..<min(length, first.lowerBound + limit)
        var end = first.lowerBound
        for part in missing.parts(of: most) {
            if part.lowerBound > end, part.lowerBound - end > Self.gapMax { break }
            end = part.upperBound
        }
        return first.lowerBound..<end
    }

    /// Fetching so many bytes in vain costs less than another request.
    private static let gapMax: UInt64 = 1 << 20

    /// The file was cut: what lies beyond is nobody's any more.
    mutating func cut(to size: UInt64) {
        guard size < length else { return }
        missing.remove(size..<length)
        length = size
    }
}
