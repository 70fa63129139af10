import RGWCrypto
import RGWObject
package import RGWSpool
import Synchronization

/// One data file in memory.
package final class MemoryFile: SpoolFile {
    private let bytes = Mutex<[UInt8]>([])
    private let faults: SpoolFaults
    private let disk: MemoryDisk

    init(faults: SpoolFaults, disk: MemoryDisk) {
        self.faults = faults
        self.disk = disk
    }

    deinit {
        faults.note("close")
        disk.giveBack(bytes.withLock { UInt64($0.count) })
    }

    package var descriptor: Int32 { -1 }

    package func write(_ span: Span<UInt8>, at offset: UInt64) throws(SpoolError) {
        try faults.check(.write)
        var copy: [UInt8] = []
        for index in span.indices { copy.append(span[index]) }
        let start = Int(offset)
        let fits = bytes.withLock { [copy] bytes in
            let end = start + copy.count
            var got = copy.count
            if bytes.count < end {
                let more = end - bytes.count
                let taken = Int(disk.take(UInt64(more)))
                // As write(2) in a loop does: what fits is written.
                got = max(0, copy.count - (more - taken))
                bytes.append(contentsOf: [UInt8](repeating: 0, count: taken))
            }
            let last = min(start + got, bytes.count)
            if start < last { bytes.replaceSubrange(start..<last, with: copy[..<(last - start)]) }
            return got == copy.count
        }
        if !fits { throw .full }
    }

    package func read(at offset: UInt64, count: Int) throws(SpoolError) -> [UInt8] {
        try faults.check(.read)
        return bytes.withLock { bytes in
            let start = min(bytes.count, Int(offset))
            return Array(bytes[start..<min(bytes.count, start + count)])
        }
    }

    package func truncate(to size: UInt64) throws(SpoolError) {
        try faults.check(.truncate)
        let fits = bytes.withLock { bytes in
            if bytes.count > Int(size) {
                disk.giveBack(UInt64(bytes.count) - size)
                bytes.removeLast(bytes.count - Int(size))
                return true
            }
            let more = size - UInt64(bytes.count)
            let taken = disk.take(more)
            guard taken == more else {
                disk.giveBack(taken)
                return false
            }
            bytes.append(contentsOf: [UInt8](repeating: 0, count: Int(more)))
            return true
        }
        if !fits { throw .full }
    }

    package func size() throws(SpoolError) -> UInt64 {
        faults.note("size")
        return bytes.withLock { UInt64($0.count) }
    }
    package func sync() throws(SpoolError) { try faults.check(.syncAll) }

    package func md5(length: UInt64) throws(SpoolError) -> [UInt8] { try md5(of: 0..<length) }

    package func md5(of range: Range<UInt64>) throws(SpoolError) -> [UInt8] {
        try faults.check(.digest)
        let part: [UInt8]? = bytes.withLock { bytes in
            bytes.count < Int(range.upperBound)
                ? nil : Array(bytes[Int(range.lowerBound)..<Int(range.upperBound)])
        }
        guard let part else { throw .failed(operation: "md5", errno: 5) }
        return Hash.md5(part)
    }

    package func punchHole(_ range: Range<UInt64>) throws(SpoolError) {
        bytes.withLock { bytes in
            for index in Int(range.lowerBound)..<min(bytes.count, Int(range.upperBound)) {
                bytes[index] = 0
            }
        }
    }

    package func allocate(_ range: Range<UInt64>, keepSize: Bool) throws(SpoolError) {
        try faults.check(.allocate)
        if !keepSize, try size() < range.upperBound { try truncate(to: range.upperBound) }
    }

    package func seek(from offset: UInt64, hole: Bool) throws(SpoolError) -> UInt64? {
        let size = try size()
        return offset >= size ? nil : hole ? size : offset
    }
}
