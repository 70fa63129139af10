/// What a mount says of itself through the extended attributes of its root.
package struct MountStatus: Equatable, Sendable {
    /// The attributes, numbers as decimal text; read with getxattr(2).
    package enum Attribute: String, Sendable, CaseIterable {
        case pending = "user.rgwfs.pending"
        case pendingBytes = "user.rgwfs.pending_bytes"
        case uploading = "user.rgwfs.uploading"
        case failed = "user.rgwfs.failed"
    }

    /// Changes that wait for their upload, those under way included.
    package var pending: UInt64
    package var pendingBytes: UInt64
    package var uploading: UInt64
    /// Changes that failed for good and wait for the user.
    package var failed: UInt64

    package init(pending: UInt64, pendingBytes: UInt64, uploading: UInt64, failed: UInt64) {
        self.pending = pending
        self.pendingBytes = pendingBytes
        self.uploading = uploading
        self.failed = failed
    }

    /// Nil when an attribute is missing or no number: the directory is no rgwfs mount.
    package init?(reading value: (Attribute) -> String?) {
        func number(_ attribute: Attribute) -> UInt64? { value(attribute).flatMap { UInt64($0) } }
        guard let pending = number(.pending), let bytes = number(.pendingBytes),
            let uploading = number(.uploading), let failed = number(.failed)
        else { return nil }
        self.init(pending: pending, pendingBytes: bytes, uploading: uploading, failed: failed)
    }

    package var isClean: Bool { pending == 0 && failed == 0 }

    /// `rgwfs status`: 0 everything is in the bucket, 1 something waits, 2 something is blocked.
    package var exitCode: Int32 { failed > 0 ? 2 : (pending > 0 ? 1 : 0) }

    package var summary: String {
        if isClean { return "clean: everything is in the bucket" }
        let waiting =
            "\(Self.files(pending)) (\(Self.size(pendingBytes))) waiting, \(uploading) uploading"
        return failed > 0 ? "blocked: \(failed) failed, \(waiting)" : "pending: \(waiting)"
    }

    package var json: String {
        let state = failed > 0 ? "blocked" : (pending > 0 ? "pending" : "clean")
        return "{\"state\":\"\(state)\",\"pending\":\(pending),\"pending_bytes\":\(pendingBytes),"
            + "\"uploading\":\(uploading),\"failed\":\(failed)}"
    }

    /// The progress line of an unmount on a terminal.
    package var progress: String {
        "\(Self.files(pending)) (\(Self.size(pendingBytes))) to upload"
    }

    /// What umount says when it could not wait for everything.
    package func leftover(spool: String?) -> String {
        let place = spool.map { Shown.text($0) } ?? "the spool"
        return "\(Self.files(pending)) (\(pendingBytes) bytes) still wait in \(place); "
            + "they upload at the next mount"
    }

    private static func files(_ count: UInt64) -> String {
        count == 1 ? "1 file" : "\(count) files"
    }

    /// Three digits or so: `1.4 GiB`.
    static func size(_ bytes: UInt64) -> String {
        var unit = 0
        var tenths = Double(bytes) * 10
        while tenths >= 10_240, unit < 5 {
            tenths /= 1024
            unit += 1
        }
        if unit == 0 { return "\(bytes) B" }
        let rounded = UInt64(tenths.rounded())
        return "\(rounded / 10).\(rounded % 10) \(["", "K", "M", "G", "T", "P"][unit])iB"
    }
}
