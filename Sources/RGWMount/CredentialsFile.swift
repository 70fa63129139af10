import RGWBase
package import RGWClient
import RGWControl
package import RGWObject

/// A file with keys in one of three formats; which one is found from its content.
///
/// - s3fs: lines `ACCESS:SECRET` and `bucket:ACCESS:SECRET`. Source: s3fs(1), AUTHENTICATION.
/// - AWS: INI with profiles. Source: AWS CLI user guide, "Configuration and credential file
///   settings".
/// - the JSON that `radosgw-admin user info` prints. Source: radosgw-admin(8).
package struct CredentialsFile: Sendable {
    package enum Format: Equatable, Sendable {
        case s3fs
        case profiles
        case userInfo
    }

    struct Profile: Sendable {
        var name: String
        var line: Int
        var accessKey: String?
        var secretKey: Secret?
        var sessionToken: Secret?
        /// `role_arn`, `credential_process` and the like, as they stand there.
        var settings: [String: String] = [:]
    }

    package static let lengthMax = 1 << 20

    package let path: String
    package let format: Format
    /// s3fs and JSON: by bucket; the empty name is the default.
    private var keys: [String: Credentials] = [:]
    private(set) var profiles: [Profile] = []

    package init(parsing bytes: [UInt8], path: String) throws(CredentialsError) {
        self.path = path
        var lines: [(number: Int, text: String)] = []
        for (number, line) in ByteText.lines(bytes) {
            let text = ByteText.trimmed(line)
            if let first = text.utf8.first, first != 0x23, first != 0x3B {
                lines.append((number, text))
            }
        }
        guard let first = lines.first else { throw .empty(path: path) }
        if first.text.utf8.first == 0x7B {
            format = .userInfo
            keys[""] = try Self.userInfoKey(bytes, path)
        } else if first.text.utf8.first == 0x5B {
            format = .profiles
            profiles = try Self.readProfiles(lines, path)
        } else {
            format = .s3fs
            for (number, line) in lines { try addS3FSLine(line, number) }
        }
    }

    /// How a bucket's keys are come by. `profile` names a section of the AWS format; nil means `default`.
    package func source(
        bucket: BucketName, profile: String?, environmentKey: Credentials? = nil
    ) throws(CredentialsError) -> CredentialsSource {
        guard format == .profiles else {
            return .keys(try key(bucket: bucket, profile: profile))
        }
        return try ProfileResolver(files: [self], environmentKey: environmentKey)
            .source(of: profile ?? "default")
    }

    /// The key for a bucket, in a format without profiles.
    private func key(bucket: BucketName, profile: String?) throws(CredentialsError) -> Credentials {
        if let profile { throw .profileInWrongFormat(path: path, profile: profile) }
        guard let key = keys[bucket.description] ?? keys[bucket.name] ?? keys[""] else {
            throw .noKeyForBucket(path: path, bucket: bucket.description)
        }
        return key
    }

    func profile(_ name: String) -> Profile? { profiles.first { $0.name == name } }

    /// A profile's own keys; nil: it has none at all.
    func keys(of profile: Profile) throws(CredentialsError) -> Credentials? {
        func missing(_ field: String) -> CredentialsError {
            .profileIncomplete(
                path: path, line: profile.line, profile: profile.name, missing: field)
        }
        switch (profile.accessKey, profile.secretKey) {
        case (nil, nil): return nil
        case (nil, .some): throw missing("aws_access_key_id")
        case (.some, nil): throw missing("aws_secret_access_key")
        case (let id?, let secret?):
            return .keys(accessKey: id, secret: secret, sessionToken: profile.sessionToken)
        }
    }

    /// It has something that only its owner may read.
    var hasSecrets: Bool { format != .profiles || profiles.contains { $0.secretKey != nil } }

    /// Whether a profile is there that says anything about keys; else the search goes on.
    func hasSource(of name: String) -> Bool {
        guard let profile = profile(name) else { return false }
        return profile.accessKey != nil || profile.secretKey != nil || !profile.settings.isEmpty
    }
}

// MARK: - s3fs

extension CredentialsFile {
    private static let s3fsForm = "ACCESS_KEY:SECRET_KEY or BUCKET:ACCESS_KEY:SECRET_KEY"

    /// The secret is what follows the last colon, the bucket what precedes the key: `tenant:bucket`
    /// too.
    private mutating func addS3FSLine(_ line: String, _ number: Int) throws(CredentialsError) {
        let fields = line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let hasBlank = line.utf8.contains { ByteText.isBlank($0) }
        guard (2...4).contains(fields.count), !hasBlank, fields.allSatisfy({ !$0.isEmpty }) else {
            throw .syntax(path: path, line: number, expected: Self.s3fsForm)
        }
        guard ByteText.isVisible(line) else { throw .invisible(path: path, line: number) }
        let bucket = fields.dropLast(2).joined(separator: ":")
        let key = Credentials.keys(
            accessKey: fields[fields.count - 2], secret: Secret(fields[fields.count - 1]))
        guard keys.updateValue(key, forKey: bucket) == nil else {
            // The bucket's name is not shown: in a mangled line it may be something else.
            let what = bucket.isEmpty ? "default key" : "key for the same bucket"
            throw .duplicate(path: path, line: number, what: what)
        }
    }
}

// MARK: - AWS profiles

extension CredentialsFile {
    private static func readProfiles(
        _ lines: [(number: Int, text: String)], _ path: String
    ) throws(CredentialsError) -> [Profile] {
        var profiles: [Profile] = []
        for (number, text) in lines {
            if text.utf8.first == 0x5B {
                var name = ByteText.trimmed(text.dropFirst().dropLast())
                // ~/.aws/config writes [profile NAME], ~/.aws/credentials writes [NAME].
                if name.utf8.starts(with: "profile ".utf8) {
                    name = ByteText.trimmed(name.dropFirst(8))
                }
                guard text.utf8.last == 0x5D, !name.isEmpty else {
                    throw .syntax(path: path, line: number, expected: "[profile]")
                }
                guard !profiles.contains(where: { $0.name == name }) else {
                    throw .duplicate(path: path, line: number, what: "profile [\(name)]")
                }
                profiles.append(Profile(name: name, line: number))
                continue
            }
            let (rawName, rawValue) = ByteText.assignment(text)
            guard let rawValue, var profile = profiles.popLast() else {
                throw .syntax(path: path, line: number, expected: "name = value")
            }
            let value = ByteText.trimmed(rawValue)
            let name = ByteText.trimmed(rawName).lowercased()
            if value.isEmpty, name.utf8.starts(with: "aws_".utf8) {
                throw .syntax(path: path, line: number, expected: "a value")
            }
            if name.utf8.starts(with: "aws_".utf8), !ByteText.isVisible(value) {
                throw .invisible(path: path, line: number)
            }
            switch name {
            case "aws_access_key_id": profile.accessKey = value
            case "aws_secret_access_key": profile.secretKey = Secret(value)
            case "aws_session_token": profile.sessionToken = Secret(value)
            // How a session is come by; region, output and settings of other tools are none of ours.
            case let name where ProfileResolver.settings.contains(name):
                profile.settings[name] = value
            default: break
            }
            profiles.append(profile)
        }
        return profiles
    }
}

// MARK: - radosgw-admin user info

extension CredentialsFile {
    private static func userInfoKey(
        _ bytes: [UInt8], _ path: String
    ) throws(CredentialsError) -> Credentials {
        let document: JSONValue
        do throws(JSONValue.Malformed) {
            document = try JSONValue(parsing: Array(ByteText.withoutMark(bytes)))
        } catch {
            throw .syntax(path: path, line: error.line, expected: "JSON")
        }
        guard case .array(let keys)? = document["keys"], let first = keys.first,
            let id = first["access_key"]?.text, !id.isEmpty,
            let secret = first["secret_key"]?.text, !secret.isEmpty
        else { throw .noKeysInJSON(path: path) }
        return .keys(accessKey: id, secret: Secret(secret))
    }
}
