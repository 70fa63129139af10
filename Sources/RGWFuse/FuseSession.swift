import CRGWFuse
import Glibc
package import RGWVFS
import Synchronization

/// One mount, from mount(2) to the end: `init`, `mount`, `run` (on a thread of the caller's), and,
/// in this order when the caller ends it, `unmount` or `stop` then `unmount`, `destroy`.
///
/// Owns libfuse's session through its context. Guarded by `state`. All methods may be called from
/// any thread; none is async-signal-safe. Never call a method that waits (`run`, `unmount`) while
/// handling a request.
package final class FuseSession: Sendable {
    /// How serving came to its end.
    package enum End: Sendable, Equatable {
        /// The filesystem was unmounted, or the connection was cut by the administrator.
        case unmounted
        /// `stop` was called; the mount is still there and hangs until `unmount`.
        case stopped
    }

    private enum Phase {
        case idle
        case mounting
        case mounted
        /// The thread that waits in libfuse's loop.
        case running(thread: UInt)
        case ended(End)
    }

    private struct State {
        var phase = Phase.idle
        var stopping = false
        var identity: MountPoint.Identity?
        var context: FuseContext?
    }

    package let source: String
    package let mountPoint: String
    package let options: FuseOptions
    private let state: Mutex<State>

    /// - Parameters:
    ///   - source: the first column of /proc/mounts.
    ///   - mountPoint: an absolute path to a directory.
    ///   - meter: counts the requests.
    ///   - onReady: called once, on a thread of libfuse, when the kernel's INIT is answered: every
    ///     request made from now on is served. It must return soon.
    package init(
        fileSystem: any FileSystemOperations, source: String, mountPoint: String,
        options: FuseOptions = FuseOptions(), meter: FuseMeter,
        onReady: @escaping @Sendable () -> Void = {}
    ) {
        self.source = source
        self.mountPoint = mountPoint
        self.options = options
        let context = FuseContext(
            fileSystem: fileSystem, meter: meter, readAheadBytes: options.readAheadBytes,
            onReady: onReady)
        state = Mutex(State(context: context))
    }

    /// Mounts. From then on programs that use the mount wait for `run`.
    package func mount() throws(FuseError) {
        let context = try enter("mount") { state -> Bool in
            guard case .idle = state.phase else { return false }
            state.phase = .mounting
            return true
        }
        do {
            let identity = try attach(context)
            state.withLock {
                $0.phase = .mounted
                $0.identity = identity
            }
        } catch {
            state.withLock {
                $0.phase = .idle
                $0.context = nil
            }
            throw error
        }
    }

    /// The mount's device number, as /proc/self/mountinfo shows it; nil before `mount`.
    package var device: (major: UInt32, minor: UInt32)? {
        state.withLock { $0.identity }.map { ($0.major, $0.minor) }
    }

    /// Serves until the filesystem is unmounted or `stop` is called; then no request is being
    /// handled any more, but parked ones may still be answered.
    @discardableResult
    package func run() throws(FuseError) -> End {
        var result = CRGWFuse_wake_prepare()
        guard result == 0 else { throw .serve(mountPoint: mountPoint, errno: -result) }
        let context = try enter("run") { state -> Bool in
            guard case .mounted = state.phase else { return false }
            state.phase = .running(thread: pthread_self())
            // A stop that came before the loop: libfuse looks at the mark first.
            if state.stopping { state.context?.exit() }
            return true
        }
        result = context.loop(threadsMax: max(options.threadsMax, FuseOptions.threadsMin))
        let end = state.withLock { state -> End in
            let end: End = state.stopping ? .stopped : .unmounted
            state.phase = .ended(end)
            return end
        }
        // After stop libfuse may report the interruption itself.
        if result < 0 && end == .unmounted {
            throw .serve(mountPoint: mountPoint, errno: -result)
        }
        return end
    }

    /// Makes `run` return: requests being handled are finished, no more are received. Does not
    /// unmount.
    package func stop() {
        // The mark is set before the wake-up, so one is enough, unless the loop is just between
        // looking at the mark and going to sleep: hence a few more.
        for _ in 0..<wakesMax {
            let woken = state.withLock { state -> Bool in
                state.stopping = true
                guard case .running(let thread) = state.phase else { return false }
                state.context?.exit()
                // The thread exists: it cannot leave `running` while the lock is held.
                return CRGWFuse_wake(thread) == 0
            }
            guard woken else { return }
            usleep(1000)
        }
    }

    /// Takes the mount away, if it is still this one: after `run` has ended by `stop`, with
    /// everything that still waits for it failing (ENOTCONN); before that, only when nobody uses
    /// it (EBUSY), or, with `lazy`, out of sight at once and really when the last user has gone.
    /// Source: umount2(2).
    package func unmount(lazy: Bool = false) throws(FuseError) {
        let (phase, identity) = state.withLock { ($0.phase, $0.identity) }
        let flags: MountPoint.Flags
        switch phase {
        case .idle, .mounting: return
        case .mounted, .ended(.stopped):
            flags = [.force, .detach]
        case .running: flags = lazy ? .detach : []
        case .ended(.unmounted):
            // Only a cut connection leaves a mount behind. Before Linux 6.8 it cannot be told from
            // a new mount by somebody else, which must be left alone.
            guard identity?.unique == true else { return }
            flags = .detach
        }
        guard let identity, MountPoint.identity(mountPoint) == .success(identity) else { return }
        let result = MountPoint.unmount(mountPoint, flags)
        guard result == 0 else { throw .unmount(mountPoint: mountPoint, errno: result) }
    }

    /// Lets go of libfuse's session; parked requests keep it until they are answered. Call after
    /// `run` has ended and after `unmount`.
    package func destroy() {
        let context = state.withLock { state -> FuseContext? in
            if case .running = state.phase { return nil }
            defer { state.context = nil }
            return state.context
        }
        // Freed here, outside the lock, unless requests are parked.
        _ = context
    }

    /// Runs `body` with the context, for notifications; nil without a mount.
    func withContext<Result>(_ body: (FuseContext) -> Result) -> Result? {
        let context = state.withLock { state -> FuseContext? in
            if case .idle = state.phase { return nil }
            return state.context
        }
        return context.map(body)
    }

    /// How often `stop` wakes the loop, one a millisecond; see there.
    private var wakesMax: Int { 20 }

    private func enter(
        _ method: String, _ change: (inout State) -> Bool
    ) throws(FuseError) -> FuseContext {
        let context = state.withLock { change(&$0) ? $0.context : nil }
        guard let context else { throw .state(mountPoint: mountPoint, method: method) }
        return context
    }

    private func attach(_ context: FuseContext) throws(FuseError) -> MountPoint.Identity {
        let usable = MountPoint.check(mountPoint)
        guard usable == 0 else { throw .mountPoint(mountPoint, errno: usable) }
        guard context.open(arguments: options.arguments(source: source)) else {
            throw .options(mountPoint: mountPoint)
        }
        let result = context.mount(mountPoint)
        switch -result {
        case 0: break
        // The directory was there, so it is the device that is not.
        case ENOENT, ENODEV, ENXIO: throw .device(mountPoint: mountPoint, errno: -result)
        case let errno: throw .mount(mountPoint: mountPoint, errno: errno)
        }
        let identity: MountPoint.Identity
        switch MountPoint.identity(mountPoint) {
        case .success(let found): identity = found
        case .failure(let error):
            // A failed mount leaves nothing; when even this fails there is nobody to tell.
            _ = MountPoint.unmount(mountPoint, .detach)
            throw .mount(mountPoint: mountPoint, errno: error.errno)
        }
        MountPoint.raiseReadAhead(identity, bytes: options.readAheadBytes)
        return identity
    }
}
