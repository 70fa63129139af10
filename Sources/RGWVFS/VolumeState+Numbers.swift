import RGWBase
import RGWObject
import RGWSpool

/// Inode numbers that the next mount shows again: of files that do not have the number that their name would be given.
/// Decision 141.
extension VolumeState {
    private var keepsNumbers: Bool { !configuration.readOnly && !layout.isAllBuckets }

    private func home(_ inode: InodeNumber, _ link: Inode.Link) -> InodeNumber {
        let isDirectory = inodes.look(inode) { $0.isDirectory } ?? false
        return InodeNumbers.home(link.name, isDirectory: isDirectory, in: link.parent)
    }

    mutating func leaveHome(_ inode: InodeNumber, _ link: Inode.Link) {
        guard keepsNumbers else { return }
        let home = home(inode, link)
        if inode != home { kept.set(home, nil) }
    }

    mutating func keepHome(_ inode: InodeNumber, to parent: InodeNumber, _ name: EntryName) {
        guard keepsNumbers else { return }
        let home = home(inode, Inode.Link(parent: parent, name: name))
        kept.set(home, inode == home ? nil : inode)
    }

    /// The numbers of names that are not known here. `writes`: what had been written before the store was asked.
    /// False: it has been written to since, and is to be asked once more.
    mutating func learnNumbers(
        _ parent: InodeNumber, _ names: [NamedHome], _ found: [InodeNumber: InodeNumber],
        writes: UInt64
    ) -> Bool {
        guard writes == kept.writes else { return false }
        for named in names {
            guard let number = found[named.home], kept.mayLearn(number, from: named.home),
                inodes[number] == nil,
                inodes.look(parent, { $0.directory?[named.name] }) == nil
            else { continue }
            numbers.learn(number, from: named.home)
        }
        return true
    }
}

/// A name and the number that it would be given.
struct NamedHome: Sendable {
    let name: EntryName
    let home: InodeNumber
}

extension FileSystem {
    /// Before names are given numbers: those that an earlier mount showed.
    func learnNumbers(
        _ parent: InodeNumber, _ page: ListPage, prefixLength: Int,
        then done: @escaping @Sendable () -> Void
    ) {
        var names: [NamedHome] = []
        func add(_ key: ObjectKey, isDirectory: Bool) {
            guard let name = layout.entryName(key, prefixLength: prefixLength) else { return }
            let home = InodeNumbers.home(name, isDirectory: isDirectory, in: parent)
            names.append(NamedHome(name: name, home: home))
        }
        for object in page.objects { add(object.key, isDirectory: false) }
        for key in page.commonPrefixes { add(key, isDirectory: true) }
        learnNumbers(parent, names, then: done)
    }

    /// The same for a name that is asked for by itself.
    func learnNumber(
        _ parent: InodeNumber, _ name: EntryName, then done: @escaping @Sendable () -> Void
    ) {
        let names = [false, true].map { isDirectory in
            NamedHome(
                name: name,
                home: InodeNumbers.home(name, isDirectory: isDirectory, in: parent))
        }
        learnNumbers(parent, names, then: done)
    }

    private func learnNumbers(
        _ parent: InodeNumber, _ names: [NamedHome], attempts: Int = 3,
        then done: @escaping @Sendable () -> Void
    ) {
        // After the last attempt they get the numbers of their names.
        guard attempts > 0, !names.isEmpty else { return done() }
        let writes = withState { state in
            state.kept.hasStopped || !state.kept.hasNumbers ? nil : state.kept.writes
        }
        guard let writes else { return done() }
        lanes.spool.submit { [self] in
            let found = attributes.numbers(of: names.map(\.home))
            if found.isEmpty { return done() }
            let isDone = withState { state in
                state.learnNumbers(parent, names, found, writes: writes)
            }
            if isDone { return done() }
            learnNumbers(parent, names, attempts: attempts - 1, then: done)
        }
    }
}
