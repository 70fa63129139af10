import CRGWFuse
import RGWBase
import RGWVFS

/// What every request needs, as libfuse's userdata: the filesystem, and the libfuse session itself.
///
/// Owns the session: it is freed with the last reference. Each request that waits for its answer
/// holds one, so a late answer from any thread still finds the session it belongs to.
// SAFETY: `session` and `tellsPrivileges` are set once each, by the thread that creates and mounts
// the session and before libfuse can call; after that nothing here changes, and libfuse's session
// functions used elsewhere may be called by any thread.
@safe final class FuseContext: @unchecked Sendable {
    let fileSystem: any FileSystemOperations
    let meter: FuseMeter
    let buffers = AnswerBuffers()
    let readAheadBytes: Int
    /// Called while INIT is answered; requests made from now on are served.
    let onReady: @Sendable () -> Void
    private(set) var session: OpaquePointer?
    /// Requests say who may not keep set-ID bits. Set by `mount`, before the kernel's INIT is read.
    private(set) var tellsPrivileges = false

    init(
        fileSystem: any FileSystemOperations, meter: FuseMeter, readAheadBytes: Int,
        onReady: @escaping @Sendable () -> Void
    ) {
        self.fileSystem = fileSystem
        self.meter = meter
        self.readAheadBytes = readAheadBytes
        self.onReady = onReady
    }

    /// Creates libfuse's session; false when libfuse refuses the arguments.
    func open(arguments: [String]) -> Bool {
        // SAFETY: the session pointer is looked at, not followed.
        unsafe precondition(session == nil, "one context has one session")
        var operations = FuseOperations.table()
        // SAFETY: libfuse copies the table and the strings during the call. The userdata is this
        // object, which outlives the session because it frees it.
        unsafe withArgumentVector(arguments) { vector in
            unsafe session = CRGWFuse_session(
                Int32(arguments.count), vector, &operations,
                Unmanaged.passUnretained(self).toOpaque())
        }
        return unsafe session != nil
    }

    deinit {
        // SAFETY: nobody else has a reference, so no loop runs and no request waits.
        if let session = unsafe session { unsafe fuse_session_destroy(session) }
    }

    /// `words` as C has them: an array of pointers to strings, with a null pointer after the last.
    private func withArgumentVector(
        _ words: [String],
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Void
    ) {
        var text: [CChar] = []
        var starts: [Int] = []
        for word in words {
            starts.append(text.count)
            text += word.utf8CString
        }
        // SAFETY: the pointers into `text` are used only while it is kept in place.
        unsafe text.withUnsafeMutableBufferPointer { text in
            guard let base = text.baseAddress else { return }
            var vector = unsafe starts.map { unsafe Optional(base + $0) } + [nil]
            unsafe vector.withUnsafeMutableBufferPointer {
                if let start = $0.baseAddress { unsafe body(start) }
            }
        }
    }
}

// SAFETY, all of them: the session exists from `open` to `deinit`, and libfuse lets any thread
// call these.
extension FuseContext {
    /// 0 or a negative errno. Source: libfuse, fuse_session_mount.
    func mount(_ path: String) -> Int32 {
        var tells: Int32 = 0
        let result = unsafe withSession { unsafe CRGWFuse_mount($0, path, &tells) }
        tellsPrivileges = tells != 0
        return result
    }

    /// Drops what the kernel remembers of a file's attributes. It takes no lock for that that a
    /// request could hold (no pages are named), so a thread that serves one may do it too; in front
    /// of its answer, so that whoever waits for that sees them.
    /// Source: Linux, fs/fuse/inode.c, fuse_reverse_inval_inode.
    func invalidateAttributes(of inode: InodeNumber) {
        // The kernel may not know the file (ENOENT): as good.
        _ = unsafe withSession {
            unsafe fuse_lowlevel_notify_inval_inode($0, inode.value, -1, 0)
        }
    }

    /// Serves until the end; 0 or a negative errno. Source: libfuse, fuse_session_loop_mt.
    func loop(threadsMax: Int) -> Int32 {
        unsafe withSession { unsafe CRGWFuse_loop($0, UInt32(clamping: threadsMax)) }
    }

    /// Marks the session as ended; threads that wait for a request do not notice by themselves.
    func exit() { unsafe withSession { unsafe fuse_session_exit($0) } }

    func withSession<Result>(_ body: (OpaquePointer) -> Result) -> Result {
        guard let session = unsafe session else { preconditionFailure("no session yet") }
        return unsafe body(session)
    }
}
