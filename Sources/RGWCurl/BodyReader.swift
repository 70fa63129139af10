import CRGWCurl
import RGWObject

/// Reads pieces of a request's body.
enum BodyReader {
    /// Copies up to `count` bytes from `offset` of the body; the count, 0 at an early end of the
    /// file, or a negative errno. `count` fits into `buffer`, and into the body's announced length.
    static func read(
        _ body: ObjectBody, at offset: UInt64, count: Int, into buffer: inout MutableRawSpan
    ) -> Int {
        switch body {
        case .bytes(let bytes):
            let start = Int(offset)
            // SAFETY: `count` bytes are in both, as the caller promises; the array outlives the
            // copy.
            unsafe buffer.withUnsafeMutableBytes { target in
                unsafe bytes[start..<(start + count)].withUnsafeBytes { source in
                    unsafe target.copyMemory(from: source)
                }
            }
            return count
        case .file(let file, let start, _):
            // SAFETY: pread writes at most `count` bytes, which the buffer has.
            let got = unsafe buffer.withUnsafeMutableBytes { target in
                guard let base = target.baseAddress else { return 0 }
                return unsafe CRGWCurl_pread(
                    file.descriptor, base, count, Int64(clamping: start + offset))
            }
            if got > 0 { file.noteSent(got) }
            return got
        }
    }
}
