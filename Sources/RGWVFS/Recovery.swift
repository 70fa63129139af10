import RGWBase
import RGWObject
import RGWSpool

/// Turns the journal of an earlier mount back into names, files and intents. Local and without network.
enum Recovery {
    struct Outcome {
        var files = 0
        var lost = 0
    }

    static func restore(
        _ contents: JournalContents, files: any SpoolFiles, afterPowerCut: Bool,
        into state: inout VolumeState, now: Instant, time: WallTime
    ) throws(SpoolError) -> Outcome {
        var outcome = Outcome()
        var nodes: [InodeNumber: NodeRecord] = [:]
        for node in contents.nodes { nodes[node.inode] = node }
        let onDisk = Set(try files.list())
        var claimed: Set<DataID> = []
        var replaced: Set<InodeNumber> = []
        var addresses: [InodeNumber: ObjectAddress] = [:]
        for intent in contents.intents {
            if let inode = intent.inode, addresses[inode] == nil {
                addresses[inode] = intent.address
            }
        }
        let wanted = Set(addresses.keys)
        for number in wanted { state.numbers.reserve(number) }
        let unchanged = Set(
            contents.intents.filter { intent in
                intent.hasUnchangedContent(intent.inode.flatMap { nodes[$0] })
            }.compactMap(\.inode))
        for node in contents.nodes {
            guard wanted.contains(node.inode) else {
                // Clean already: its bytes are in the bucket.
                for data in node.dataFiles {
                    claimed.insert(data)
                    state.discard(data)
                }
                state.journal.append(.removeNode(node.inode))
                continue
            }
            claimed.formUnion(node.dataFiles)
            if unchanged.contains(node.inode), let data = node.data {
                var row = node
                (row.data, row.sealed, row.replaced, row.isBroken) = (nil, nil, nil, false)
                nodes[node.inode] = row
                state.journal.append(.node(row))
                state.discard(data)
                if let earlier = node.replaced { state.discard(earlier.data) }
                continue
            }
            let survivor = node.survivor(afterPowerCut: afterPowerCut)
            guard survivor != .current, let data = node.data else { continue }
            let why =
                node.replacing ? "unfinished replacement of" : "cut short by a power failure:"
            if try lose(data, why, addresses[node.inode], files, onDisk) { outcome.lost += 1 }
            if case .replaced(let earlier) = survivor {
                let node = revert(node, to: earlier)
                nodes[node.inode] = node
                state.journal.append(.node(node))
            } else {
                if let earlier = node.replaced {
                    _ = try lose(earlier.data, why, addresses[node.inode], files, onDisk)
                }
                replaced.insert(node.inode)
            }
        }
        outcome.lost += try clear(
            onDisk.subtracting(claimed), contents, files, afterPowerCut: afterPowerCut)
        // Directories first, so that files find their parents.
        let keys = Set(contents.intents.map(\.address))
        let lost = Set(
            contents.intents.filter { intent in
                intent.inode.map(replaced.contains) ?? false && intent.earlierContent == nil
            }.map(\.address))
        for var intent in contents.intents.sorted(by: { $0.address.key < $1.address.key }) {
            // What it waited for has been done.
            if let after = intent.after, !keys.contains(after) { intent.after = nil }
            if let inode = intent.inode, replaced.contains(inode) {
                state.journal.append(.removeNode(inode))
                guard intent.earlierContent != nil else {
                    state.journal.append(.removeIntent(intent.address))
                    continue
                }
                // The object that the content was to replace has this name by now.
                (intent.want, intent.inode) = (.copy, nil)
                state.journal.append(.intent(intent))
            }
            // What the lost content was to replace under another name is all there is.
            if intent.want == .delete, let after = intent.after, lost.contains(after) {
                state.journal.append(.removeIntent(intent.address))
                continue
            }
            try restore(
                intent, nodes, files, into: &state, now: now,
                time: time)
            outcome.files += 1
        }
        for flight in contents.flights {
            restore(flight, into: &state)
            // Whether it took effect is seen by looking; how late it may yet do so, by its age.
            // Parts alone change no object.
            if flight.want == .put, flight.tags.isEmpty { continue }
            let age = Duration.seconds(max(0, time.seconds - flight.started.seconds))
            let until = now + max(.zero, state.configuration.settleTime - age)
            state.intents.noteUncertain(flight, until: until)
            if let record = state.intents.intents[flight.address]?.record,
                isDone(record, but: flight)
            {
                state.intents.settle(flight.address, tag: record.base, until: until)
            }
        }
        return outcome
    }

    /// Data files that no row names. After a kill the journal is as it was told: what it knew of and names no
    /// more is in the bucket or was removed, unless it was on its way to `lost/`. After a power cut rows may be
    /// gone that named them. Returns how many went to `lost/`.
    private static func clear(
        _ unnamed: Set<DataID>, _ contents: JournalContents, _ files: any SpoolFiles,
        afterPowerCut: Bool
    ) throws(SpoolError) -> Int {
        if unnamed.isEmpty { return 0 }
        let announced = Set(try files.announcedLost())
        var lost = 0
        for id in unnamed {
            let wasKnown = !afterPowerCut && id < contents.nextData
            let isEmpty = try files.open(id)?.size() == 0
            if !announced.contains(id), wasKnown || isEmpty {
                try files.remove(id)
                continue
            }
            let note = announced.contains(id) ? nil : "data without a name"
            try files.moveToLost(id, description: note)
            lost += 1
        }
        return lost
    }

    /// The copy was done, and a request before it was not heard of. What it copied may be another client's
    /// object by now: it is not copied again unless that late request undid it.
    private static func isDone(_ record: IntentRecord, but flight: FlightRecord) -> Bool {
        guard record.want == .copy, let base = record.base else { return false }
        return base == record.source?.version.etag && !flight.tags.contains(base)
    }

    /// An upload in parts goes on, or is freed; one whose id was not noted is looked for.
    private static func restore(
        _ flight: FlightRecord, into state: inout VolumeState
    ) {
        guard flight.want == .put else { return }
        if let upload = flight.upload {
            state.intents.uploads[flight.address] = IntentTable.Upload(
                record: upload, tag: flight.tags.last { $0.text.contains("-") })
        } else if flight.tags.isEmpty {
            state.intents.sweeps[flight.address] = flight.started
        }
    }

    private static func revert(_ node: NodeRecord, to earlier: ReplacedRecord) -> NodeRecord {
        var node = node
        node.data = earlier.data
        node.generation = earlier.generation
        node.sealed = earlier.sealed
        node.attributes.size = earlier.size
        node.attributes.mtime = earlier.mtime
        node.replacing = false
        node.replaced = nil
        node.isBroken = earlier.isBroken
        return node
    }

    /// True: there was something to keep.
    private static func lose(
        _ data: DataID, _ why: String, _ address: ObjectAddress?, _ files: any SpoolFiles,
        _ onDisk: Set<DataID>
    ) throws(SpoolError) -> Bool {
        guard onDisk.contains(data) else { return false }
        let name = address?.description ?? "?"
        try files.moveToLost(data, description: "\(why) \(name)")
        return true
    }

    private static func restore(
        _ intent: IntentRecord, _ nodes: [InodeNumber: NodeRecord], _ files: any SpoolFiles,
        into state: inout VolumeState, now: Instant, time: WallTime
    ) throws(SpoolError) {
        if intent.want == .copy, intent.inode == nil, let source = intent.source {
            state.place(intent.address, source.version, time: time)
        }
        if let inode = intent.inode {
            guard let node = nodes[inode] else {
                throw .unusable("the journal names inode \(inode.value) but does not describe it")
            }
            guard let (names, _) = state.layout.path(of: intent.address) else {
                throw .unusable("the journal has a key that is no path: \(intent.address)")
            }
            if let name = names.last {
                let parent = state.ensureDirectory(names.dropLast(), time: time)
                let content = try content(node, files, intent.address)
                place(node, parent, name, content, into: &state, now: now)
                if let replaced = node.replaced, let file = try files.open(replaced.data) {
                    // Not on the disk yet: until then a power cut leaves the earlier version.
                    state.inodes[inode]?.replaced = ReplacedVersion(
                        record: replaced, file: file, partial: nil)
                }
            } else {
                state.inodes[.root]?.attributes = node.attributes
                state.inodes[.root]?.metadata = node.metadata
                state.inodes[.root]?.attributesKnown = true
            }
        }
        _ = state.intents.set(
            intent, now: now, delay: .zero, delayMax: .zero, held: false)
        if intent.isConflict {
            let held = ObjectStoreError.conflict(
                at: intent.address, operation: "\(intent.want) \(intent.address)",
                advice: "choose a version with rgwfs resolve")
            state.intents.backOff(intent.address, until: now, blocked: held)
        }
        let age = Duration.seconds(time.seconds - intent.born.seconds)
        if intent.want == .copy, age > IntentTable.targetTrust {
            state.intents.noteUnseen(intent.address)
        }
    }

    /// The file's bytes. A data file that is missing fails every access to this one file, and its upload. How
    /// long one is, the file itself says: it may have been cut or written just before a crash, and the row not.
    private static func content(
        _ node: NodeRecord, _ files: any SpoolFiles, _ address: ObjectAddress
    ) throws(SpoolError) -> (content: Inode.Content, size: UInt64) {
        guard let data = node.data else { return (.remote, node.attributes.size) }
        guard let file = try files.open(data) else {
            let gone = UnreadableFile("the data file of \(address) is missing from the spool")
            return (.spool(data, gone), node.attributes.size)
        }
        return (.spool(data, file), try file.size())
    }

    private static func place(
        _ node: NodeRecord, _ parent: InodeNumber, _ name: EntryName,
        _ content: (content: Inode.Content, size: UInt64), into state: inout VolumeState,
        now: Instant
    ) {
        var attributes = node.attributes
        attributes.size = content.size
        var inode = Inode(
            number: node.inode, attributes: attributes, link: nil, base: node.base,
            attributesKnown: true, checkedAt: now,
            lifetime: state.configuration.fileAttributesMin)
        inode.metadata = node.metadata
        inode.content = content.content
        inode.generation = node.generation
        inode.sealed = node.sealed
        inode.isBroken = node.isBroken
        // It is a version now, whoever had it open.
        if node.sealed != nil { inode.confirmed = node.generation }
        if case .inode(let placeholder) = state.inodes[parent]?.directory?[name],
            let old = state.inodes[placeholder]?.directory, attributes.kind == .directory
        {
            // A child came first and made a stand-in; keep what hangs below it.
            inode.directory = old
            for (_, entry) in old.entries {
                if case .inode(let child) = entry {
                    state.inodes[child]?.link?.parent = node.inode
                }
            }
            state.inodes[placeholder] = nil
        }
        if attributes.kind == .directory {
            inode.directory?.hasMarker = true
            inode.directory?.isNew = node.replacing
        }
        state.inodes[node.inode] = inode
        state.attach(node.inode, to: parent, name)
    }
}

extension IntentRecord {
    /// The object's bytes are to stay: a data file has a copy of them, which a write may have begun to change. A
    /// write that was acknowledged has made the intent a PUT.
    fileprivate func hasUnchangedContent(_ node: NodeRecord?) -> Bool {
        guard let base = node?.base else { return false }
        return switch want {
        case .metadata: base.etag == self.base
        case .copy: true
        case .put, .delete, .makeDirectory, .removeDirectory: false
        }
    }
}
