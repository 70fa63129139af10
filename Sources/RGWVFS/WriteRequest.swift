import RGWBase
import RGWSpool

/// Where a write comes from; empty: a program, through the kernel's pages.
package struct WriteOrigin: OptionSet, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }
    /// O_APPEND, as it is set now.
    package static let append = WriteOrigin(rawValue: 1)
    /// O_DIRECT, past the pages: what they hold is not what is written.
    package static let direct = WriteOrigin(rawValue: 2)
    /// The pages themselves, changed through a mapping: the other flags have no part in it.
    package static let pages = WriteOrigin(rawValue: 4)
}

/// One write(2) as it goes through the filesystem.
struct WriteRequest: Sendable {
    let inode: InodeNumber
    let handle: HandleID
    /// Where the kernel puts it, and then where it is put: see VolumeState.place(_:).
    var offset: UInt64
    let count: Int
    var origin = WriteOrigin()
    /// How often an append has found that the object was replaced.
    var rebases = 0

    var end: UInt64 { offset + UInt64(count) }
    var range: Range<UInt64> { offset..<end }

    /// What is to happen with it next.
    enum Start: Sendable {
        case failed(FileSystemError)
        /// Its bytes may go into this file now, at this offset; `claimed`: what of its range was missing there.
        case ready(any SpoolFile, at: UInt64, claimed: [Range<UInt64>])
        case needs(Need)
        /// No room yet: decided again when uploads have made some.
        case parked

        var isFull: Bool {
            if case .failed(.spoolFull) = self { true } else { false }
        }
    }
}
