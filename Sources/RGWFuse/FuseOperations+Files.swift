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
                let flags = unsafe FuseRequest.flags(info)
                if flags & Int32(CRGWFuse_dropPrivileges) != 0 {
                    context.fileSystem.dropPrivileges(InodeNumber(inode))
                }
                // The buffer is the receiving thread's own, and the Span cannot leave the call.
                let bytes = unsafe UnsafeRawBufferPointer(start: bytes, count: count)
                    .bindMemory(to: UInt8.self)
                context.fileSystem.write(
                    InodeNumber(inode), unsafe FuseRequest.handle(info), offset: UInt64(offset),
                    bytes: unsafe bytes.span, unsafe FuseRequest.origin(info),
                    reply.promise(context, FuseAnswers.written))
            }
        }
        addRanges(&table)
        addCompletion(&table)
    }

    private static func addRanges(_ table: inout fuse_lowlevel_ops) {
        unsafe table.fallocate = { request, inode, mode, offset, length, info in
            unsafe FuseRequest.serve(request) { context, reply in
                guard let allocation = Allocation(mode) else { return reply.fail(.notSupported) }
                guard offset >= 0, length > 0 else { return reply.fail(.invalidArgument) }
                let (end, isTooFar) = offset.addingReportingOverflow(length)
                guard !isTooFar else { return reply.fail(.tooLarge) }
                context.fileSystem.allocate(
                    InodeNumber(inode), unsafe FuseRequest.handle(info),
                    UInt64(offset)..<UInt64(end), allocation, unsafe FuseRequest.caller(request),
                    reply.promise(context, FuseAnswers.done))
            }
        }
        unsafe table.copy_file_range = {
            request, inode, offset, info, target, targetOffset, targetInfo, count, flags in
            unsafe FuseRequest.serve(request) { context, reply in
                guard flags == 0, offset >= 0, targetOffset >= 0 else {
                    return reply.fail(.invalidArgument)
                }
                let range = FileSystem.CopyRange(
                    source: (
                        InodeNumber(inode), unsafe FuseRequest.handle(info), UInt64(offset)
                    ),
                    target: (
                        InodeNumber(target), unsafe FuseRequest.handle(targetInfo),
                        UInt64(targetOffset)
                    ), count: UInt64(count))
                context.fileSystem.copyRange(
                    range,
                    reply.promise(context) { reply, count, _ in reply.written(Int(count)) })
            }
        }
        unsafe table.lseek = { request, inode, offset, whence, info in
            unsafe FuseRequest.serve(request) { context, reply in
                let hole = Int(whence) == Int(CRGWFuse_seekHole)
                guard hole || Int(whence) == Int(CRGWFuse_seekData) else {
                    return reply.fail(.invalidArgument)
                }
                guard offset >= 0 else { return reply.fail(.noSuchOffset) }
                context.fileSystem.seek(
                    InodeNumber(inode), unsafe FuseRequest.handle(info), from: UInt64(offset),
                    hole: hole, reply.promise(context, FuseAnswers.position))
            }
        }
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
