import RGWBase
import RGWClient
import RGWWire

/// Finds out how the keys of an AWS profile are come by.
///
/// Source: AWS SDKs and Tools Reference Guide, "Assume role credential provider" and "Process credential provider"; a
/// role comes before the profile's own keys, those before a program.
struct ProfileResolver {
    /// The names in a profile that matter beside the keys.
    static let settings: Set<String> = [
        "credential_process", "role_arn", "source_profile", "credential_source", "external_id",
        "role_session_name", "duration_seconds", "web_identity_token_file", "mfa_serial",
    ]

    /// The files to look in, keys first.
    let files: [CredentialsFile]
    /// Keys in the environment, for `credential_source = Environment`.
    let environmentKey: Credentials?

    /// Roles that lead to each other.
    private static let depthMax = 5

    func source(of name: String) throws(CredentialsError) -> CredentialsSource {
        try source(of: name, depth: 0)
    }

    private func source(of name: String, depth: Int) throws(CredentialsError) -> CredentialsSource {
        let found = files.compactMap { file in file.profile(name).map { (file, $0) } }
        guard let (file, first) = found.first else {
            throw .noSuchProfile(
                path: files.first?.path ?? "", profile: name,
                known: files.flatMap { $0.profiles.map(\.name) })
        }
        func bad(_ reason: String) -> CredentialsError {
            .profileUnusable(path: file.path, line: first.line, profile: name, reason: reason)
        }
        guard depth < Self.depthMax else { throw bad("its roles lead to each other") }
        var settings: [String: String] = [:]
        for (_, profile) in found { settings.merge(profile.settings) { own, _ in own } }
        if let arn = settings["role_arn"] {
            let role = try role(arn, settings, bad)
            return try sourceOfRole(role, settings, of: name, found, depth, bad)
        }
        if let keys = try keys(found) { return .keys(keys) }
        if let command = settings["credential_process"] {
            guard let words = CommandWords.split(command) else {
                throw bad("credential_process is no command (are its quotes closed?)")
            }
            return .process(words)
        }
        throw .profileIncomplete(
            path: file.path, line: first.line, profile: name, missing: "aws_access_key_id")
    }

    private func sourceOfRole(
        _ role: RoleRequest, _ settings: [String: String], of name: String,
        _ found: [(CredentialsFile, CredentialsFile.Profile)], _ depth: Int,
        _ bad: (String) -> CredentialsError
    ) throws(CredentialsError) -> CredentialsSource {
        if let token = settings["web_identity_token_file"] {
            return .webIdentity(role, tokenFile: token)
        }
        if settings["mfa_serial"] != nil {
            throw bad("mfa_serial needs somebody who types a code; use credential_process")
        }
        if let source = settings["source_profile"] {
            // A profile may name itself: then its own keys are meant.
            if source == name, let keys = try keys(found) { return .role(role, from: .keys(keys)) }
            guard source != name else { throw bad("it is its own source_profile, without keys") }
            return .role(role, from: try self.source(of: source, depth: depth + 1))
        }
        switch settings["credential_source"]?.lowercased() {
        case "environment":
            guard let environmentKey else {
                throw bad("credential_source = Environment, and AWS_ACCESS_KEY_ID is not set")
            }
            return .role(role, from: .keys(environmentKey))
        case nil: break
        default:
            throw bad(
                "credential_source: only Environment is possible here, not a cloud's metadata")
        }
        guard let keys = try keys(found) else {
            throw bad("role_arn needs source_profile, credential_source or web_identity_token_file")
        }
        return .role(role, from: .keys(keys))
    }

    private func keys(
        _ found: [(CredentialsFile, CredentialsFile.Profile)]
    ) throws(CredentialsError) -> Credentials? {
        for (file, profile) in found {
            if let keys = try file.keys(of: profile) { return keys }
        }
        return nil
    }

    private func role(
        _ arn: String, _ settings: [String: String], _ bad: (String) -> CredentialsError
    ) throws(CredentialsError) -> RoleRequest {
        var role = RoleRequest(arn: arn, externalID: settings["external_id"])
        if let name = settings["role_session_name"] { role.sessionName = name }
        if let text = settings["duration_seconds"] {
            guard let seconds = Int(text), (1...43_200).contains(seconds) else {
                throw bad("duration_seconds is a number from 1 to 43200")
            }
            role.seconds = seconds
        }
        return role
    }
}

/// A command line taken apart as a shell would, without a shell: blanks, quotes and backslashes, nothing else.
/// Source: POSIX, Shell Command Language, 2.2 "Quoting".
enum CommandWords {
    /// Nil: there is no word, or a quote is not closed.
    static func split(_ text: String) -> [String]? {
        var words: [String] = []
        var word: [UInt8]?
        var quote: UInt8?
        var isEscaped = false
        for byte in text.utf8 {
            if isEscaped {
                // Between double quotes only these lose their backslash.
                if quote == 0x22, ![0x22, 0x5C, 0x24, 0x60].contains(byte) {
                    word = (word ?? []) + [0x5C]
                }
                word = (word ?? []) + [byte]
                isEscaped = false
            } else if byte == 0x5C, quote != 0x27 {
                isEscaped = true
            } else if let open = quote {
                if byte == open { quote = nil } else { word = (word ?? []) + [byte] }
            } else if byte == 0x22 || byte == 0x27 {
                (quote, word) = (byte, word ?? [])
            } else if ByteText.isBlank(byte) {
                if let ended = word { words.append(String(decoding: ended, as: UTF8.self)) }
                word = nil
            } else {
                word = (word ?? []) + [byte]
            }
        }
        guard quote == nil, !isEscaped else { return nil }
        if let word { words.append(String(decoding: word, as: UTF8.self)) }
        guard let program = words.first, !program.isEmpty else { return nil }
        return words
    }
}
