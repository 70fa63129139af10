import RGWBase
import RGWSpool

/// One write(2) as it goes through the filesystem.
struct WriteRequest: Sendable {
    let inode: InodeNumber
    let handle: HandleID
    let offset: UInt64
    let count: Int

    var end: UInt64 { offset + UInt64(count) }
    var range: Range<UInt64> { offset..<end }

    /// What is to happen with it next.
    enum Start: Sendable {
        case failed(FileSystemError)
        /// Its bytes may go into this file now; `claimed`: what of its range was missing there.
        case ready(any SpoolFile, claimed: [Range<UInt64>])
        case needs(Need)
        /// No room yet: decided again when uploads have made some.
        case parked

        var isFull: Bool {
            if case .failed(.spoolFull) = self { true } else { false }
        }
    }
}
