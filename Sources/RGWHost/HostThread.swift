import CRGWHost
import Glibc
import Synchronization

/// A named POSIX thread. Someone must call `join`, once; threads are never cancelled.
package final class HostThread: Sendable {
    /// The thread until it is joined. Guarded by the mutex.
    private let handle: Mutex<pthread_t?>

    /// Starts the thread. The kernel shows the first 15 bytes of `name` (pthread_setname_np(3)).
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(HostError) {
        let start = Start(name: name, body: body)
        // SAFETY: the retain travels to the new thread, which takes it back exactly once.
        let argument = unsafe Unmanaged.passRetained(start).toOpaque()
        var thread = pthread_t()
        // SAFETY: `thread` is written during the call; the closure captures nothing.
        let result = unsafe pthread_create(&thread, nil, { unsafe HostThread.run($0) }, argument)
        guard result == 0 else {
            // SAFETY: no thread was made, so nobody else takes the retain back.
            unsafe Unmanaged<Start>.fromOpaque(argument).release()
            throw HostError("start thread", path: name, errno: result)
        }
        handle = Mutex(thread)
    }

    /// Waits until the thread's body has returned; from the thread itself, only lets it go.
    package func join() {
        guard let thread = handle.withLock({ $0.take() }) else { return }
        if pthread_equal(thread, pthread_self()) != 0 {
            pthread_detach(thread)
        } else {
            // A live thread that is joined here only, since the handle was taken.
            pthread_join(thread, nil)
        }
    }

    /// The calling thread's name.
    package static var currentName: String {
        // SAFETY: the shim fills at most 16 bytes, with a NUL.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 16) { buffer, filled in
            let result = unsafe CRGWHost_thread_name(buffer.baseAddress, buffer.count)
            filled = result == 0 ? (unsafe buffer.firstIndex(of: 0) ?? 0) : 0
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What a new thread needs to begin.
    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private static func run(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        // SAFETY: the pointer comes from `init`, which retained it for this one use.
        guard let argument = unsafe argument else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        // SAFETY: the name is NUL-terminated and copied during the call.
        unsafe CRGWHost_name_thread(start.name)
        start.body()
        return nil
    }
}
