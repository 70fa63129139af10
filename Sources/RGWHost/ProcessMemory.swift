import CRGWHost

/// What this process holds in memory.
package enum ProcessMemory {
    /// Resident set, bytes. Source: proc_pid_statm(5), field 2, in pages.
    package static func residentBytes() throws(HostError) -> UInt64 {
        let path = "/proc/self/statm"
        let fields = try HostFile.line(path)?.split(separator: " ") ?? []
        guard fields.count > 1, let pages = UInt64(fields[1]) else {
            throw HostError("read", path: path, errno: 22)
        }
        return pages * UInt64(max(0, CRGWHost_page_size()))
    }
}
