import CRGWHost

/// A user of this machine, as the user database and their processes show them.
package struct HostUser: Equatable, Sendable {
    package var identifier: UInt32
    /// `ann`, or `user 1000` where the database does not know them.
    package var name: String
    /// Nil: the database does not know the user.
    package var home: String?

    /// Source: getpwuid(3).
    package init(_ identifier: UInt32) {
        self.identifier = identifier
        var result: Int32 = 0
        var name: [CChar] = []
        // SAFETY: the shim fills at most the two buffers, each with a NUL, when it returns 0.
        let home = unsafe [CChar](unsafeUninitializedCapacity: 4096) { home, homeFilled in
            name = unsafe [CChar](unsafeUninitializedCapacity: 256) { name, nameFilled in
                guard let homeBase = home.baseAddress, let nameBase = name.baseAddress else {
                    return
                }
                result = unsafe CRGWHost_user(
                    identifier, homeBase, home.count, nameBase, name.count)
                nameFilled = result == 0 ? (unsafe name.firstIndex(of: 0) ?? 0) : 0
            }
            homeFilled = result == 0 ? (unsafe home.firstIndex(of: 0) ?? 0) : 0
        }
        func text(_ characters: [CChar]) -> String {
            String(decoding: characters.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        self.home = result == 0 ? text(home) : nil
        self.name = result == 0 ? text(name) : "user \(identifier)"
    }

    /// The environments of this user's processes with one of these names, as far as the caller may read them: root
    /// may, others only their own. Source: proc_pid_environ(5), proc_pid_comm(5).
    package func environments(ofProcesses names: Set<String>) -> [[String: String]] {
        guard let entries = try? HostNames.list("/proc") else { return [] }
        return entries.compactMap { entry in
            guard entry.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let status = try? HostNames.status("/proc/\(entry)"), status.uid == identifier,
                let name = try? HostFile.line("/proc/\(entry)/comm"), names.contains(name),
                let contents = try? HostFile.read("/proc/\(entry)/environ", limit: 1 << 21)
            else { return nil }
            var variables: [String: String] = [:]
            for part in contents.bytes.split(separator: 0) {
                let text = String(decoding: part, as: UTF8.self)
                guard let sign = text.firstIndex(of: "=") else { continue }
                variables[String(text[..<sign])] = String(text[text.index(after: sign)...])
            }
            return variables
        }
    }
}
