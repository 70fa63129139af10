import RGWBase
import RGWObject
import RGWSpool

/// Takes the bucket's answers in. Local changes always win over what a listing or HEAD says.
extension VolumeState {
    /// A whole directory (or, when `isComplete` is false, its first page) as the bucket has it.
    mutating func absorbListing(
        _ inode: InodeNumber, objects: [ListedObject], prefixes: [ObjectKey], isComplete: Bool,
        startedAt: Instant
    ) {
        guard let prefix = prefix(inode) else { return }
        lookAtRemoved(inode, shown: prefixes, prefix: prefix, now: startedAt)
        guard var directory = inodes[inode]?.directory else { return }
        let local = localNames(inode, prefix: prefix)
        var remote: [EntryName: BaseVersion?] = [:]
        var hidden = 0
        var marker: ListedObject?
        var shadowed: [EntryName: BaseVersion] = [:]
        for object in objects {
            if object.key.bytes == prefix.bytes {
                marker = object
            } else if prefix.bytes.isEmpty && object.key.bytes == [0x2F] {
                continue
            } else if let name = layout.entryName(object.key, prefixLength: prefix.bytes.count) {
                if local.removedFiles.contains(name),
                    local.known.contains(name) || !endsDeletion(inode, name, by: object.etag)
                {
                    continue
                }
                let version = BaseVersion(object)
                if directory.denied.contains(name, version, now: startedAt) { continue }
                remote[name] = .some(isOldMarker(inode, name, version) ? nil : version)
            } else {
                hidden += 1
            }
        }
        var shownDirectories: Set<EntryName> = []
        for key in prefixes {
            guard let name = layout.entryName(key, prefixLength: prefix.bytes.count) else {
                hidden += key.bytes == [0x2F] && prefix.bytes.isEmpty ? 0 : 1
                continue
            }
            if local.removedDirectories.contains(name) { continue }
            shownDirectories.insert(name)
            if directory.denied.contains(name, nil, now: startedAt) { continue }
            if case .some(.some(let object)) = remote[name] {
                hidden += 1
                if object.size == 0 { shadowed[name] = object }
            }
            remote[name] = .some(nil)
        }
        var lost: [EntryName] = []
        if isComplete {
            for name in directory.entries.keys
            where remote[name] == nil && !local.known.contains(name) {
                lost.append(name)
            }
        }
        directory.isLarge = !isComplete
        directory.listedAt = isComplete ? startedAt : nil
        directory.hidden = hidden
        if marker != nil { directory.hasMarker = true }
        directory.markerBytes = marker?.size ?? 0
        directory.shadowed = shadowed
        directory.deniedAt = nil
        directory.attributeMisses = 0
        directory.wasRead = false
        directory.askedFor = nil
        directory.listedMarker = marker.map { (BaseVersion($0), startedAt) }
        directory.attributesAskedTo = nil
        directory.numberAskedTo = nil
        directory.following = Following()
        directory.listsAhead = 0
        directory.order = []
        directory.numbered = []
        directory.absent = [:]
        directory.denied.forgetOld(now: startedAt)
        if isComplete { directory.denied.forgetDirectories(except: shownDirectories) }
        inodes[inode]?.directory = directory
        if let marker { noteMarker(inode, marker, at: startedAt) }
        for name in lost { lose(inode, name) }
        if isComplete {
            endRemoved(inode, shown: Set(remote.keys), local)
        }
        for (name, object) in remote where !local.known.contains(name) {
            absorbName(inode, name, object, at: startedAt)
        }
    }

    /// What a listing that was asked for `at` that time says of a name; nil: that it is a directory.
    mutating func absorbName(
        _ parent: InodeNumber, _ name: EntryName, _ object: BaseVersion?, at: Instant
    ) {
        switch inodes[parent]?.directory?[name] {
        case nil:
            let number = number(of: name, isDirectory: object == nil, in: parent)
            let listed = Directory.Listed(number: number, object: object, seenAt: at)
            inodes[parent]?.directory?[name] = .listed(listed)
        case .listed(let old):
            let isSame = (old.object == nil) == (object == nil)
            let number =
                isSame ? old.number : number(of: name, isDirectory: object == nil, in: parent)
            inodes[parent]?.directory?[name] = .listed(
                Directory.Listed(number: number, object: object, seenAt: at))
        case .inode(let child):
            guard let known = inodes[child] else { return }
            if known.isDirectory != (object == nil) {
                lose(parent, name)
                absorbName(parent, name, object, at: at)
            } else if configuration.attributeSource == .list {
                absorbListed(child, object, at: at)
            } else if let object, takesVouched(child, object, at: at) {
                return
            } else if let object, known.base?.etag.isSame(as: object.etag) != true {
                // Another version: its attributes must be read anew.
                inodes[child]?.distrust()
                inodes[child]?.attributesKnown = false
                noteAttributes(child)
            }
        }
    }

    /// Another client removed the name.
    mutating func lose(_ parent: InodeNumber, _ name: EntryName) {
        if case .inode(let child) = inodes[parent]?.directory?[name] { take(child) }
        inodes[parent]?.directory?[name] = nil
    }

    /// What a probe of one name found: an object, a directory, or nothing.
    mutating func absorbProbe(
        _ parent: InodeNumber, _ name: EntryName, object: BaseVersion?, head: ObjectHead? = nil,
        isDirectory: Bool, startedAt: Instant
    ) {
        guard let directory = inodes[parent]?.directory, !directory.isOld(name, askedAt: startedAt)
        else {
            return
        }
        if object == nil, !isDirectory { _ = endsByRemoval(parent, name) }
        let hidden = hides(parent, name)
        if hidden.file, hidden.directory { return }
        let isDenied = isDirectory && directory.denied.contains(name, nil, now: startedAt)
        if isDirectory, !hidden.directory, !isDenied {
            absorbName(parent, name, nil, at: startedAt)
        } else if let object, !hidden.file || endsDeletion(parent, name, by: object.etag) {
            absorbName(parent, name, object, at: startedAt)
            if let head, case .listed(let listed) = inodes[parent]?.directory?[name] {
                let child = promote(parent, name, listed, time: head.lastModified)
                absorbHead(child, head, startedAt: startedAt)
            }
        } else {
            lose(parent, name)
            if directory.absent.count > Self.absentMax { inodes[parent]?.directory?.absent = [:] }
            inodes[parent]?.directory?.absent[name] = startedAt
        }
    }

    /// Bounds the memory for names that were asked for and do not exist.
    private static let absentMax = 10_000

    /// What HEAD says of an object or a marker.
    mutating func absorbHead(_ inode: InodeNumber, _ head: ObjectHead, startedAt: Instant) {
        if isSettled(inode), !absorbSettled(inode, head.etag, startedAt: startedAt) { return }
        if isSettledCopy(inode) { endSettled(inode, by: head.etag) }
        guard let known = inodes[inode], !hasOwnChanges(inode) || isMoved(inode) else { return }
        if let address = address(inode), isMoved(inode), let base = known.base,
            !base.etag.isSame(as: head.etag), intents.uncopiedSource(address) != nil
        {
            // Another client changed it before it was copied.
            let version = BaseVersion(head)
            if intents.flights[address] == nil {
                sourceChanged(address, version, time: head.lastModified)
            }
        }
        if let link = known.link,
            inodes[link.parent]?.directory?.isOld(link.name, askedAt: startedAt) == true
        {
            if known.attributesKnown { inodes[inode]?.checkedAt = startedAt }
            return
        }
        var attributes = PosixMetadata.attributes(
            of: head, isMarker: known.isDirectory, defaults: defaults)
        if attributes.kind == .directory, !known.isDirectory {
            return absorbOldMarker(inode, head, attributes, startedAt: startedAt)
        }
        if let touched = known.directory?.touchedAt, attributes.ctime < touched {
            // Times never run backwards: the marker is not written for each name that comes or goes.
            attributes.mtime = max(attributes.mtime, touched)
            attributes.ctime = touched
        }
        if attributes.kind != known.attributes.kind, known.lookups > 0, let link = known.link {
            // A file of another kind is another file.
            inodes[inode]?.isMistaken = true
            take(inode)
            let listed = Directory.Listed(
                number: numbers.new(),
                object: BaseVersion(head),
                seenAt: startedAt)
            inodes[link.parent]?.directory?[link.name] = .listed(listed)
            return
        }
        let isSame = known.attributesKnown && known.base?.etag == head.etag
        if let base = known.base, !known.isDirectory, isOther(base, head, known) {
            inodes[inode]?.foreignVersion += 1
            reads.drop(inode)
            inodes[inode]?.symlinkTarget = nil
            dropOldCopy(inode)
        }
        if known.attributesKnown, attributes != known.attributes { noteAttributes(inode) }
        inodes[inode]?.ownChanges = []
        // LIST's time is finer.
        let version = BaseVersion(head)
        inodes[inode]?.base = known.base.map { $0.isSame(as: version) ? $0 : version } ?? version
        // The bytes of this version are here: a server that tells another size of it is mistaken.
        if isSame, known.dataID != nil { attributes.size = known.attributes.size }
        if attributes.kind == .regular { noteForeignSize(known, attributes.size) }
        inodes[inode]?.attributes = attributes
        if attributes.kind != known.attributes.kind, let parent = known.link?.parent {
            inodes[parent]?.directory?.shown = nil
        }
        inodes[inode]?.metadata = head.metadata
        markChecked(inode, at: startedAt, isSame: isSame)
        if known.isDirectory { inodes[inode]?.directory?.hasMarker = true }
    }

    /// The size of bytes that are here is theirs, whatever a server tells.
    private func isOther(_ base: BaseVersion, _ head: ObjectHead, _ known: Inode) -> Bool {
        known.dataID == nil
            ? !base.isSameVersion(as: BaseVersion(head)) : base.etag != head.etag
    }

    /// The directory has no marker but exists: defaults.
    mutating func absorbImplicit(_ inode: InodeNumber, startedAt: Instant) {
        guard let known = inodes[inode], !hasOwnChanges(inode) else { return }
        inodes[inode]?.base = nil
        inodes[inode]?.directory?.hasMarker = false
        markChecked(inode, at: startedAt, isSame: known.attributesKnown)
    }

    /// The object is gone.
    mutating func absorbAbsence(_ inode: InodeNumber, startedAt: Instant) {
        if let address = address(inode), isMoved(inode), intents.flights[address] == nil {
            // Removed under its old name before it was copied; or under the new one when it had been.
            guard intents.uncopiedSource(address) == nil else { return revertCopy(address) }
            if intents.mayDelete(address) { return recopy(address, now: startedAt) }
            dropIntent(address)
        }
        guard let link = inodes[inode]?.link,
            inodes[link.parent]?.directory?.isOld(link.name, askedAt: startedAt) != true
        else { return }
        if isSettled(inode), !endsByRemoval(inode) {
            return settleNow(inode, startedAt: startedAt)
        }
        if isLocal(inode) { return }
        let denied = inodes[inode].flatMap { $0.isDirectory ? nil : $0.base }
        if denied != nil || inodes[inode]?.isDirectory == true {
            inodes[link.parent]?.directory?.denied.note(link.name, denied, at: startedAt)
        }
        lose(link.parent, link.name)
        // It may have become a directory, or the listing is out of date altogether.
        inodes[link.parent]?.directory?.listedAt = nil
    }

    /// nfs(5): the time attributes are believed starts at its minimum and doubles while nothing changes.
    private mutating func markChecked(_ inode: InodeNumber, at: Instant, isSame: Bool) {
        renew(inode, at: at, isSame: isSame)
        inodes[inode]?.attributesKnown = true
    }

    mutating func renew(_ inode: InodeNumber, at: Instant, isSame: Bool) {
        guard let known = inodes[inode] else { return }
        let (low, high) =
            known.isDirectory
            ? (configuration.directoryAttributesMin, configuration.directoryAttributesMax)
            : (configuration.fileAttributesMin, configuration.fileAttributesMax)
        inodes[inode]?.lifetime = isSame ? min(high, max(low, known.lifetime * 2)) : low
        inodes[inode]?.checkedAt = at
    }

    /// A load of the directory's names begins or ends.
    mutating func beginLoad(_ directory: InodeNumber) { inodes[directory]?.directory?.loads += 1 }

    mutating func endLoad(_ directory: InodeNumber) {
        inodes[directory]?.directory?.loads -= 1
        if inodes[directory]?.directory?.loads == 0 {
            inodes[directory]?.directory?.settled = [:]
        }
    }

    /// A local change of this key reached the bucket: answers asked for earlier are old.
    mutating func markSettled(_ parent: InodeNumber, _ name: EntryName, now: Instant) {
        guard let loads = inodes[parent]?.directory?.loads, loads > 0 else { return }
        inodes[parent]?.directory?.settled[name] = now
    }
}
