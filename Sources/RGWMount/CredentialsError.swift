/// Why there are no keys: one sentence with file and line, never with a secret.
package enum CredentialsError: Error, Equatable, Sendable, CustomStringConvertible {
    case absent(path: String)
    case unreadable(path: String, reason: String)
    /// Group or others have access; `permissions` are the file's bits.
    case exposed(path: String, permissions: UInt32)
    case empty(path: String)
    case syntax(path: String, line: Int, expected: String)
    /// A character in a key that no key has, such as a blank, or one that cannot be seen.
    case invisible(path: String, line: Int)
    case noKeysInJSON(path: String)
    case noSuchProfile(path: String, profile: String, known: [String])
    case profileIncomplete(path: String, line: Int, profile: String, missing: String)
    /// A file with keys for other buckets only.
    case noKeyForBucket(path: String, bucket: String)
    case duplicate(path: String, line: Int, what: String)
    /// A profile was asked for, and the file's format has none.
    case profileInWrongFormat(path: String, profile: String)
    case halfInEnvironment(present: String, missing: String)
    /// The variable's value has a character that no key has.
    case invisibleInEnvironment(variable: String)
    /// A profile from which no keys can be had.
    case profileUnusable(path: String, line: Int, profile: String, reason: String)
    /// Others may change a file that names programs to run.
    case writable(path: String, permissions: UInt32)
    /// `credential_process` is no command.
    case noCommand
    /// What should give keys gave none: a program, a token's file, or the server. The reason is a sentence without a
    /// secret; `isFinal`: it will be the same the next time.
    case noSession(from: String, reason: String, isFinal: Bool)
    case noHome(profile: String)
    case nothingFound(lookedAt: [String])

    package var description: String {
        switch self {
        case .absent(let path):
            "there is no credentials file \(Shown.path(path))"
        case .unreadable(let path, let reason):
            "cannot read the credentials file \(Shown.path(path)): \(reason)"
        case .exposed(let path, let permissions):
            "the credentials file \(Shown.path(path)) is accessible to group or others (mode "
                + "\(Self.octal(permissions))): run chmod 600 \(Shown.path(path))"
        case .empty(let path):
            "the credentials file \(Shown.path(path)) is empty"
        case .syntax(let path, let line, let expected):
            "\(Shown.path(path)):\(line): expected \(expected)"
        case .invisible(let path, let line):
            "\(Shown.path(path)):\(line): a key has a character that is not printable ASCII: type "
                + "it again"
        case .noKeysInJSON(let path):
            "\(Shown.path(path)): expected the output of 'radosgw-admin user info' with an "
                + "access_key and a secret_key in \"keys\""
        case .noSuchProfile(let path, let profile, let known):
            "\(Shown.path(path)) has no profile '\(Shown.text(profile))' (it has: "
                + "\(known.isEmpty ? "none" : Shown.text(known.joined(separator: ", "))))"
        case .profileIncomplete(let path, let line, let profile, let missing):
            "\(Shown.path(path)):\(line): profile '\(Shown.text(profile))' has no \(missing)"
        case .noKeyForBucket(let path, ""):
            "\(Shown.path(path)) has no default key, which the source / needs"
        case .noKeyForBucket(let path, let bucket):
            "\(Shown.path(path)) has no key for bucket '\(bucket)' and no default key"
        case .duplicate(let path, let line, let what):
            "\(Shown.path(path)):\(line): a second \(Shown.text(what))"
        case .profileInWrongFormat(let path, let profile):
            "\(Shown.path(path)) has no profiles, so profile '\(Shown.text(profile))' cannot be "
                + "in it"
        case .halfInEnvironment(let present, let missing):
            "\(present) is set in the environment, but \(missing) is not"
        case .invisibleInEnvironment(let variable):
            "\(variable) in the environment has a character that is not printable ASCII"
        case .profileUnusable(let path, let line, let profile, let reason):
            "\(Shown.path(path)):\(line): profile '\(Shown.text(profile))': \(reason)"
        case .writable(let path, let permissions):
            "the configuration file \(Shown.path(path)) can be changed by group or others (mode "
                + "\(Self.octal(permissions))): run chmod go-w \(Shown.path(path))"
        case .noCommand:
            "credential_process: expected a command (are its quotes closed?)"
        case .noSession(let source, let reason, _):
            "no keys from \(Shown.text(source)): \(reason)"
        case .noHome(let profile):
            "HOME is not set, so profile '\(Shown.text(profile))' cannot be looked up in "
                + "~/.aws/credentials"
        case .nothingFound(let lookedAt):
            "no credentials found: looked at \(lookedAt.joined(separator: ", ")); give "
                + "credentials=FILE, or public_bucket for a public bucket"
        }
    }

    private static func octal(_ permissions: UInt32) -> String {
        let digits = String(permissions & 0o7777, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
