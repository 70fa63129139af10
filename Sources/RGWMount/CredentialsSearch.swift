import RGWBase
import RGWClient
package import RGWObject

/// Finds the keys of a mount: the first place that has some wins.
package enum CredentialsSearch {
    package static let systemFile = "/etc/rgwfs/credentials"
    static let userFile = ".aws/credentials"

    /// Order: public_bucket, credentials=, profile=, keys in the environment, AWS_PROFILE,
    /// ~/.aws/credentials or the file that AWS_SHARED_CREDENTIALS_FILE names instead,
    /// /etc/rgwfs/credentials. What was asked for by name must be there; the later places may be
    /// absent.
    /// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files": keys in the environment
    /// come before AWS_PROFILE, a profile that was asked for otherwise before them.
    package static func find(
        _ settings: MountSettings, bucket: BucketName, in environment: some MountEnvironment
    ) throws(CredentialsError) -> CredentialsChoice {
        if settings.isAnonymous {
            return CredentialsChoice(origin: .anonymous, credentials: .anonymous)
        }
        if let named = settings.credentialsFile {
            let path = environment.absolute(named)
            guard let file = try read(path, in: environment) else { throw .absent(path: named) }
            return try choice(file, bucket, settings.profile)
        }
        if let profile = settings.profile {
            return try profileChoice(profile, bucket, in: environment)
        }
        if let key = try environmentKey(environment) {
            return CredentialsChoice(origin: .environment, credentials: key)
        }
        if let profile = value("AWS_PROFILE", environment) {
            return try profileChoice(profile, bucket, in: environment)
        }
        let shared = sharedFile(environment)
        if let shared {
            let file = try read(shared.path, in: environment)
            if file == nil, shared.isNamed { throw .absent(path: shared.path) }
            if let file, !file.lacks(profile: "default") { return try choice(file, bucket, nil) }
        }
        if let file = try read(systemFile, in: environment) {
            return try choice(file, bucket, nil)
        }
        throw .nothingFound(lookedAt: [
            "credentials=", "profile=", "AWS_ACCESS_KEY_ID", "AWS_PROFILE",
            shared.map { "\($0.path) [default]" } ?? "~/\(userFile) (HOME is not set)", systemFile,
        ])
    }

    /// A variable's value; nil when it is not set or empty.
    private static func value(_ name: String, _ environment: some MountEnvironment) -> String? {
        environment.variable(name).flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The user's file of profiles, and whether the environment names it; nil: there is no home directory to look
    /// in.
    private static func sharedFile(
        _ environment: some MountEnvironment
    ) -> (path: String, isNamed: Bool)? {
        if let named = value("AWS_SHARED_CREDENTIALS_FILE", environment) {
            return (environment.absolute(named), true)
        }
        return value("HOME", environment).map { ("\($0)/\(userFile)", false) }
    }

    private static func profileChoice(
        _ profile: String, _ bucket: BucketName, in environment: some MountEnvironment
    ) throws(CredentialsError) -> CredentialsChoice {
        guard let shared = sharedFile(environment) else { throw .noHome(profile: profile) }
        guard let file = try read(shared.path, in: environment) else {
            throw .absent(path: shared.path)
        }
        return try choice(file, bucket, profile)
    }

    private static func choice(
        _ file: CredentialsFile, _ bucket: BucketName, _ profile: String?
    ) throws(CredentialsError) -> CredentialsChoice {
        CredentialsChoice(
            origin: .file(path: file.path, profile: profile),
            credentials: try file.key(bucket: bucket, profile: profile))
    }

    /// Reads a file again that `find` chose; for SIGHUP.
    package static func reread(
        _ choice: CredentialsChoice, bucket: BucketName, in environment: some MountEnvironment
    ) throws(CredentialsError) -> CredentialsChoice {
        guard case .file(let path, let profile) = choice.origin else { return choice }
        guard let file = try read(path, in: environment) else { throw .absent(path: path) }
        return try self.choice(file, bucket, profile)
    }

    /// Nil when there is no such file.
    private static func read(
        _ path: String, in environment: some MountEnvironment
    ) throws(CredentialsError) -> CredentialsFile? {
        switch environment.readFile(path, limit: CredentialsFile.lengthMax) {
        case .absent: return nil
        case .failed(let reason): throw .unreadable(path: path, reason: reason)
        case .tooLong: throw .unreadable(path: path, reason: "it is longer than 1 MiB")
        case .content(let content):
            guard content.permissions & 0o077 == 0 else {
                throw .exposed(path: path, permissions: content.permissions)
            }
            return try CredentialsFile(parsing: content.bytes, path: path)
        }
    }

    private static func environmentKey(
        _ environment: some MountEnvironment
    ) throws(CredentialsError) -> Credentials? {
        let id = value("AWS_ACCESS_KEY_ID", environment)
        let secret = value("AWS_SECRET_ACCESS_KEY", environment)
        switch (id, secret) {
        case (nil, nil): return nil
        case (.some, nil):
            throw .halfInEnvironment(present: "AWS_ACCESS_KEY_ID", missing: "AWS_SECRET_ACCESS_KEY")
        case (nil, .some):
            throw .halfInEnvironment(present: "AWS_SECRET_ACCESS_KEY", missing: "AWS_ACCESS_KEY_ID")
        case (let id?, let secret?):
            for (name, text) in [("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", secret)]
            where !ByteText.isVisible(text) { throw .invisibleInEnvironment(variable: name) }
            return .keys(
                accessKey: id, secret: Secret(secret),
                sessionToken: value("AWS_SESSION_TOKEN", environment).map(Secret.init))
        }
    }
}
