/// Says when free memory is to go back to the system: malloc(3) keeps what was freed.
///
/// Giving it back makes the next use of each page a page fault. So a busy mount gives back only what it has not
/// needed for a while; an idle one gives back nearly everything, once.
package struct MemoryWatch: Equatable, Sendable {
    /// Memory and work of the process, as they are now.
    package struct Sample: Equatable, Sendable {
        /// Bytes in memory that are no file's: heaps and stacks.
        package var anonymous: UInt64
        /// Bytes allocated and not freed.
        package var allocated: UInt64
        /// Processor time so far.
        package var processor: Duration

        package init(anonymous: UInt64, allocated: UInt64, processor: Duration) {
            self.anonymous = anonymous
            self.allocated = allocated
            self.processor = processor
        }

        fileprivate var unused: UInt64 { anonymous - min(anonymous, allocated) }
    }

    /// What an idle process may keep beyond what the last trim left.
    private static let idleMax: UInt64 = 16 << 20
    /// What a busy process keeps for its next moment.
    private static let busyMax: UInt64 = 128 << 20

    private var last: Sample?
    private var before: Sample?
    /// Free bytes that the last trim could not give back.
    private var floor: UInt64 = 0
    private var hasTrimmed = false

    package init() {}

    /// Asked every few seconds, `pause` after the last time. True: give free memory back now.
    package mutating func look(_ sample: Sample, after pause: Duration) -> Bool {
        let (last, before) = (self.last, self.before)
        (self.before, self.last) = (last, sample)
        if hasTrimmed { floor = sample.unused }
        hasTrimmed = false
        guard let last, sample.unused > Self.idleMax + floor else { return false }
        // Less than a fiftieth of one core: nobody reads or writes much.
        hasTrimmed = sample.processor - last.processor < pause / 50
        if !hasTrimmed, let before {
            // Free at three looks in a row.
            let least = min(sample.unused, last.unused, before.unused)
            hasTrimmed = least > Self.busyMax + floor
        }
        return hasTrimmed
    }
}
