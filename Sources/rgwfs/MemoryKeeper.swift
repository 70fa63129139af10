import RGWBase
import RGWHost
import RGWMount

/// Gives memory that was freed back to the system, now and then; see `MemoryWatch`.
///
/// For one thread.
struct MemoryKeeper {
    private var watch = MemoryWatch()
    private var last = HostClock().now()

    /// Called every few seconds.
    mutating func look() {
        let now = HostClock().now()
        let sample = MemoryWatch.Sample(
            anonymous: HostMemory.anonymous(), allocated: HostMemory.allocated(),
            processor: HostMemory.processorTime())
        if watch.look(sample, after: now - last) { HostMemory.trim() }
        last = now
    }
}
