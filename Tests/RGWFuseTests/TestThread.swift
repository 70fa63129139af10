import Dispatch
import Glibc

/// A POSIX thread: calls that may hang on a mount must not sit on Swift's few pool threads.
final class TestThread: Sendable {
    private let done = DispatchSemaphore(value: 0)

    init(_ body: @escaping @Sendable () -> Void) {
        let done = done
        let box = Box {
            body()
            done.signal()
        }
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        var thread = pthread_t()
        // SAFETY: the new thread takes the reference over.
        let result = unsafe pthread_create(
            &thread, &attributes,
            { argument in
                if let argument = unsafe argument {
                    unsafe Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body()
                }
                return nil
            }, Unmanaged.passRetained(box).toOpaque())
        precondition(result == 0, "pthread_create: \(result)")
    }

    /// Whether the thread ended in time; may be asked again.
    func join(seconds: Int = 30) -> Bool {
        guard done.wait(timeout: .now() + .seconds(seconds)) == .success else { return false }
        done.signal()
        return true
    }

    private final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
}
