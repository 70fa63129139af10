package import RGWBase
import RGWCrypto
import RGWObject

/// A role to be taken on, as STS has it.
package struct RoleRequest: Equatable, Sendable {
    /// `arn:aws:iam:::role/NAME`
    package var arn: String
    /// What the server's log calls the session.
    package var sessionName: String
    package var externalID: String?
    /// Nil: the server's own, an hour.
    package var seconds: Int?

    package init(
        arn: String, sessionName: String = RoleRequest.defaultName, externalID: String? = nil,
        seconds: Int? = nil
    ) {
        self.arn = arn
        self.sessionName = sessionName
        self.externalID = externalID
        self.seconds = seconds
    }

    package static let defaultName = "rgwfs"
}

/// The requests of the security token service, and its answers, as bytes.
///
/// Source: AWS Security Token Service API reference, AssumeRole and AssumeRoleWithWebIdentity; RGW serves them at the
/// same address as S3 where `rgw_s3_auth_use_sts` is on (Ceph documentation, "STS in Ceph").
package enum TokenService {
    /// Keys with an end, as the service gave them.
    package struct Session: Equatable, Sendable {
        package var key: SigningKey
        package var expires: WallTime?
    }

    /// Why there is none: one sentence without a secret. `isFinal`: asking again later gives the same answer.
    package struct Refusal: Error, Equatable, Sendable {
        package var sentence: String
        package var isFinal: Bool
    }

    /// Not signed yet.
    package static func assumeRole(_ role: RoleRequest, at origin: HTTPOrigin) -> HTTPRequest {
        form(role, "AssumeRole", [("ExternalId", role.externalID)], origin)
    }

    /// Not to be signed: the token says who asks.
    package static func assumeRole(
        _ role: RoleRequest, token: Secret, at origin: HTTPOrigin
    ) -> HTTPRequest {
        form(
            role, "AssumeRoleWithWebIdentity", [("WebIdentityToken", token.exposed)], origin)
    }

    private static func form(
        _ role: RoleRequest, _ action: String, _ more: [(String, String?)], _ origin: HTTPOrigin
    ) -> HTTPRequest {
        let fields: [(String, String?)] =
            [
                ("Action", action), ("Version", "2011-06-15"), ("RoleArn", role.arn),
                ("RoleSessionName", role.sessionName),
                ("DurationSeconds", role.seconds.map(String.init)),
            ] + more
        let text = fields.compactMap { name, value in
            value.map { "\(name)=\(URIEncoding.encodeQuery($0))" }
        }.joined(separator: "&")
        let body = Array(text.utf8)
        var request = HTTPRequest(.post, origin: origin, path: "/", body: .bytes(body))
        request.headers["content-type"] = "application/x-www-form-urlencoded"
        request.payload = .sha256(Hash.sha256(body))
        return request
    }

    package static func session(from response: HTTPResponse) throws(Refusal) -> Session {
        guard response.isSuccess else { throw refusal(response) }
        var found: [String: String] = [:]
        do throws(XMLError) {
            var reader = XMLReader(response.body)
            _ = try reader.root()
            try read(&reader, into: &found)
        } catch {
            throw Refusal(sentence: "the answer is no XML (is it RGW?)", isFinal: false)
        }
        guard let access = found["AccessKeyId"], !access.isEmpty,
            let secret = found["SecretAccessKey"], !secret.isEmpty,
            let token = found["SessionToken"], !token.isEmpty
        else { throw Refusal(sentence: "the answer has no session (is STS on?)", isFinal: true) }
        return Session(
            key: SigningKey(
                accessKey: access, secret: Secret(secret), sessionToken: Secret(token)),
            expires: found["Expiration"].flatMap(CivilTime.parseISO8601))
    }

    /// The leaves by name, from the elements that lead to them.
    private static func read(
        _ reader: inout XMLReader, into found: inout [String: String]
    ) throws(XMLError) {
        while let name = try reader.nextChild() {
            switch name {
            case "AssumeRoleResult", "AssumeRoleWithWebIdentityResult", "Credentials", "Error":
                try read(&reader, into: &found)
            case "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration", "Code", "Message":
                found[name] = try reader.string()
            default: try reader.skip()
            }
        }
    }

    private static func refusal(_ response: HTTPResponse) -> Refusal {
        var found: [String: String] = [:]
        do throws(XMLError) {
            var reader = XMLReader(response.body)
            _ = try reader.root()
            try read(&reader, into: &found)
        } catch { found = [:] }
        let words = ["HTTP \(response.status)", found["Code"] ?? ""].filter { !$0.isEmpty }
        return Refusal(
            sentence: LineText.escaped(words.joined(separator: " "), max: 200),
            isFinal: (400...499).contains(response.status) && ![408, 429].contains(response.status))
    }
}
