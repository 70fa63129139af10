import CRGWCurl

/// Finds the socket of a connection by its local port.
///
/// libcurl 7.88 tells the socket of a transfer only after its end (CURLINFO_ACTIVESOCKET), but the
/// local port before each request. Descriptors are learnt when libcurl makes them and checked
/// before each use, because nobody tells when it closes them. Used on the transport's thread only.
final class SocketTable {
    private var byPort: [Int32: Int32] = [:]
    /// Made, and not yet seen with a port.
    private var fresh: [Int32] = []

    func opened(_ socket: Int32) { fresh.append(socket) }

    /// The open socket with that local port, or nil.
    func socket(localPort port: Int32) -> Int32? {
        if let socket = byPort[port], CRGWCurl_local_port(socket) == port { return socket }
        byPort[port] = nil
        // Those without a port of their own were closed, or lost a race to another address.
        for socket in fresh {
            let port = CRGWCurl_local_port(socket)
            if port > 0 { byPort[port] = socket }
        }
        fresh.removeAll(keepingCapacity: true)
        if byPort.count > Self.portsMax {
            byPort = byPort.filter { CRGWCurl_local_port($0.value) == $0.key }
        }
        return byPort[port]
    }

    /// More ports than connections: time to forget closed ones.
    private static let portsMax = 1024
}
