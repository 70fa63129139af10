import Dispatch
import Glibc
import RGWFuse
import RGWHost
import Synchronization
import Testing

/// A filesystem mounted on a directory of its own for the length of a closure. It is unmounted
/// whatever happens: a watchdog cuts the connection when the test takes too long, so that nothing
/// hangs for ever.
final class TestMount: Sendable {
    let fileSystem: MemoryFileSystem
    let path: String
    let session: FuseSession
    let meter: FuseMeter
    let readyCount: Ready
    private let loop: TestThread

    final class Ready: Sendable {
        let count = Atomic<Int>(0)
        let semaphore = DispatchSemaphore(value: 0)
    }

    private final class Outcome: Sendable {
        let result = Mutex<Result<FuseSession.End, FuseError>?>(nil)
    }
    private let outcome: Outcome

    private init(_ fileSystem: MemoryFileSystem, source: String, options: FuseOptions) throws {
        self.fileSystem = fileSystem
        path = try Self.temporaryDirectory()
        let meter = FuseMeter(clock: HostClock())
        self.meter = meter
        let ready = Ready()
        readyCount = ready
        let session = FuseSession(
            fileSystem: fileSystem, source: source, mountPoint: path, options: options,
            meter: meter
        ) {
            ready.count.add(1, ordering: .relaxed)
            ready.semaphore.signal()
        }
        self.session = session
        try session.mount()
        let outcome = Outcome()
        self.outcome = outcome
        loop = TestThread {
            let result = Result { () throws(FuseError) -> FuseSession.End in try session.run() }
            outcome.result.withLock { $0 = result }
        }
    }

    static func temporaryDirectory() throws -> String {
        // SAFETY: mkdtemp changes the characters in place; nothing here changes the environment.
        let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/rgwfuse-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw Posix.Failure(errno: errno) }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func with(
        _ fileSystem: MemoryFileSystem = MemoryFileSystem(), source: String = "photos",
        options: FuseOptions = FuseOptions(), _ body: (TestMount) throws -> Void
    ) throws {
        let mount = try TestMount(fileSystem, source: source, options: options)
        let finished = DispatchSemaphore(value: 0)
        let path = mount.path
        let watchdog = TestThread {
            if finished.wait(timeout: .now() + .seconds(60)) == .timedOut {
                // MNT_FORCE | MNT_DETACH: every call that waits for the mount fails.
                _ = unsafe umount2(path, 3)
            }
        }
        defer {
            finished.signal()
            _ = watchdog.join()
            mount.end()
        }
        #expect(mount.readyCount.semaphore.wait(timeout: .now() + .seconds(20)) == .success)
        try body(mount)
    }

    /// What `run` returned; nil when it has not within the time.
    func result(seconds: Int = 20) -> Result<FuseSession.End, FuseError>? {
        _ = loop.join(seconds: seconds)
        return outcome.result.withLock { $0 }
    }

    /// Whether the filesystem saw something in time.
    func wait(_ condition: (MemoryFileSystem.Observed) -> Bool) -> Bool {
        let deadline = DispatchTime.now() + .seconds(20)
        while !condition(fileSystem.seen) {
            if DispatchTime.now() > deadline { return false }
            sched_yield()
        }
        return true
    }

    private func end() {
        try? session.unmount(lazy: true)
        session.stop()
        try? session.unmount()
        _ = unsafe umount2(path, 3)
        _ = loop.join(seconds: 20)
        while let answer = fileSystem.nextParked() { answer() }
        session.destroy()
        _ = unsafe rmdir(path)
    }

    subscript(_ name: String) -> String { path + "/" + name }
}
