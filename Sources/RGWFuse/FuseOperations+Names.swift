import CRGWFuse
import RGWBase
import RGWVFS

// Operations on names.
// SAFETY, all of them: libfuse's arguments are valid during the call, and what outlives it is
// copied.
extension FuseOperations {
    static func addNames(_ table: inout fuse_lowlevel_ops) {
        unsafe table.lookup = { request, parent, name in
            unsafe FuseRequest.serve(request, .lookup, name) { context, name, reply in
                context.fileSystem.lookup(
                    InodeNumber(parent), name, reply.promise(context, FuseAnswers.entry))
            }
        }
        unsafe table.forget = { request, inode, count in
            unsafe FuseRequest.serve(request, .forget) { context, reply in
                context.fileSystem.forget(InodeNumber(inode), count: count)
                reply.none()
            }
        }
        unsafe table.forget_multi = { request, count, forgets in
            unsafe FuseRequest.serve(request, .forgetMulti) { context, reply in
                let forgets = unsafe UnsafeBufferPointer(start: forgets, count: count)
                for index in 0..<count {
                    let forget = unsafe forgets[index]
                    context.fileSystem.forget(InodeNumber(forget.ino), count: forget.nlookup)
                }
                reply.none()
            }
        }
        addMakers(&table)
        addRemovers(&table)
    }

    private static func addMakers(_ table: inout fuse_lowlevel_ops) {
        unsafe table.mknod = { request, parent, name, mode, rdev in
            unsafe FuseRequest.serve(request, .mknod, name) { context, name, reply in
                guard let kind = FileKind(mode: mode) else { return reply.fail(.invalidArgument) }
                context.fileSystem.mknod(
                    InodeNumber(parent), name, kind: kind, permissions: mode & 0o7777,
                    rdev: UInt64(rdev),
                    unsafe FuseRequest.caller(request), reply.promise(context, FuseAnswers.entry))
            }
        }
        unsafe table.mkdir = { request, parent, name, mode in
            unsafe FuseRequest.serve(request, .mkdir, name) { context, name, reply in
                context.fileSystem.mkdir(
                    InodeNumber(parent), name, permissions: mode & 0o7777,
                    unsafe FuseRequest.caller(request), reply.promise(context, FuseAnswers.entry))
            }
        }
        unsafe table.symlink = { request, target, parent, name in
            unsafe FuseRequest.serve(request, .symlink, name) { context, name, reply in
                context.fileSystem.symlink(
                    InodeNumber(parent), name, target: unsafe FuseRequest.bytes(target),
                    unsafe FuseRequest.caller(request), reply.promise(context, FuseAnswers.entry))
            }
        }
        // An object has one key, so a file has one name.
        unsafe table.link = { request, _, _, _ in
            // Source of the number: link(2), of file systems that do not support hard links.
            unsafe FuseRequest.serve(request, .link) { $1.fail(.notPermitted) }
        }
    }

    private static func addRemovers(_ table: inout fuse_lowlevel_ops) {
        unsafe table.unlink = { request, parent, name in
            unsafe FuseRequest.serve(request, .unlink, name) { context, name, reply in
                context.fileSystem.unlink(
                    InodeNumber(parent), name, reply.promise(context, FuseAnswers.done))
            }
        }
        unsafe table.rmdir = { request, parent, name in
            unsafe FuseRequest.serve(request, .rmdir, name) { context, name, reply in
                context.fileSystem.rmdir(
                    InodeNumber(parent), name, reply.promise(context, FuseAnswers.done))
            }
        }
        unsafe table.rename = { request, parent, name, newParent, newName, flags in
            unsafe FuseRequest.serve(request, .rename, name) { context, name, reply in
                guard let mode = RenameMode(flags) else { return reply.fail(.invalidArgument) }
                do throws(EntryName.Invalid) {
                    context.fileSystem.rename(
                        InodeNumber(parent), name, to: InodeNumber(newParent),
                        try EntryName(unsafe FuseRequest.bytes(newName)), mode,
                        reply.promise(context, FuseAnswers.done))
                } catch {
                    reply.fail(error.asFileSystemError)
                }
            }
        }
    }
}
