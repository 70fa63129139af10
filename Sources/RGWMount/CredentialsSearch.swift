import RGWBase
import RGWClient
package import RGWObject

/// Finds the keys of a mount: the first place that has some wins.
package enum CredentialsSearch {
    package static let systemFile = "/etc/rgwfs/credentials"
    static let userFile = ".aws/credentials"

    /// Order: public_bucket, credentials=, profile=, the environment, ~/.aws/credentials,
    /// /etc/rgwfs/credentials. What was asked for by name must be there; the later places may be
    /// absent.
    package static func find(
        _ settings: MountSettings, bucket: BucketName, in environment: some MountEnvironment
    ) throws(CredentialsError) -> CredentialsChoice {
        if settings.isAnonymous {
            return CredentialsChoice(origin: .anonymous, credentials: .anonymous)
        }
        let home = environment.variable("HOME").flatMap { $0.isEmpty ? nil : $0 }
        let userPath = home.map { "\($0)/\(userFile)" }

        if let named = settings.credentialsFile {
            let path = environment.absolute(named)
            guard let file = try read(path, in: environment) else { throw .absent(path: named) }
            return try choice(file, bucket, settings.profile)
        }
        if let profile = settings.profile {
            guard let userPath else { throw .noHome(profile: profile) }
            guard let file = try read(userPath, in: environment) else {
                throw .absent(path: userPath)
            }
            return try choice(file, bucket, profile)
        }
        if let key = try environmentKey(environment) {
            return CredentialsChoice(origin: .environment, credentials: key)
        }
        if let userPath, let file = try read(userPath, in: environment),
            !file.lacks(profile: "default")
        {
            return try choice(file, bucket, nil)
        }
        if let file = try read(systemFile, in: environment) {
            return try choice(file, bucket, nil)
        }
        throw .nothingFound(lookedAt: [
            "credentials=", "profile=", "AWS_ACCESS_KEY_ID",
            userPath.map { "\($0) [default]" } ?? "~/\(userFile) (HOME is not set)", systemFile,
        ])
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
        func value(_ name: String) -> String? {
            environment.variable(name).flatMap { $0.isEmpty ? nil : $0 }
        }
        let id = value("AWS_ACCESS_KEY_ID")
        let secret = value("AWS_SECRET_ACCESS_KEY")
        switch (id, secret) {
        case (nil, nil): return nil
        case (.some, nil):
            throw .halfInEnvironment(present: "AWS_ACCESS_KEY_ID", missing: "AWS_SECRET_ACCESS_KEY")
        case (nil, .some):
            throw .halfInEnvironment(present: "AWS_SECRET_ACCESS_KEY", missing: "AWS_ACCESS_KEY_ID")
        case (let id?, let secret?):
            return .keys(
                accessKey: id, secret: Secret(secret),
                sessionToken: value("AWS_SESSION_TOKEN").map(Secret.init))
        }
    }
}
