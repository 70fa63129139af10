import CRGWHost

/// The process's surroundings: variables, identities, paths.
package enum HostSurroundings {
    /// Nil: not set. Source: getenv(3).
    package static func variable(_ name: String) -> String? {
        // SAFETY: the text is copied at once, and nothing in rgwfs changes the environment.
        guard let text = unsafe CRGWHost_variable(name) else { return nil }
        return unsafe String(cString: text)
    }

    /// Who started the program, also when it is setuid. Source: getuid(2), getgid(2).
    package static var user: UInt32 { CRGWHost_real_uid() }
    package static var group: UInt32 { CRGWHost_real_gid() }

    package static func workingDirectory() throws(HostError) -> String {
        // SAFETY: the shim fills at most the buffer, with a NUL.
        try unsafe path("getcwd", nil) { unsafe CRGWHost_working_directory($0, pathLengthMax) }
    }

    /// Absolute, without symbolic links; every part must exist. Source: realpath(3).
    package static func realPath(_ name: String) throws(HostError) -> String {
        // SAFETY: `name` lives for the call; the shim fills at most PATH_MAX bytes, with a NUL.
        try unsafe path("realpath", name) { unsafe CRGWHost_real_path(name, $0) }
    }

    /// True: the descriptor is a terminal. Source: isatty(3).
    package static func isTerminal(_ descriptor: Int32) -> Bool {
        CRGWHost_is_terminal(descriptor) == 1
    }

    /// PATH_MAX, limits.h.
    private static let pathLengthMax = 4096

    private static func path(
        _ operation: String, _ name: String?, _ fill: (UnsafeMutablePointer<CChar>) -> Int32
    ) throws(HostError) -> String {
        var result: Int32 = 0
        // SAFETY: `fill` writes at most the buffer and ends with a NUL when it returns 0.
        let bytes = unsafe [CChar](unsafeUninitializedCapacity: pathLengthMax) { buffer, filled in
            guard let base = buffer.baseAddress else { return }
            result = unsafe fill(base)
            filled = result == 0 ? (unsafe buffer.firstIndex(of: 0) ?? 0) : 0
        }
        try checked(result, operation, name)
        return String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Extended attributes of names.
package enum HostAttributes {
    /// The value as text; fails with ENODATA or EOPNOTSUPP where there is none. Source:
    /// getxattr(2).
    package static func text(_ name: String, of path: String) throws(HostError) -> String {
        var result: Int64 = 0
        // SAFETY: both strings live for the call; at most the buffer's size is written.
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 4096) { buffer, filled in
            guard let base = buffer.baseAddress else { return }
            result = unsafe CRGWHost_attribute(path, name, base, buffer.count)
            filled = max(0, Int(result))
        }
        try checked(result, "getxattr \(name)", path)
        return String(decoding: bytes, as: UTF8.self)
    }
}
