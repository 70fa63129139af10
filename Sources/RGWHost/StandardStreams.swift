import CRGWHost

/// Standard input, output and error together.
enum StandardStreams {
    /// Leads them to /dev/null, so that nobody waits for the end of what this process inherited.
    static func silence() throws(HostError) {
        let null = try HostDescriptor("/dev/null", .write)
        for stream: Int32 in 0...2 {
            try checked(CRGWHost_dup2(null.number, stream), "dup2", "/dev/null")
        }
    }
}
