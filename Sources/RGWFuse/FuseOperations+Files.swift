import CRGWFuse
import RGWBase
import RGWVFS

// Open files.
// SAFETY, all of them: libfuse's arguments are valid during the call, and what outlives it is
// copied.
extension FuseOperations {
    /// An answer without attributes leaves the kernel with the mode it knows: who executed the file
    /// would get rights that it has lost, and statx(2) would show them.
    static func addFiles(_ table: inout fuse_lowlevel_ops) {
        unsafe table.open = { request, inode, info in
            unsafe FuseRequest.serve(request, .open) { context, reply in
                let inode = InodeNumber(inode)
                let drops = unsafe FuseRequest.drops(info)
                let loses = drops && context.fileSystem.hasPrivileges(inode)
                context.fileSystem.open(
                    inode, OpenFlags(unsafe FuseRequest.flags(info), dropsPrivileges: drops),
                    reply.promise(context) {
                        if loses { $2.invalidateAttributes(of: inode) }
                        FuseAnswers.open($0, $1, $2, inode)
                    })
            }
        }
        unsafe table.create = { request, parent, name, mode, info in
            unsafe FuseRequest.serve(request, .create, name) { context, name, reply in
                context.fileSystem.create(
                    InodeNumber(parent), name, permissions: mode & 0o7777,
                    OpenFlags(unsafe FuseRequest.flags(info)), unsafe FuseRequest.caller(request),
                    reply.promise(context, FuseAnswers.create))
            }
        }
        unsafe table.read = { request, inode, count, offset, info in
            unsafe FuseRequest.serve(request, .read) { context, reply in
                context.fileSystem.read(
                    InodeNumber(inode), unsafe FuseRequest.handle(info), offset: UInt64(offset),
                    count: count,
                    reply.promise(context, FuseAnswers.read))
            }
        }
        unsafe table.write = { request, inode, bytes, count, offset, info in
            unsafe FuseRequest.serve(request, .write) { context, reply in
                if unsafe FuseRequest.drops(info),
                    context.fileSystem.dropPrivileges(InodeNumber(inode))
                {
                    context.invalidateAttributes(of: InodeNumber(inode))
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
            unsafe FuseRequest.serve(request, .fallocate) { context, reply in
                guard let allocation = Allocation(mode) else { return reply.fail(.notSupported) }
                guard offset >= 0, length > 0 else { return reply.fail(.invalidArgument) }
                let (end, isTooFar) = offset.addingReportingOverflow(length)
                guard !isTooFar else { return reply.fail(.tooLarge) }
                let inode = InodeNumber(inode)
                let caller = unsafe FuseRequest.caller(request)
                let loses = caller.uid != 0 && context.fileSystem.hasPrivileges(inode)
                context.fileSystem.allocate(
                    inode, unsafe FuseRequest.handle(info), UInt64(offset)..<UInt64(end),
                    allocation, caller,
                    reply.promise(context) { reply, _, context in
                        if loses { context.invalidateAttributes(of: inode) }
                        reply.done()
                    })
            }
        }
        unsafe table.copy_file_range = {
            request, inode, offset, info, target, targetOffset, targetInfo, count, flags in
            unsafe FuseRequest.serve(request, .copyFileRange) { context, reply in
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
                if unsafe FuseRequest.caller(request).uid != 0,
                    context.fileSystem.hasPrivileges(InodeNumber(target))
                {
                    // The kernel writes instead, and says with each write that they go.
                    return reply.fail(.notSupported)
                }
                context.fileSystem.copyRange(
                    range,
                    reply.promise(context) { reply, count, _ in reply.written(Int(count)) })
            }
        }
        unsafe table.lseek = { request, inode, offset, whence, info in
            unsafe FuseRequest.serve(request, .lseek) { context, reply in
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
            unsafe FuseRequest.serve(request, .flush) { context, reply in
                context.fileSystem.flush(
                    InodeNumber(inode), unsafe FuseRequest.handle(info),
                    reply.promise(context, FuseAnswers.done))
            }
        }
        unsafe table.fsync = { request, inode, dataOnly, info in
            unsafe FuseRequest.serve(request, .fsync) { context, reply in
                context.fileSystem.fsync(
                    InodeNumber(inode), unsafe FuseRequest.handle(info), dataOnly: dataOnly != 0,
                    reply.promise(context, FuseAnswers.done))
            }
        }
        unsafe table.release = { request, inode, info in
            unsafe FuseRequest.serve(request, .release) { context, reply in
                context.fileSystem.release(
                    InodeNumber(inode), unsafe FuseRequest.handle(info),
                    reply.promise(context, FuseAnswers.done))
            }
        }
    }
}
