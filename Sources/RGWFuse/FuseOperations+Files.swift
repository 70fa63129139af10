import CRGWFuse
import RGWBase
import RGWVFS

// Open files.
// SAFETY, all of them: libfuse's arguments are valid during the call, and what outlives it is
// copied.
extension FuseOperations {
    static func addFiles(_ table: inout fuse_lowlevel_ops) {
        unsafe table.open = { request, inode, info in
            unsafe FuseRequest.serve(request) { context, reply in
                let inode = InodeNumber(inode)
                context.fileSystem.open(
                    inode, OpenFlags(unsafe FuseRequest.flags(info)),
                    reply.promise(context) { FuseAnswers.open($0, $1, $2, inode) })
            }
        }
        unsafe table.create = { request, parent, name, mode, info in
            unsafe FuseRequest.serve(request, name) { context, name, reply in
                context.fileSystem.create(
                    InodeNumber(parent), name, permissions: mode & 0o7777,
                    OpenFlags(unsafe FuseRequest.flags(info)), unsafe FuseRequest.caller(request),
                    reply.promise(context, FuseAnswers.create))
            }
        }
        unsafe table.read = { request, inode, count, offset, info in
            unsafe FuseRequest.serve(request) { context, reply in
                context.fileSystem.read(
                    InodeNumber(inode), unsafe FuseRequest.handle(info), offset: UInt64(offset),
                    count: count,
                    reply.promise(context, FuseAnswers.read))
            }
        }
        unsafe table.write = { request, inode, bytes, count, offset, info in
            unsafe FuseRequest.serve(request) { context, reply in
                // The buffer is the receiving thread's own, and the Span cannot leave the call.
                let bytes = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
                    .bindMemory(to: UInt8.self)
                context.fileSystem.write(
                    InodeNumber(inode), unsafe FuseRequest.handle(info), offset: UInt64(offset),
                    bytes: unsafe bytes.span, reply.promise(context, FuseAnswers.written))
            }
        }
        addCompletion(&table)
    }

    private static func addCompletion(_ table: inout fuse_lowlevel_ops) {
        unsafe table.flush = { request, inode, info in
            unsafe FuseRequest.serve(request) { context, reply in
                context.fileSystem.flush(
                    InodeNumber(inode), unsafe FuseRequest.handle(info),
                    reply.promise(context, FuseAnswers.done))
            }
        }
        unsafe table.fsync = { request, inode, dataOnly, info in
            unsafe FuseRequest.serve(request) { context, reply in
                context.fileSystem.fsync(
                    InodeNumber(inode), unsafe FuseRequest.handle(info), dataOnly: dataOnly != 0,
                    reply.promise(context, FuseAnswers.done))
            }
        }
        unsafe table.release = { request, inode, info in
            unsafe FuseRequest.serve(request) { context, reply in
                context.fileSystem.release(
                    InodeNumber(inode), unsafe FuseRequest.handle(info),
                    reply.promise(context, FuseAnswers.done))
            }
        }
    }
}
