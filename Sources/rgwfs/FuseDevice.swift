import RGWHost

/// The kernel's side of FUSE.
enum FuseDevice {
    /// Why it cannot be used, and what to do; nil: it can. libfuse opens it as the user who mounts.
    static func problem() -> String? {
        do throws(HostError) {
            _ = try HostDescriptor("/dev/fuse", .write)
            return nil
        } catch {
            // ENODEV and ENXIO, errno.h: the name is there, and nobody behind it.
            let isMissing = error.isNotFound || error.errno == 19 || error.errno == 6
            let advice =
                isMissing
                ? "load the module (modprobe fuse), or give the container the device"
                : "give this user access to it"
            return "\(error.reason): \(advice)"
        }
    }
}
