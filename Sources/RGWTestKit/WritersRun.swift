import RGWBase
import RGWObject
import RGWSpool
package import RGWVFS

/// Runs random operations of two mounts and another client on one bucket, and judges what comes of them. The laws
/// are those of Tests/mount/history_judge.py; time and chance are virtual, so that a run is repeated exactly.
///
/// Single-threaded; owns its world.
package final class WritersRun {
    package struct Plan: Sendable {
        package var seed: UInt64
        package var length = 40
        /// Of 100 requests, how many go wrong.
        package var faults = 0
        package var kills = false
        package var conflict = ConflictPolicy.both
        package var names = ["a", "b"]
        /// nil: the default cache times.
        package var cacheTime: Duration?

        package init(seed: UInt64) { self.seed = seed }

        package var operations: [WritersOperation] {
            var random = ModelRandom(seed)
            return (0..<length).map {
                WritersOperation.draw(&random, tag: UInt8(clamping: $0 + 1), names: names)
            }
        }

        /// Everything that a plan decides, by its seed.
        package static func drawn(_ seed: UInt64) -> Plan {
            var plan = Plan(seed: seed)
            var random = ModelRandom(seed &+ 99)
            plan.faults = [0, 0, 0, 10, 25][random.below(5)]
            plan.kills = random.below(3) == 0
            plan.conflict = [.both, .both, .both, .hold, .local][random.below(5)]
            plan.names = [["a"], ["a", "b"], ["a", "b", "c"]][random.below(3)]
            plan.cacheTime = [nil, nil, .seconds(1), .zero, .seconds(5)][random.below(5)]
            plan.length = [20, 40, 60][random.below(3)]
            return plan
        }

        package var text: String {
            "faults \(faults)\(kills ? ", kills" : ""), conflict=\(conflict), "
                + "cache \(cacheTime.map { "\($0)" } ?? "default")"
        }

        /// What another open may still show of an earlier version.
        var cacheMax: Duration { cacheTime ?? .seconds(60) }
    }

    /// A mount, the kernel in front of it, and what programs there have open.
    struct Client {
        var kernel: KernelModel
        var slots: [Slot?] = [nil, nil]
    }

    struct Slot {
        var file: KernelModel.File
        var name: String
        /// nil: opened for reading.
        var session: Int?
        /// The client has changed the file since, which readers see as on any file system.
        var isDisturbed = false
    }

    let plan: Plan
    let world = VirtualWorld()
    let store: StrictObjectStore
    let faults: FaultSource
    let watch: MarkWatch
    var clients: [Client] = []
    var history = WritersHistory()
    /// The index of the operation that runs.
    var index = 0

    init(_ plan: Plan) throws {
        self.plan = plan
        store = StrictObjectStore(
            buckets: [Volume.bucket], queue: world, clock: world, timer: world)
        faults = FaultSource(seed: plan.seed, percent: plan.faults)
        watch = MarkWatch(store, hasFaults: plan.faults > 0)
        for number in 0..<2 {
            let troubles = SpoolFaults()
            let volume = try Volume(
                world: world, store: store, journal: MemoryJournal(faults: troubles),
                files: MemoryFiles(faults: troubles), failPoints: nil
            ) { configure(&$0, number) }
            clients.append(Client(kernel: KernelModel(volume)))
            watch.mount(number, volume)
        }
        store.setFault { [faults] in faults.next($0) }
    }

    func configure(_ configuration: inout VolumeConfiguration, _ number: Int) {
        configuration.hostName = "host\(number)"
        configuration.conflict = plan.conflict
        guard let time = plan.cacheTime else { return }
        configuration.fileAttributesMin = time
        configuration.fileAttributesMax = time
        configuration.directoryAttributesMin = time
        configuration.directoryAttributesMax = time
    }

    /// nil: everything is as it must be.
    package static func failure(_ plan: Plan, _ operations: [WritersOperation]) -> String? {
        do {
            let run = try WritersRun(plan)
            for (index, operation) in operations.enumerated() {
                run.index = index + 1
                do { try run.apply(operation) } catch let mismatch as ModelRun.Mismatch {
                    throw ModelRun.Mismatch(text: "at \(index), \(operation): \(mismatch.text)")
                }
                run.observeBucket()
            }
            run.index = operations.count + 1
            try run.end()
            return nil
        } catch let mismatch as ModelRun.Mismatch {
            return mismatch.text
        } catch { return "\(error)" }
    }

    /// The shortest failing part found by leaving operations out; nil: nothing fails.
    package static func shrunk(
        _ plan: Plan
    ) -> (operations: [WritersOperation], failure: String)? {
        ModelShrinking.shrunk(plan.operations) { failure(plan, $0) }
    }

    func fail(_ text: String) throws -> Never { throw ModelRun.Mismatch(text: text) }

    // MARK: The bucket

    func content(_ name: String) -> [UInt8]? {
        guard let key = try? ObjectKey(name) else { return nil }
        return store.object(Volume.bucket, key)?.bytes
    }

    /// Notes which contents have come and gone.
    func observeBucket() {
        for name in plan.names {
            history.note(content(name), of: name, at: world.now(), index: index)
        }
    }

    // MARK: The end

    private func end() throws {
        for client in clients.indices {
            for slot in 0..<2 { try apply(.close(client: client, slot: slot)) }
        }
        faults.stop()
        world.advance(by: .seconds(900))
        for _ in 0..<4 { try resolveHeld() }
        let before = store.requests.count
        world.advance(by: .seconds(600))
        let idle = store.requests.dropFirst(before)
        if idle.count > 20 {
            try fail("\(idle.count) requests while nothing is to be done: \(idle.prefix(4))")
        }
        for (number, client) in clients.enumerated() {
            let status = client.kernel.volume.fileSystem.status()
            if status.pending > 0 || status.settling > 0 {
                try fail("mount \(number) never ends: \(status)")
            }
            let data = try client.kernel.volume.dataFiles()
            if !data.isEmpty { try fail("the spool of mount \(number) keeps \(data)") }
        }
        observeBucket()
        for number in clients.indices { hear(number) }
        for number in clients.indices { try compare(number, "after a quiet time") }
        for number in clients.indices {
            try remount(number)
            try compare(number, "mounted anew")
        }
        try judgeEnd()
    }

    /// What `conflict=hold` leaves to the user goes up beside the other version; it may meet the next there.
    private func resolveHeld() throws {
        for client in clients {
            let fileSystem = client.kernel.volume.fileSystem
            for failure in fileSystem.status().failures {
                history.told.insert(failure.path)
                fileSystem.resolve(path: failure.path, .both) { _ in }
                world.run()
            }
        }
        world.advance(by: .seconds(600))
    }

    func remount(_ number: Int) throws {
        let volume = try Volume(remounting: clients[number].kernel.volume) {
            configure(&$0, number)
        }
        clients[number] = Client(kernel: KernelModel(volume))
        watch.mount(number, volume)
    }

    /// The mount shows what the bucket has.
    private func compare(_ number: Int, _ when: String) throws {
        let kernel = clients[number].kernel
        let keys = store.keys(Volume.bucket).filter { !$0.hasSuffix("/") }
        do throws(FileSystemError) {
            let names = try kernel.list("")
            if names != keys {
                try mismatch("mount \(number) \(when) shows \(names), the bucket has \(keys)")
            }
            for name in names {
                let file = try kernel.open(name, OpenFlags(read: true, write: false))
                defer { kernel.volume.release((file.inode, file.handle)) }
                let bytes = try kernel.read(file)
                if bytes != content(name) {
                    try mismatch(
                        "mount \(number) \(when) shows \(name) as \(shownRuns(bytes)), the bucket "
                            + "has \(shownRuns(content(name)))")
                }
            }
        } catch {
            if let found = history.mismatch { try fail(found) }
            try fail("mount \(number) \(when): \(error)")
        }
    }

    /// Leaves a typed scope with what is wrong noted.
    private func mismatch(_ text: String) throws(FileSystemError) {
        history.mismatch = text
        throw .inputOutput
    }
}

/// Leaving operations out of a run that fails, as long as it still fails.
enum ModelShrinking {
    static func shrunk<Operation>(
        _ all: [Operation], _ failure: ([Operation]) -> String?
    ) -> (operations: [Operation], failure: String)? {
        var operations = all
        guard var text = failure(operations) else { return nil }
        var size = operations.count / 2
        while size > 0 {
            var index = 0
            while index < operations.count {
                var shorter = operations
                shorter.removeSubrange(index..<min(operations.count, index + size))
                if let failure = failure(shorter) {
                    (operations, text) = (shorter, failure)
                } else {
                    index += size
                }
            }
            size /= 2
        }
        return (operations, text)
    }
}
