import RGWBase
import RGWObject

/// Extended attributes that programs set: `user.`, `trusted.` and `security.`, kept with the object.
///
/// Who may do what is the kernel's part (attr(7)); it also refuses `user.` on anything but files and
/// directories, names over 255 bytes and values over 64 KiB.
extension FileSystem {
    func userAttribute(
        _ inode: InodeNumber, _ name: [UInt8], _ reply: consuming Reply<[UInt8]>
    ) {
        perform(reply) { [self] state, moment throws(FileSystemError) in
            if AttributeSpace(name) == .refused { throw .notSupported }
            if state.isTaken(inode) { throw .stale }
            // The kernel asks for this one before writes and executions: what is known is enough.
            let isCapability = name == AttributeSpace.capability
            let need =
                isCapability && state.hasHeard(of: inode)
                ? nil : state.attributeNeed(inode, now: moment.now, since: moment.since)
            if let need {
                // `ls -ld` of a mount asks: like its attributes, what is known is shown.
                guard inode == .root else { return .need(need) }
                state.actions.append { [self] in fetch(need) { _ in } }
            }
            guard let value = try state.extended(inode)?[name] else { throw .noAttribute }
            return .done(value)
        }
    }

    /// `isPrivileged`: the caller sees `trusted.` names too. Source: attr(7).
    func userAttributeNames(
        _ inode: InodeNumber, isPrivileged: Bool, _ reply: consuming Reply<[[UInt8]]>
    ) {
        perform(reply) { [self] state, moment throws(FileSystemError) in
            if state.isTaken(inode) { throw .stale }
            if let need = state.changeNeed(inode, now: moment.now, since: moment.since) {
                // `ls -ld` asks for these too (coreutils since 9.5).
                guard inode == .root, state.hasHeard(of: .root) else { return .need(need) }
                state.actions.append { [self] in fetch(need) { _ in } }
            }
            let names = try state.extended(inode)?.names ?? []
            return .done(names.filter { isPrivileged || AttributeSpace($0) != .trusted })
        }
    }

    func setUserAttribute(
        _ inode: InodeNumber, _ name: [UInt8], _ value: [UInt8], create: Bool, replace: Bool,
        _ reply: consuming Reply<Void>
    ) {
        if Base64Text.encodedLength(value.count) > HeaderRoom.bytesMax {
            return reply.fail(.attributeTooLarge)
        }
        changeExtended(inode, name, reply) { attributes throws(FileSystemError) in
            if create, attributes[name] != nil { throw .exists }
            if replace, attributes[name] == nil { throw .noAttribute }
            attributes[name] = value
        }
    }

    func removeUserAttribute(
        _ inode: InodeNumber, _ name: [UInt8], _ reply: consuming Reply<Void>
    ) {
        changeExtended(inode, name, reply) { attributes throws(FileSystemError) in
            if attributes[name] == nil { throw .noAttribute }
            attributes[name] = nil
        }
    }

    private func changeExtended(
        _ inode: InodeNumber, _ name: [UInt8], _ reply: consuming Reply<Void>,
        _ change:
            @escaping @Sendable (inout ExtendedAttributes) throws(FileSystemError) -> Void
    ) {
        let told = stored(.attributes, reply) { state in
            state.address(inode).map { [$0] } ?? []
        }
        perform(told, undoes: true) { state, moment throws(FileSystemError) in
            if AttributeSpace(name) == .refused { throw .notSupported }
            if state.isTaken(inode) { throw .stale }
            if state.isReadOnly { throw .readOnly }
            // The root of all buckets is no object that could keep them.
            if inode == .root, state.layout.isAllBuckets { throw .notPermitted }
            if let need = state.changeNeed(inode, now: moment.now, since: moment.since) {
                return .need(need)
            }
            try state.refuseManifest(inode)
            // What cannot be read must not be written over.
            guard let old = try state.extended(inode) else { throw .inputOutput }
            var new = old
            try change(&new)
            if new != old { try state.setExtended(inode, new, moment) }
            return .done(())
        }
        pump()
    }
}

/// Which part of the attributes' name space a name is in.
enum AttributeSpace: Equatable {
    case kept
    /// Seen only with CAP_SYS_ADMIN.
    case trusted
    /// POSIX access control lists: the kernel would not enforce them here. Source: acl(5).
    case refused

    static let capability = Array("security.capability".utf8)

    init(_ name: [UInt8]) {
        if name.starts(with: "trusted.".utf8) {
            self = .trusted
        } else if name.starts(with: "user.".utf8) || name.starts(with: "security.".utf8) {
            self = .kept
        } else {
            self = .refused
        }
    }
}

extension VolumeState {
    /// HEAD was answered once, or the file was made here; a mount that does not ask for attributes knows
    /// of none.
    func hasHeard(of inode: InodeNumber) -> Bool {
        configuration.attributeSource == .list || inodes.look(inode, { $0.attributesKnown }) == true
            || hasOwnChanges(inode)
    }

    /// nil: the header is there and not readable.
    func extended(_ inode: InodeNumber) throws(FileSystemError) -> ExtendedAttributes? {
        guard let user = inodes.look(inode, { $0.metadata.user }) else { throw .stale }
        return ExtendedAttributes(header: user[ExtendedAttributes.header])
    }

    mutating func setExtended(
        _ inode: InodeNumber, _ attributes: ExtendedAttributes, _ moment: FileSystem.Moment
    ) throws(FileSystemError) {
        guard let known = inodes[inode] else { throw .stale }
        var metadata = known.metadata
        metadata.user[ExtendedAttributes.header] = attributes.text
        let old = known.metadata.user[ExtendedAttributes.header]?.utf8.count ?? 0
        let new = attributes.text?.utf8.count ?? 0
        if new > old {
            let key = address(inode)?.key.bytes ?? []
            let merged = PosixMetadata.merge(known.attributes, into: metadata)
            if !HeaderRoom.fits(merged, key: key) { throw .spoolFull }
        }
        inodes[inode]?.metadata = metadata
        inodes[inode]?.attributes.ctime = moment.time
        noteOwn(inode, .extended)
        if inode == .root || known.link != nil {
            wantMetadata(inode, now: moment.now, time: moment.time)
        }
    }
}
