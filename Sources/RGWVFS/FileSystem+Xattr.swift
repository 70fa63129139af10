package import RGWBase
import RGWObject
import RGWSpool

/// Extended attributes: the mount's own state under `user.rgwfs.`, and what programs keep with files.
extension FileSystem {
    /// The mount's own names; nothing of them is kept in the bucket.
    private static let ownPrefix = "user.rgwfs."

    package func getxattr(
        _ inode: InodeNumber, _ name: [UInt8], _ reply: consuming Reply<[UInt8]>
    ) {
        guard name.starts(with: Self.ownPrefix.utf8) else {
            return userAttribute(inode, name, reply)
        }
        let text = String(decoding: name, as: UTF8.self)
        let (now, time) = (clock.now(), clock.wallTime())
        let value: String? = withState { state in
            state.stateAttribute(inode, String(text.dropFirst(11)), now: now, time: time)
        }
        guard let value else { return reply.fail(.noAttribute) }
        reply.succeed(Array(value.utf8))
    }

    package func listxattr(
        _ inode: InodeNumber, _ caller: Caller, _ reply: consuming Reply<[[UInt8]]>
    ) {
        userAttributeNames(inode, isPrivileged: caller.uid == 0, reply)
    }

    package func setxattr(
        _ inode: InodeNumber, _ name: [UInt8], value: [UInt8], create: Bool, replace: Bool,
        _ reply: consuming Reply<Void>
    ) {
        guard !name.starts(with: Self.ownPrefix.utf8) else { return reply.fail(.notPermitted) }
        setUserAttribute(inode, name, value, create: create, replace: replace, reply)
    }

    package func removexattr(
        _ inode: InodeNumber, _ name: [UInt8], _ reply: consuming Reply<Void>
    ) {
        guard !name.starts(with: Self.ownPrefix.utf8) else { return reply.fail(.notPermitted) }
        removeUserAttribute(inode, name, reply)
    }
}
