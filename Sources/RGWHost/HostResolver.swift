import CRGWHost

/// Names of hosts. Source: getaddrinfo(3).
package enum HostResolver {
    /// How many addresses a name has. ENOENT: no such name; EAGAIN: no name server answers.
    package static func addressCount(of host: String) throws(HostError) -> Int {
        // SAFETY: the name is NUL-terminated and lives for the call.
        Int(try checked(unsafe CRGWHost_resolve(host), "resolve", host))
    }
}
