import RGWBase
import RGWClient
import RGWCurl
import RGWHost
import RGWMount
import RGWObject
import RGWWire

/// Whether a server that was not understood speaks the other one of http and https at the same port.
///
/// No keys are sent, and no certificate is checked: all that is asked is whether somebody answers.
enum OtherScheme {
    /// Nobody waits longer for a hint.
    private static let patience = Duration.seconds(1)

    static func answers(_ plan: MountPlan, _ clock: HostClock) -> Bool {
        var configuration = CurlConfiguration()
        configuration.verifiesPeer = false
        guard let transport = try? CurlTransport(configuration: configuration, clock: clock) else {
            return false
        }
        defer { transport.shutDown() }
        let server = plan.server
        let origin = HTTPOrigin(
            secure: server.scheme == .http, host: server.host, port: server.effectivePort)
        let options = TransferOptions(
            lane: .metadata, connectTimeout: patience, stallTimeout: patience, isIdempotent: true)
        let answer = HostCondition<Bool?>(nil)
        let request = transport.send(
            HTTPRequest(.get, origin: origin, path: "/"), options: options
        ) { result in
            if case .success = result { return answer.update { $0 = true } }
            answer.update { $0 = false }
        }
        guard let found = answer.wait(until: clock.now() + patience, { $0 }) else {
            request.cancel()
            return false
        }
        return found
    }
}
