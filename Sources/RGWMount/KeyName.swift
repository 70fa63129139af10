import RGWBase
package import RGWObject

/// Which keys a mount can show.
package enum KeyName {
    /// The key is the path of a file or, with a slash at its end, of a directory. `prefix` is the
    /// mount's, empty or with a slash at its end.
    package static func isPath(_ key: ObjectKey, below prefix: [UInt8]) -> Bool {
        var rest = key.bytes.dropFirst(prefix.count)
        // The root's own attributes.
        if rest.isEmpty || (prefix.isEmpty && key.bytes == [0x2F]) { return true }
        if rest.last == 0x2F { rest = rest.dropLast() }
        return rest.split(separator: 0x2F, omittingEmptySubsequences: false).allSatisfy { part in
            (try? EntryName(Array(part))) != nil
        }
    }
}
