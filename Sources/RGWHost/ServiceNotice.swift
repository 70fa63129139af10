import CRGWHost

/// Telling the service manager that started this process. Source: sd_notify(3).
package struct ServiceNotice: Sendable {
    private let address: String

    /// Nil: nobody asked (NOTIFY_SOCKET is not set).
    package init?() {
        guard let address = HostSurroundings.variable("NOTIFY_SOCKET"), !address.isEmpty else {
            return nil
        }
        self.init(address: address)
    }

    init(address: String) { self.address = address }

    /// Lines `NAME=value`.
    package func send(_ lines: [String]) throws(HostError) {
        let text = lines.joined(separator: "\n")
        // SAFETY: both texts are NUL-terminated and live for the call.
        try checked(unsafe CRGWHost_notify(address, text), "notify", address)
    }
}
