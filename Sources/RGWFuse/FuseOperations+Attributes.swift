import CRGWFuse
import Glibc
import RGWBase
import RGWVFS

// Attributes, symlink targets and extended attributes.
// SAFETY, all of them: libfuse's arguments are valid during the call, and what outlives it is
// copied.
extension FuseOperations {
    static func addAttributes(_ table: inout fuse_lowlevel_ops) {
        unsafe table.getattr = { request, inode, info in
            unsafe FuseRequest.serve(request, .getattr) { context, reply in
                context.fileSystem.getattr(
                    InodeNumber(inode), by: unsafe info.map { unsafe HandleID($0.pointee.fh) },
                    reply.promise(context, FuseAnswers.attributes))
            }
        }
        unsafe table.setattr = { request, inode, attributes, set, info in
            unsafe FuseRequest.serve(request, .setattr) { context, reply in
                guard let attributes = unsafe attributes else { return reply.fail(.inputOutput) }
                let changes = AttributeChanges(
                    unsafe attributes.pointee, set: set, hasHandle: unsafe info != nil)
                context.fileSystem.setattr(
                    InodeNumber(inode), changes, unsafe FuseRequest.caller(request),
                    reply.promise(context, FuseAnswers.attributes))
            }
        }
        unsafe table.readlink = { request, inode in
            unsafe FuseRequest.serve(request, .readlink) { context, reply in
                context.fileSystem.readlink(
                    InodeNumber(inode), reply.promise(context, FuseAnswers.target))
            }
        }
        addExtended(&table)
    }

    private static func addExtended(_ table: inout fuse_lowlevel_ops) {
        unsafe table.getxattr = { request, inode, name, room in
            unsafe FuseRequest.serve(request, .getxattr) { context, reply in
                context.fileSystem.getxattr(
                    InodeNumber(inode), unsafe FuseRequest.bytes(name),
                    reply.promise(context) { reply, value, _ in
                        reply.attribute(value, room: room)
                    })
            }
        }
        unsafe table.listxattr = { request, inode, room in
            unsafe FuseRequest.serve(request, .listxattr) { context, reply in
                context.fileSystem.listxattr(
                    InodeNumber(inode), unsafe FuseRequest.caller(request),
                    reply.promise(context) { reply, names, _ in
                        // Each name ends with NUL. Source: listxattr(2).
                        reply.attribute(names.flatMap { $0 + [0] }, room: room)
                    })
            }
        }
        unsafe table.setxattr = { request, inode, name, value, size, flags in
            unsafe FuseRequest.serve(request, .setxattr) { context, reply in
                let create = Int(flags) & Int(CRGWFuse_xattrCreate) != 0
                let replace = Int(flags) & Int(CRGWFuse_xattrReplace) != 0
                context.fileSystem.setxattr(
                    InodeNumber(inode), unsafe FuseRequest.bytes(name),
                    value: unsafe Array(UnsafeRawBufferPointer(start: value, count: size)),
                    create: create, replace: replace, reply.promise(context, FuseAnswers.done))
            }
        }
        unsafe table.removexattr = { request, inode, name in
            unsafe FuseRequest.serve(request, .removexattr) { context, reply in
                context.fileSystem.removexattr(
                    InodeNumber(inode), unsafe FuseRequest.bytes(name),
                    reply.promise(context, FuseAnswers.done))
            }
        }
    }
}
