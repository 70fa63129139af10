import HeapModule
import RGWBase
import RGWObject
import RGWSpool

/// What may start, and what waits for what.
extension IntentTable {
    func mayStart(_ record: IntentRecord) -> Bool {
        if reservedKeys[record.address] != nil { return false }
        if reservedPrefixes.contains(where: { $0.contains(record.address) }) { return false }
        if let after = record.after, after != record.address, isPending(after) { return false }
        if record.want == .removeDirectory,
            pendingBelow(KeyPrefix(marker: record.address), marker: record.address) > 0
        {
            return false
        }
        return true
    }

    mutating func enqueue(_ address: ObjectAddress) {
        guard let intent = intents[address] else { return }
        stalled.remove(address)
        queue.insert(Due(due: intent.due, order: intent.revision, address: address))
    }

    /// Something at `address` ended: what waited for it may start now.
    mutating func wake(after address: ObjectAddress) {
        guard !stalled.isEmpty else { return }
        if stalled.contains(address) { enqueue(address) }
        for candidate in stalledAfter.removeValue(forKey: address) ?? []
        where stalled.contains(candidate) {
            enqueue(candidate)
        }
        // Directories above, when nothing else is left below them. Looked up by name: with many waiting
        // directories, asking each of them at every deletion would take quadratic time.
        let bytes = address.key.bytes
        for (index, byte) in bytes.enumerated() where byte == 0x2F {
            let prefix = KeyPrefix(bucket: address.bucket, bytes: Array(bytes[...index]))
            guard below[prefix, default: 0] <= 1, let key = try? ObjectKey(prefix.bytes) else {
                continue
            }
            let marker = ObjectAddress(bucket: address.bucket, key: key)
            if stalled.contains(marker) { enqueue(marker) }
        }
    }

    mutating func count(_ address: ObjectAddress, by change: Int) {
        let bytes = address.key.bytes
        count(KeyPrefix(bucket: address.bucket, bytes: []), by: change)
        for (index, byte) in bytes.enumerated() where byte == 0x2F {
            count(KeyPrefix(bucket: address.bucket, bytes: Array(bytes[...index])), by: change)
        }
    }

    private mutating func count(_ prefix: KeyPrefix, by change: Int) {
        let value = below[prefix, default: 0] + change
        below[prefix] = value == 0 ? nil : value
    }

    // MARK: Reservations

    /// A rename works on this key or on a directory above it.
    func isReserved(_ address: ObjectAddress) -> Bool {
        reservedKeys[address] != nil
            || reservedPrefixes.contains { $0.contains(address) }
    }

    /// A rename works on a key below this directory, or on the directory.
    func isReserved(prefix: KeyPrefix) -> Bool {
        reservedPrefixes.contains { prefix.contains($0) }
    }

    mutating func reserve(_ address: ObjectAddress) { reservedKeys[address, default: 0] += 1 }

    mutating func reserve(prefix: KeyPrefix) { reservedPrefixes.append(prefix) }

    mutating func release(_ address: ObjectAddress) {
        if let count = reservedKeys[address] { reservedKeys[address] = count > 1 ? count - 1 : nil }
        if stalled.contains(address) { enqueue(address) }
    }

    mutating func release(prefix: KeyPrefix) {
        if let index = reservedPrefixes.firstIndex(of: prefix) {
            reservedPrefixes.remove(at: index)
        }
        for address in stalled where prefix.contains(address) { enqueue(address) }
    }
}
