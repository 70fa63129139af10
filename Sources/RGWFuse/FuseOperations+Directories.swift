import CRGWFuse
import RGWBase
import RGWVFS

// Open directories.
// SAFETY, all of them: libfuse's arguments are valid during the call.
extension FuseOperations {
    static func addDirectories(_ table: inout fuse_lowlevel_ops) {
        unsafe table.opendir = { request, inode, _ in
            unsafe FuseRequest.serve(request, .opendir) { context, reply in
                let inode = InodeNumber(inode)
                context.fileSystem.opendir(
                    inode, reply.promise(context) { FuseAnswers.opendir($0, $1, $2, inode) })
            }
        }
        unsafe table.readdir = { request, inode, size, offset, info in
            unsafe FuseOperations.read(request, inode, size, offset, info, plus: false)
        }
        unsafe table.readdirplus = { request, inode, size, offset, info in
            unsafe FuseOperations.read(request, inode, size, offset, info, plus: true)
        }
        unsafe table.releasedir = { request, inode, info in
            unsafe FuseRequest.serve(request, .releasedir) { context, reply in
                context.fileSystem.releasedir(
                    InodeNumber(inode), unsafe FuseRequest.handle(info),
                    reply.promise(context, FuseAnswers.done))
            }
        }
        unsafe table.fsyncdir = { request, inode, _, info in
            unsafe FuseRequest.serve(request, .fsyncdir) { context, reply in
                context.fileSystem.fsyncdir(
                    InodeNumber(inode), unsafe FuseRequest.handle(info),
                    reply.promise(context, FuseAnswers.done))
            }
        }
    }

    private static func read(
        _ request: fuse_req_t?, _ inode: fuse_ino_t, _ size: Int, _ offset: off_t,
        _ info: UnsafeMutablePointer<fuse_file_info>?, plus: Bool
    ) {
        unsafe FuseRequest.serve(request, .fsyncdir) { context, reply in
            let fixed = plus ? DirectoryBuffer.fixedBytesPlus : DirectoryBuffer.fixedBytes
            context.fileSystem.readdir(
                InodeNumber(inode), unsafe FuseRequest.handle(info),
                offset: UInt64(bitPattern: Int64(offset)),
                budget: DirectoryBudget(bytes: size, fixedBytes: fixed), plus: plus,
                reply.promise(context) { reply, entries, context in
                    FuseAnswers.directory(reply, entries, context, room: size, plus: plus)
                })
        }
    }
}
