import CRGWHost

/// This process's memory, as the system and malloc(3) count it.
package enum HostMemory {
    /// Pages in memory that are no file's, in bytes; 0 where `/proc` does not tell.
    /// Source: proc_pid_statm(5), fields 2 and 3.
    package static func anonymous() -> UInt64 {
        guard let line = try? HostFile.line("/proc/self/statm") else { return 0 }
        let pages = line.split(separator: " ").dropFirst().prefix(2).compactMap { UInt64($0) }
        guard pages.count == 2 else { return 0 }
        let (bytes, overflow) = (pages[0] - min(pages[0], pages[1]))
            .multipliedReportingOverflow(by: UInt64(clamping: CRGWHost_page_size()))
        return overflow ? 0 : bytes
    }

    /// All pages in memory, in bytes; 0 where `/proc` does not tell. Source: proc_pid_statm(5), field 2.
    package static func resident() -> UInt64 {
        guard let line = try? HostFile.line("/proc/self/statm"),
            let pages = line.split(separator: " ").dropFirst().first.flatMap({ UInt64($0) })
        else { return 0 }
        let (bytes, overflow) = pages.multipliedReportingOverflow(
            by: UInt64(clamping: CRGWHost_page_size()))
        return overflow ? 0 : bytes
    }

    /// Bytes that are allocated and not freed. Looks through all heaps. Source: mallinfo2(3).
    package static func allocated() -> UInt64 { UInt64(clamping: CRGWHost_allocated_bytes()) }

    /// Gives free pages back to the system. Source: malloc_trim(3).
    package static func trim() { CRGWHost_trim_memory() }

    /// Processor time of this process so far. Source: clock_gettime(2), CLOCK_PROCESS_CPUTIME_ID.
    package static func processorTime() -> Duration {
        .nanoseconds(CRGWHost_processor_nanoseconds())
    }

    /// Few heaps, so that what one thread has freed serves the others. Must run before any thread is
    /// started.
    ///
    /// glibc makes up to eight heaps for each core, and its limit for mapping a block by itself grows up to 32 MiB by
    /// itself; both keep what has been freed once. Source: mallopt(3).
    package static func keepSmall() {
        CRGWHost_set_allocator(arenasMax, mappedBytesMin, topBytesMax)
    }

    /// Threads that allocate at the same time: libcurl's, and some of libfuse's.
    private static let arenasMax: Int32 = 4
    /// Larger than a block of the read cache (256 KiB): those come and go too often to be mapped each.
    private static let mappedBytesMin: Int32 = 1 << 20
    private static let topBytesMax: Int32 = 4 << 20
}
