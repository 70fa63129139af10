/// How the transport connects; fixed for its life.
package struct CurlConfiguration: Equatable, Sendable {
    /// A PEM file of certificate authorities; nil takes the system's.
    package var caFile: String?
    /// PEM files of a client certificate and its key.
    package var clientCertificateFile: String?
    package var clientKeyFile: String?
    /// False accepts any certificate and any host name in it.
    package var verifiesPeer = true
    /// Where requests go instead of to the server.
    package enum Proxy: Hashable, Sendable {
        case none
        /// What `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say to curl(1).
        case environment
        /// But for servers that `no_proxy` names.
        case url(String)
    }
    package var proxy = Proxy.none
    package var userAgent = "rgwfs"
    /// Requests at once in each lane; the rest waits in line. A connection serves one request.
    package var metadataTransfersMax = 32
    package var bulkTransfersMax = 32
    /// Without it every answer of RGW waits 40 ms for a delayed ACK. Off only to measure that.
    package var setsQuickAck = true
    /// Kept connections older than this are not used again: RGW cuts idle ones after 65 s.
    package var idleAgeMax: Duration = .seconds(50)

    package init() {}
}
