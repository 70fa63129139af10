import CRGWCurl
import RGWWire

/// The one table from libcurl's codes to transport errors. Source: libcurl-errors(3).
enum CurlError {
    static func translate(_ code: CURLcode, _ message: String, sent: Bool) -> TransportError {
        switch code {
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT,
            CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_PROXY, CURLE_INTERFACE_FAILED,
            CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL:
            .unreachable(message)
        // libcurl says only that it cannot set one of the two files.
        case CURLE_SSL_CERTPROBLEM:
            .unreachable("the client certificate does not work with its key (\(message))")
        // Only the connection has a deadline of libcurl's own; the loop keeps the others.
        case CURLE_OPERATION_TIMEDOUT:
            .unreachable(message)
        case CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_UNSUPPORTED_PROTOCOL,
            CURLE_TOO_MANY_REDIRECTS, CURLE_FILESIZE_EXCEEDED:
            .malformed(sent: sent, message)
        default:
            .broken(sent: sent, message)
        }
    }
}
