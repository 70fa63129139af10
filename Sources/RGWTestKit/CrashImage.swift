import RGWBase
import RGWObject
import RGWSpool
import RGWVFS
import Synchronization

/// What is left when the daemon is killed at one moment: the journal, the data files, the bucket.
/// What was on its way to the server at that moment never arrives there.
struct CrashImage {
    private let journal: MemoryJournal
    private let contents: JournalContents
    private let files: [DataID: [UInt8]]
    private let objects: [ObjectKey: StrictObjectStore.Object]
    private let now: Instant

    init(of volume: Volume) throws {
        journal = volume.journal.copy()
        contents = try journal.load()
        var files: [DataID: [UInt8]] = [:]
        for id in try volume.files.list() {
            if let file = try volume.files.open(id) {
                files[id] = try file.read(at: 0, count: Int(try file.size()))
            }
        }
        self.files = files
        objects = volume.store.state.withLock { $0.buckets[Volume.bucket.description] ?? [:] }
        now = volume.world.now()
    }

    /// The same rest: whoever finds it can tell no difference.
    func isSame(as other: CrashImage) -> Bool {
        contents == other.contents && files == other.files && objects == other.objects
    }

    /// The next mount, in a world of its own, so that one image may be mounted often.
    func mount(_ adjust: (inout VolumeConfiguration) -> Void) throws -> Volume {
        let world = VirtualWorld()
        world.advance(by: .nanoseconds(now.nanoseconds - world.now().nanoseconds))
        let store = StrictObjectStore(buckets: [Volume.bucket], queue: world, clock: world)
        store.state.withLock { $0.buckets[Volume.bucket.description] = objects }
        let files = MemoryFiles()
        for (id, bytes) in self.files { try files.create(id).write(bytes.span, at: 0) }
        return try Volume(
            world: world, store: store, journal: journal.copy(), files: files, adjust)
    }
}
