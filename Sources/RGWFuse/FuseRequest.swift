import CRGWFuse
import Glibc
import RGWBase
import RGWVFS

/// C's view of a request as values.
enum FuseRequest {
    /// Runs `body` with the session's context and the duty to answer.
    // SAFETY: libfuse passes a request that is alive until answered, and the userdata it was
    // created with; the context outlives every call of its session, so no reference is counted
    // here.
    static func serve(
        _ request: fuse_req_t?, _ operation: FuseOperation,
        _ body: (FuseContext, consuming FuseReply) -> Void
    ) {
        guard let request = unsafe request, let userdata = unsafe fuse_req_userdata(request) else {
            preconditionFailure("libfuse called without a request")
        }
        unsafe Unmanaged<FuseContext>.fromOpaque(userdata)._withUnsafeGuaranteedRef {
            unsafe body($0, FuseReply(request, operation))
        }
    }

    /// Like `serve`, for a request with a name; one that cannot be a name is answered at once.
    static func serve(
        _ request: fuse_req_t?, _ operation: FuseOperation, _ name: UnsafePointer<CChar>?,
        _ body: (FuseContext, EntryName, consuming FuseReply) -> Void
    ) {
        // SAFETY: libfuse's request and name are valid during the call; the name is copied.
        unsafe serve(request, operation) { context, reply in
            do throws(EntryName.Invalid) {
                body(context, try EntryName(unsafe bytes(name)), reply)
            } catch {
                reply.fail(error.asFileSystemError)
            }
        }
    }

    /// The bytes of a C string, without its end.
    static func bytes(_ string: UnsafePointer<CChar>?) -> [UInt8] {
        // SAFETY: libfuse's strings end with NUL and live as long as the request's buffer.
        guard let string = unsafe string else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: string, count: strlen(string)))
    }

    static func caller(_ request: fuse_req_t?) -> Caller {
        // SAFETY: the context lives as long as the request, which is not answered yet.
        guard let context = unsafe fuse_req_ctx(request) else {
            return Caller(uid: 0, gid: 0, umask: 0)
        }
        return unsafe Caller(
            uid: context.pointee.uid, gid: context.pointee.gid, umask: context.pointee.umask)
    }

    static func handle(_ info: UnsafeMutablePointer<fuse_file_info>?) -> HandleID {
        // SAFETY: libfuse passes the structure with every request on an open file.
        guard let info = unsafe info else { preconditionFailure("no handle with the request") }
        return unsafe HandleID(info.pointee.fh)
    }

    /// Where a write comes from. Source: linux/fuse.h, FUSE_WRITE_CACHE; open(2).
    static func origin(_ info: UnsafeMutablePointer<fuse_file_info>?) -> WriteOrigin {
        // SAFETY: as above.
        guard let info = unsafe info else { preconditionFailure("no file with the request") }
        var origin = WriteOrigin()
        if unsafe info.pointee.writepage != 0 { origin.insert(.pages) }
        if unsafe info.pointee.flags & O_APPEND != 0 { origin.insert(.append) }
        if unsafe CRGWFuse_is_direct(info.pointee.flags) != 0 { origin.insert(.direct) }
        return origin
    }

    /// Whoever opens or writes may not keep the file's set-ID bits.
    static func drops(_ info: UnsafeMutablePointer<fuse_file_info>?) -> Bool {
        // SAFETY: as above.
        guard let info = unsafe info else { return false }
        return unsafe CRGWFuse_drops(info) != 0
    }

    /// open(2)'s flags.
    static func flags(_ info: UnsafeMutablePointer<fuse_file_info>?) -> Int32 {
        // SAFETY: as above, for open and create.
        guard let info = unsafe info else { preconditionFailure("no flags with the request") }
        return unsafe info.pointee.flags
    }
}
