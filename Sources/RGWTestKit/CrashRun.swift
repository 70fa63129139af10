import RGWBase
import RGWObject
import RGWSpool
package import RGWVFS
import Synchronization

/// Runs one sequence of operations, kills the mount at every boundary between two effects, and judges what
/// the next mount shows and what it makes of the bucket.
///
/// One forward run is enough: at each boundary an image of everything durable is kept, and each image is
/// mounted afterwards in a world of its own. Only the last step is judged: the sequences that end earlier
/// are sequences of their own.
package final class CrashRun {
    /// What a run has to say.
    package struct Verdict: Sendable {
        /// Nil: every crash left what it may leave.
        package var failure: String?
        /// Different moments at which the mount was killed.
        package var crashes = 0
    }

    /// What a crash at one moment must leave: one of these trees.
    private struct Moment {
        var image: CrashImage
        var allowed: [ReferenceFileSystem]
        var legal: Set<[UInt8]>
        var place: String
    }

    private let steps: [CrashStep]
    private let guarantee: WriteGuarantee
    private let recorder = Recorder()
    private let volume: Volume
    private var model = CrashModel()
    private var moments: [Moment] = []
    private var file: (InodeNumber, HandleID)?
    /// Contents that some close, fsync or crash made a version.
    private var legal: Set<[UInt8]> = [
        Array(CrashModel.planted.utf8), [], Array(CrashModel.target.utf8),
    ]

    package static func verdict(
        _ steps: [CrashStep], _ guarantee: WriteGuarantee = .remote
    ) -> Verdict {
        var verdict = Verdict()
        do {
            let run = try CrashRun(steps, guarantee)
            try run.forward()
            verdict.crashes = run.moments.count
            for moment in run.moments { try run.judge(moment) }
        } catch let mismatch as ModelRun.Mismatch {
            verdict.failure = mismatch.text
        } catch { verdict.failure = "\(error)" }
        return verdict
    }

    private init(_ steps: [CrashStep], _ guarantee: WriteGuarantee) throws {
        self.steps = steps
        self.guarantee = guarantee
        let world = VirtualWorld()
        let store = StrictObjectStore(buckets: [Volume.bucket], queue: world, clock: world)
        for directory in CrashStep.directories {
            store.plant(Volume.bucket, try ObjectKey(directory + "/"), [])
        }
        store.plant(
            Volume.bucket, try ObjectKey(CrashStep.paths[0]), Array(CrashModel.planted.utf8))
        volume = try Volume(
            world: world, store: store, journal: MemoryJournal(), files: MemoryFiles(),
            failPoints: { [recorder] in recorder.reached($0) }
        ) { $0.guarantee = guarantee }
    }

    // MARK: Forward

    /// Collects images while it is on. The mount is single-threaded, so nothing changes meanwhile.
    private final class Recorder: Sendable {
        private let state = Mutex<(volume: Volume?, images: [(FailPoint, CrashImage)])>((nil, []))

        func record(_ volume: Volume?) { state.withLock { $0.volume = volume } }

        func take() -> [(FailPoint, CrashImage)] {
            state.withLock { state in
                defer { state.images = [] }
                return state.images
            }
        }

        func reached(_ point: FailPoint) {
            guard let volume = state.withLock({ $0.volume }),
                let image = try? CrashImage(of: volume)
            else { return }
            state.withLock { $0.images.append((point, image)) }
        }
    }

    private func fail(_ text: String) throws -> Never { throw ModelRun.Mismatch(text: text) }

    private func forward() throws {
        for (index, step) in steps.enumerated() {
            let isLast = index == steps.count - 1
            if isLast { recorder.record(volume) }
            for call in model.calls(step, number: index) {
                let before = model
                guard model.apply(call) else { try fail("\(step) must be refused") }
                confirm()
                do throws(FileSystemError) { try perform(call) } catch {
                    try fail("\(step), \(call): \(error)")
                }
                guard isLast else { continue }
                keep(recorder.take(), [before.tree, model.tree], "\(call)")
                keep(
                    [(.journalCommitted, try CrashImage(of: volume))], [model.tree], "after \(call)"
                )
            }
            model.hold()
            file = nil
        }
        // Whatever goes up by itself.
        volume.world.advance(by: .seconds(3))
        keep(recorder.take(), [model.tree], "later")
        recorder.record(nil)
        keep([(.journalCommitted, try CrashImage(of: volume))], [model.tree], "at the end")
    }

    private func confirm() {
        for body in model.tree.bodies.values where !body.isUnflushed { legal.insert(body.bytes) }
    }

    private func keep(
        _ images: [(FailPoint, CrashImage)], _ allowed: [ReferenceFileSystem], _ place: String
    ) {
        for (point, image) in images {
            if let last = moments.last, last.allowed.count == allowed.count,
                last.place == "\(place) at \(point.name)" || allowed.count == 1,
                last.image.isSame(as: image)
            {
                continue
            }
            moments.append(
                Moment(
                    image: image, allowed: allowed, legal: legal, place: "\(place) at \(point.name)"
                )
            )
        }
    }

    private func perform(_ call: CrashCall) throws(FileSystemError) {
        switch call {
        case .create(let path): file = try volume.create(path)
        case .open(let path, let truncate):
            file = try volume.open(path, write: true, truncate: truncate)
        case .write(let bytes, let offset):
            guard let file else { throw .badHandle }
            try volume.write(file, String(decoding: bytes, as: UTF8.self), at: UInt64(offset))
        case .fsync:
            guard let file else { throw .badHandle }
            try wait { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        case .close:
            guard let file else { throw .badHandle }
            try volume.close(file)
        case .truncate(let path, let size): try volume.change(path) { $0.size = UInt64(size) }
        case .chmod(let path, let mode): try volume.change(path) { $0.permissions = mode }
        case .symlink(let path): try volume.symlink(path, CrashModel.target)
        case .mkdir(let path): try volume.mkdir(path)
        case .rmdir(let path): try volume.rmdir(path)
        case .unlink(let path): try volume.unlink(path)
        case .rename(let old, let new): try volume.rename(old, new)
        case .fsyncdir(let path):
            let inode = try volume.inode(path)
            let handle = try volume.call { volume.fileSystem.opendir(inode, $0) }.handle
            try wait { volume.fileSystem.fsyncdir(inode, handle, $0) }
            try volume.call { volume.fileSystem.releasedir(inode, handle, $0) }
        }
    }

    /// Calls that wait for the bucket may need time to pass.
    private func wait(
        _ operation: (consuming Reply<Void>) -> Void
    ) throws(FileSystemError) {
        let box = volume.begin(operation)
        for _ in 0..<200 where box.result == nil { volume.world.advance(by: .milliseconds(50)) }
        guard let result = box.result else { throw .timedOut }
        try result.get()
    }

    // MARK: Judgement

    private func judge(_ moment: Moment) throws {
        let again = try moment.image.mount { $0.guarantee = guarantee }
        let view = try CrashView(of: again)
        guard let tree = moment.allowed.first(where: { view.difference(from: $0) == nil }) else {
            let differences = moment.allowed.compactMap { view.difference(from: $0) }
            try fail("\(moment.place): the mount shows \(differences.joined(separator: "; or "))")
        }
        again.world.advance(by: .seconds(5))
        if try !Self.isEmpty(again.journal) {
            // Longer than a request of unknown outcome is remembered.
            again.world.advance(by: .seconds(300))
        }
        try judgeBucket(again, view, moment)
        // A mount that has nothing but the bucket.
        let fresh = try Volume(
            world: again.world, store: again.store, journal: MemoryJournal(), files: MemoryFiles())
        if let difference = try CrashView(of: fresh).difference(from: view) {
            try fail("\(moment.place): a new mount shows \(difference)")
        }
        _ = tree
    }

    private static func isEmpty(_ journal: MemoryJournal) throws -> Bool {
        let rows = try journal.load()
        return rows == JournalContents(nextInode: rows.nextInode, nextData: rows.nextData)
    }

    private func judgeBucket(_ again: Volume, _ view: CrashView, _ moment: Moment) throws {
        if let difference = try CrashView(of: again).difference(from: view) {
            try fail("\(moment.place): after the uploads the mount shows \(difference)")
        }
        let left = again.fileSystem.status()
        if left.pending > 0 { try fail("\(moment.place): \(left.pending) changes are never sent") }
        if try !Self.isEmpty(again.journal) {
            try fail("\(moment.place): the journal keeps \(try again.journal.load())")
        }
        if try !again.dataFiles().isEmpty { try fail("\(moment.place): the spool keeps data") }
        if let fault = again.fileSystem.indexFaults().first {
            try fail("\(moment.place): \(fault)")
        }
        if let violation = again.store.violations.first {
            try fail("\(moment.place): \(violation)")
        }
        let keys = again.store.keys(Volume.bucket)
        if keys != view.keys {
            try fail("\(moment.place): the bucket has \(keys), not \(view.keys)")
        }
        let known = moment.legal.union(view.contents)
        for key in keys where !key.hasSuffix("/") {
            let bytes = Array((again.text(key) ?? "").utf8)
            if !known.contains(bytes) {
                try fail("\(moment.place): \(key) has what no close or fsync confirmed: \(bytes)")
            }
        }
    }
}
