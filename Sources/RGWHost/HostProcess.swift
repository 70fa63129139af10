import CRGWHost
import RGWBase

/// This process and others, as `/proc` and the kernel show them.
package enum HostProcess {
    package static var identifier: Int32 { CRGWHost_pid() }
    package static var effectiveUser: UInt32 { CRGWHost_effective_uid() }

    /// The running kernel's boot; empty where `/proc` does not tell. Source: random(4), boot_id.
    package static func bootIdentifier() -> String {
        (try? HostFile.line("/proc/sys/kernel/random/boot_id")) ?? ""
    }

    /// Clock ticks after boot at which a process started, so that a reused number is another
    /// process; nil: no such process. Source: proc_pid_stat(5), field 22.
    package static func startTime(of process: Int32) -> UInt64? {
        guard let line = try? HostFile.line("/proc/\(process)/stat"),
            // The name, field 2, is in parentheses and may contain spaces and parentheses.
            let end = line.lastIndex(of: ")")
        else { return nil }
        let fields = line[line.index(after: end)...].split(separator: " ")
        return fields.count > 19 ? UInt64(fields[19]) : nil
    }

    /// Every file that waits to be uploaded keeps a descriptor, and the limit that a shell gives is for programs
    /// that use select(2). Returns how many this process may have open now. Source: getrlimit(2).
    package static func raiseDescriptorLimit() throws(HostError) -> Int {
        Int(
            clamping: try checked(
                CRGWHost_raise_descriptor_limit(), "raise the limit of open files"))
    }

    /// False in a user namespace that knows some of the machine's users only; the files of all others
    /// belong to `overflowUser` there. Source: user_namespaces(7).
    package static func mapsAllUsers() throws(HostError) -> Bool {
        let line = try HostFile.line("/proc/self/uid_map") ?? ""
        return line.split(separator: " ") == ["0", "0", "4294967295"]
    }

    /// Source: proc_sys_kernel(5), overflowuid.
    package static let overflowUser: UInt32 = 65534

    /// Source: gethostname(2).
    package static func hostName() throws(HostError) -> String {
        var result: Int32 = 0
        // SAFETY: the shim fills at most the buffer, with a NUL (HOST_NAME_MAX is 64).
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 256) { buffer, filled in
            result = unsafe CRGWHost_host_name(buffer.baseAddress, buffer.count)
            filled = result == 0 ? (unsafe buffer.firstIndex(of: 0) ?? 0) : 0
        }
        try checked(result, "gethostname")
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Source: kill(2). Signal 0 only asks.
    package static func send(_ signal: Int32, to process: Int32) throws(HostError) {
        try checked(CRGWHost_kill(process, signal), "kill \(process)")
    }

    /// A child's exit status, or 128 + the signal that ended it. Source: waitpid(2).
    package static func wait(for child: Int32) throws(HostError) -> Int32 {
        try checked(CRGWHost_wait(child), "wait for \(child)")
    }

    /// As kill -9 from outside would: nothing is flushed, closed or told. Source: signal(7).
    package static func killItself() -> Never {
        _ = CRGWHost_kill(identifier, 9)
        // The signal is delivered before the call returns; this is for the compiler.
        CRGWHost_exit(137)
    }

    /// The calling thread goes no further; the others do.
    package static func stopThread() -> Never {
        let never = HostCondition<Void>(())
        while true { _ = never.wait(until: .distantFuture) { _ in nil as Void? } }
    }

    /// Ends the process at once: no handlers, no buffers. Source: _exit(2).
    package static func exit(_ status: Int32) -> Never { CRGWHost_exit(status) }
}
