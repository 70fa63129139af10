import RGWBase
import RGWObject
import RGWSpool
import RGWVFS
import Synchronization

/// Runs random operations on a mount and on the specification beside it, and compares them.
///
/// Single-threaded; owns its world. A run with equal parameters does exactly the same again.
package final class ModelRun {
    package struct Plan: Sendable {
        package var seed: UInt64
        package var length = 60
        /// Of 100 requests, how many go wrong.
        package var faults = 0
        package var kills = true
        /// Another client writes and removes keys that the run does not use.
        package var stranger = false
        /// Objects of more bytes are changed without fetching them first.
        package var wholeBytesMax: UInt64 = 64 << 20
        /// What the server does with conditions.
        package var habits = StrictObjectStore.Habits()

        package init(seed: UInt64) { self.seed = seed }

        package var operations: [ModelOperation] {
            var random = ModelRandom(seed)
            return (0..<length).map { _ in ModelOperation.draw(&random) }
        }
    }

    package struct Mismatch: Error {
        package var text: String
    }

    struct Handle {
        var file: (InodeNumber, HandleID)
        var body: Int
        var write: Bool
    }

    let plan: Plan
    var volume: Volume
    var model = ReferenceFileSystem()
    var handles: [Handle?] = [nil, nil, nil, nil]
    let faults: FaultSource
    var random: ModelRandom

    init(_ plan: Plan) throws {
        self.plan = plan
        // Every other run with a thread for commits.
        volume = try Volume(isThreaded: plan.seed % 2 == 1) {
            $0.wholeBytesMax = plan.wholeBytesMax
        }
        faults = FaultSource(seed: plan.seed, percent: plan.faults)
        random = ModelRandom(plan.seed &+ 77)
        volume.store.setHabits(plan.habits)
        volume.store.setFault { [faults] in faults.next($0) }
    }

    /// nil: the mount did as it must.
    package static func failure(_ plan: Plan, _ operations: [ModelOperation]) -> String? {
        do {
            let run = try ModelRun(plan)
            for (index, operation) in operations.enumerated() {
                do { try run.apply(operation) } catch let mismatch as Mismatch {
                    throw Mismatch(text: "at \(index), \(operation): \(mismatch.text)")
                }
            }
            try run.end()
            return nil
        } catch let mismatch as Mismatch {
            return mismatch.text
        } catch { return "\(error)" }
    }

    /// The shortest failing part found by leaving operations out; nil: nothing fails.
    package static func shrunk(_ plan: Plan) -> (operations: [ModelOperation], failure: String)? {
        ModelShrinking.shrunk(plan.operations) { failure(plan, $0) }
    }

    func fail(_ text: String) throws -> Never {
        throw Mismatch(text: text)
    }

    // MARK: Steps

    func apply(_ operation: ModelOperation) throws {
        switch operation {
        case .create, .open, .save, .symlink, .mkdir: try make(operation)
        case .write, .append, .cut, .read, .fsync, .close: try useHandle(operation)
        case .truncate, .chmod, .touch: try change(operation)
        case .rmdir, .unlink, .rename: try move(operation)
        case .forget: forgetAll()
        case .wait(let milliseconds): volume.world.advance(by: .milliseconds(milliseconds))
        case .step(let count): for _ in 0..<count { _ = volume.world.step() }
        case .kill: if plan.kills { try kill() }
        case .look: try compareView()
        }
        if plan.stranger { disturb() }
        let faults = volume.fileSystem.indexFaults()
        if !faults.isEmpty { try fail("kept beside the state, and wrong: \(faults)") }
        let locked = volume.lockedCalls
        if !locked.isEmpty { try fail("the spool was called under the lock: \(locked)") }
        let broken = volume.store.violations
        if !broken.isEmpty { try fail("violations: \(broken)") }
    }

    /// Did the mount do what the specification allows? A request that went wrong excuses a refusal.
    func attempt(_ expected: Bool, _ body: () throws(FileSystemError) -> Void) throws -> Bool {
        let before = faults.count
        var refusal: FileSystemError?
        do throws(FileSystemError) { try body() } catch { refusal = error }
        guard let refusal else {
            if !expected { try fail("succeeded, which it must not") }
            return true
        }
        if expected, faults.count == before { try fail("failed: \(refusal)") }
        if expected { try allow(refusal) }
        return false
    }

    private func allow(_ error: FileSystemError) throws {
        switch error {
        case .inputOutput, .timedOut: break
        default: try fail("a request went wrong, but the program is told \(error)")
        }
    }

    private func disturb() {
        guard random.below(4) == 0,
            case let name = ["zz", "d/zz", "d/e/zz", "z/1", "z/2"][random.below(5)],
            name.hasPrefix("z/") || model.isDirectory(ReferenceFileSystem.parent(name)),
            let key = try? ObjectKey(name)
        else { return }
        if random.below(3) == 0 {
            volume.store.uproot(Volume.bucket, key)
        } else {
            volume.store.plant(Volume.bucket, key, [UInt8(random.below(256))])
        }
    }

    private func forgetAll() {
        faults.suspended {
            let paths = model.nodes.keys.filter { !$0.isEmpty }.sorted(by: >)
            for path in paths {
                if let inode = try? volume.inode(path) {
                    volume.fileSystem.forget(inode, count: .max)
                }
            }
        }
    }

    /// `kill -9` and a new mount: what was acknowledged is there.
    private func kill() throws {
        handles = [nil, nil, nil, nil]
        volume = try remounted()
        try faults.suspended {
            for (path, node) in model.nodes {
                guard case .file(let body) = node, let known = model.bodies[body] else { continue }
                if !known.reverts.isEmpty {
                    let bytes = Array(try load(path).utf8)
                    let mode = try volume.attributes(path).permissions
                    if let old = known.reverts.first(where: { $0.bytes == bytes }) {
                        model.bodies[body] = old
                        model.bodies[body]?.mode = mode
                    }
                }
                model.flush(body)
            }
        }
        try compareView()
    }

    private func remounted() throws -> Volume {
        try Volume(remounting: volume, isThreaded: plan.seed % 2 == 1) { [plan] in
            $0.wholeBytesMax = plan.wholeBytesMax
        }
    }

    func load(_ path: String) throws -> String {
        do { return try volume.load(path) } catch { try fail("reading \(path): \(error)") }
    }

    // MARK: The end

    private func end() throws {
        for index in handles.indices where handles[index] != nil {
            try useHandle(.close(handle: index))
        }
        try compareView()
        faults.stop()
        volume.world.advance(by: .seconds(600))
        try compareView()
        try compareBucket()
        let broken = volume.store.violations
        if !broken.isEmpty { try fail("violations: \(broken)") }
        let status = volume.fileSystem.status()
        if status.pending > 0 { try fail("\(status.pending) changes were never sent: \(status)") }
        let rows = try volume.journal.load()
        if !rows.nodes.isEmpty || !rows.intents.isEmpty || !rows.flights.isEmpty {
            try fail(
                "the journal keeps \(rows.nodes.map(\.inode)) \(rows.intents.map(\.address)) "
                    + "\(rows.flights.map(\.address))")
        }
        let data = try volume.dataFiles()
        if !data.isEmpty { try fail("the spool keeps \(data)") }
        volume = try remounted()
        try compareView()
    }
}

/// Decides which requests go wrong. At most two in a row for one thing, so that what tries often succeeds.
final class FaultSource: Sendable {
    private struct State {
        var random: ModelRandom
        var percent: Int
        var count = 0
        var row: [String: Int] = [:]
    }
    private let state: Mutex<State>

    init(seed: UInt64, percent: Int) {
        state = Mutex(State(random: ModelRandom(seed &+ 4711), percent: percent))
    }

    /// How many requests went wrong so far.
    var count: Int { state.withLock { $0.count } }

    func stop() { state.withLock { $0.percent = 0 } }

    func suspended<Value>(_ body: () throws -> Value) rethrows -> Value {
        let percent = state.withLock { state in
            defer { state.percent = 0 }
            return state.percent
        }
        defer { state.withLock { $0.percent = percent } }
        return try body()
    }

    /// Late requests take effect before the mount takes them for lost.
    private static func delay(_ random: inout ModelRandom) -> Duration {
        .milliseconds([1, 500, 3000, 30_000, 110_000][random.below(5)])
    }

    func next(_ request: StrictObjectStore.Request) -> StrictObjectStore.Fault? {
        state.withLock { state in
            guard state.percent > 0, state.random.below(100) < state.percent,
                state.row[request.description, default: 0] < 2
            else {
                state.row[request.description] = 0
                return nil
            }
            state.count += 1
            state.row[request.description, default: 0] += 1
            switch request.method {
            case "PUT", "COPY", "DELETE", "DELETEMANY":
                switch state.random.below(4) {
                case 0: return .refuse(.busy)
                case 1: return .loseAnswer
                case 2: return .loseRequest
                default: return .late(Self.delay(&state.random))
                }
            default: return .refuse(state.random.below(2) == 0 ? .busy : .unreachable)
            }
        }
    }
}
