import CRGWCurl
import Glibc

/// A thread that runs one closure with all signals blocked; they belong to the main thread, and a
/// SIGPIPE from a TLS connection would end the process.
// SAFETY: the thread's id is written before the object is shared and only read afterwards.
@safe final class TransportThread: @unchecked Sendable {
    private let id: pthread_t

    /// Nil when the system has no thread to give. `name`: at most 15 bytes (pthread_setname_np(3)).
    init?(name: String, _ body: @escaping () -> Void) {
        // SAFETY: released by the thread, or below when there is none.
        let context = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var id = pthread_t()
        // SAFETY: the context is retained for the thread, which takes it over.
        let error = unsafe pthread_create(
            &id, nil,
            { context in
                guard let context = unsafe context else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
                start.run()
                return nil
            }, unsafe context.toOpaque())
        guard error == 0 else {
            unsafe context.release()
            return nil
        }
        self.id = id
    }

    var isCurrent: Bool { pthread_equal(pthread_self(), id) != 0 }

    /// Waits for the thread's end. Once, and not from the thread itself.
    func join() {
        // The thread is joinable, and nobody else joins or detaches it.
        _ = pthread_join(id, nil)
    }

    func detach() { _ = pthread_detach(id) }

    private final class Start {
        let name: String
        let body: () -> Void

        init(name: String, body: @escaping () -> Void) {
            self.name = name
            self.body = body
        }

        func run() {
            var signals = sigset_t()
            // SAFETY: nil for the old mask is allowed.
            unsafe sigfillset(&signals)
            _ = unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
            _ = unsafe CRGWCurl_name_thread(name)
            body()
        }
    }
}
