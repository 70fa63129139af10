import CRGWHost
import Glibc

/// Delivers signals on one thread of its own, where ordinary code may run. Source: signalfd(2).
///
/// Owns the thread and its descriptors.
package final class HostSignals: Sendable {
    private let thread: HostThread
    /// A byte in it says stop.
    private let stopper: Shared<HostPipe>

    /// Blocks the signals in the calling thread and every thread it starts from now on, so it must
    /// run before other threads exist. Also ignores SIGPIPE (a connection that broke is an errno)
    /// and SIGXFSZ (a file over its limit is EFBIG).
    package static func block() throws(HostError) {
        let numbers = HostSignal.allCases.map(\.number)
        // SAFETY: the array lives for the call and its count goes with it.
        let result = unsafe CRGWHost_block_signals(numbers, Int32(numbers.count))
        try checked(result, "block signals")
        try checked(CRGWHost_ignore_signal(SIGPIPE), "ignore SIGPIPE")
        try checked(CRGWHost_ignore_signal(SIGXFSZ), "ignore SIGXFSZ")
    }

    /// Begins to deliver; signals that came since `block` come first. `deliver` must not block
    /// long.
    package init(_ deliver: @escaping @Sendable (HostSignal) -> Void) throws(HostError) {
        let numbers = HostSignal.allCases.map(\.number)
        // SAFETY: as in `block`.
        let number = try checked(
            unsafe CRGWHost_signal_descriptor(numbers, Int32(numbers.count)), "signalfd")
        let source = Shared(HostDescriptor(adopting: number, path: "signalfd"))
        let stopper = Shared(try HostPipe())
        self.stopper = stopper
        thread = try HostThread(name: "signals") {
            while true {
                let next = CRGWHost_next_signal(
                    source.value.number, stopper.value.reader.number)
                guard next > 0 else { return }
                if let signal = HostSignal(number: next) { deliver(signal) }
            }
        }
    }

    /// Ends the delivery; the signals stay blocked.
    package func stop() {
        // A full pipe has been told to stop already; nothing else can fail on a pipe of our own.
        do throws(HostError) { try stopper.value.writer.write([1].span) } catch {}
        thread.join()
    }
}
