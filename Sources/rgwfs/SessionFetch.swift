import RGWBase
import RGWClient
import RGWControl
import RGWHost
import RGWMount
import RGWObject
import RGWWire

/// Fetches keys with an end from where they are given: a program, or STS at the mount's own server.
///
/// Waits; for threads that nobody else waits for.
struct SessionFetch: Sendable {
    let transport: any HTTPTransport
    let environment: LiveEnvironment
    let server: Endpoint
    let region: String
    let clock: HostClock

    /// How long a program may take, and the server.
    private static let patience = Duration.seconds(30)
    /// A token is some kilobytes; headers and forms of more are refused anyway.
    private static let tokenLengthMax = 64 << 10

    func session(_ source: CredentialsSource) throws(CredentialsError) -> CredentialsSession {
        switch source {
        case .keys(let credentials): return CredentialsSession(credentials, expires: nil)
        case .process(let words): return try run(words)
        case .role(let role, let source):
            // A role's keys may be a session themselves.
            let asker = try session(source)
            guard let key = asker.credentials.signingKey else {
                throw .noSession(from: role.arn, reason: "nobody to ask as", isFinal: true)
            }
            let request = TokenService.assumeRole(role, at: server.origin)
            let signed = SignatureV4(key: key, region: region).sign(request, at: clock.wallTime())
            return try ask(signed, role)
        case .webIdentity(let role, let path):
            let token = try token(path)
            return try ask(TokenService.assumeRole(role, token: token, at: server.origin), role)
        }
    }

    private func token(_ path: String) throws(CredentialsError) -> Secret {
        let reason: String
        switch environment.readFile(path, limit: Self.tokenLengthMax) {
        case .content(let content):
            let text = String(decoding: content.bytes, as: UTF8.self)
            let token = text.filter { !$0.isWhitespace }
            if !token.isEmpty { return Secret(token) }
            reason = "it is empty"
        case .absent: reason = "there is no such file"
        case .tooLong: reason = "it is longer than 64 KiB"
        case .failed(let why): reason = why
        }
        throw .noSession(from: path, reason: reason, isFinal: false)
    }

    private func ask(
        _ request: HTTPRequest, _ role: RoleRequest
    ) throws(CredentialsError) -> CredentialsSession {
        let options = TransferOptions(
            lane: .metadata, connectTimeout: Self.patience / 2, stallTimeout: Self.patience / 2,
            totalTimeout: Self.patience, isIdempotent: true, delivery: .collected(max: 1 << 20))
        let answer = HostCondition<Result<HTTPResponse, TransportError>?>(nil)
        _ = transport.send(request, options: options) { result in answer.update { $0 = result } }
        // The transport bounds how long it takes.
        let result: Result<HTTPResponse, TransportError> = answer.wait { state in
            state.map { .done($0) } ?? .until(.distantFuture)
        }
        switch result {
        case .failure(let error):
            throw .noSession(from: role.arn, reason: "\(error.text)", isFinal: false)
        case .success(let response):
            do throws(TokenService.Refusal) {
                let session = try TokenService.session(from: response)
                let key = session.key
                return CredentialsSession(
                    .keys(
                        accessKey: key.accessKey, secret: key.secret, sessionToken: key.sessionToken
                    ),
                    expires: session.expires)
            } catch {
                throw .noSession(
                    from: role.arn, reason: "STS at \(server): \(error.sentence)",
                    isFinal: error.isFinal)
            }
        }
    }

    /// Source: AWS SDKs and Tools Reference Guide, "Process credential provider".
    private func run(_ words: [String]) throws(CredentialsError) -> CredentialsSession {
        let name = words.first ?? ""
        func none(_ reason: String) -> CredentialsError {
            .noSession(from: name, reason: reason, isFinal: false)
        }
        let output: (status: Int32, bytes: [UInt8])?
        do throws(HostError) {
            output = try HostChild.output(of: words, within: Self.patience)
        } catch { throw none(error.reason) }
        guard let output else { throw none("it did not end within 30 s") }
        guard output.status == 0 else { throw none("it ended with status \(output.status)") }
        return try ProcessAnswer.session(output.bytes, from: name)
    }
}
