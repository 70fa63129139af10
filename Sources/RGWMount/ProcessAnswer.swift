import RGWBase
package import RGWClient
import RGWControl
import RGWWire

/// What a program prints that gives keys.
package enum ProcessAnswer {
    /// Nothing of the output is repeated in an error. Source: AWS SDKs and Tools Reference Guide, "Process credential
    /// provider": version 1, and without Expiration the keys have no end.
    package static func session(
        _ bytes: [UInt8], from name: String
    ) throws(CredentialsError) -> CredentialsSession {
        func none(_ reason: String) -> CredentialsError {
            .noSession(from: name, reason: reason, isFinal: false)
        }
        let document: JSONValue
        do throws(JSONValue.Malformed) {
            document = try JSONValue(parsing: bytes)
        } catch { throw none("what it prints is not JSON") }
        guard document["Version"] == .number("1") else {
            throw none("what it prints has no \"Version\": 1")
        }
        guard let id = document["AccessKeyId"]?.text,
            let secret = document["SecretAccessKey"]?.text,
            !id.isEmpty, !secret.isEmpty
        else { throw none("what it prints has no AccessKeyId and SecretAccessKey") }
        let token = document["SessionToken"]?.text
        for text in [id, secret, token ?? "x"] where !ByteText.isVisible(text) {
            throw none("a key in what it prints has a character that is not printable ASCII")
        }
        var expires: WallTime?
        if let text = document["Expiration"]?.text, !text.isEmpty {
            // Python and Go print the zone as +00:00, and hundreds of programs are theirs.
            let utc = text.hasSuffix("+00:00") ? "\(text.dropLast(6))Z" : text
            guard let time = CivilTime.parseISO8601(utc) else {
                throw none("its Expiration is no time such as 2030-01-31T12:00:00Z")
            }
            expires = time
        }
        return CredentialsSession(
            .keys(accessKey: id, secret: Secret(secret), sessionToken: token.map { Secret($0) }),
            expires: expires)
    }
}
