import RGWBase
import RGWClient
package import RGWObject
import RGWWire

/// Finds the keys of a mount: the first place that has some wins.
package enum CredentialsSearch {
    package static let systemFile = "/etc/rgwfs/credentials"
    static let userFile = ".aws/credentials"
    static let userConfig = ".aws/config"

    /// Order: public_bucket, credential_process=, credentials=, profile=, keys in the environment, a web identity in
    /// it, AWS_PROFILE, the default profile of ~/.aws/credentials and ~/.aws/config or of the files that
    /// AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name instead, /etc/rgwfs/credentials. With role_arn= what was
    /// found serves to take that role on. What was asked for by name must be there; the later places may be
    /// absent.
    /// Source: AWS SDKs and Tools Reference Guide, "Shared config and credentials files": keys in the environment
    /// come before AWS_PROFILE, a profile that was asked for otherwise before them.
    package static func find(
        _ settings: MountSettings, bucket: BucketName, in environment: some MountEnvironment
    ) throws(CredentialsError) -> CredentialsChoice {
        if settings.isAnonymous {
            return CredentialsChoice(origin: .anonymous, source: .keys(.anonymous))
        }
        if let role = settings.roleARN, let token = settings.webIdentityTokenFile {
            return CredentialsChoice(
                origin: .options,
                source: .webIdentity(
                    sessionOf(role, environment), tokenFile: environment.absolute(token)))
        }
        let role = settings.roleARN.map { sessionOf($0, environment) }
        if let command = settings.credentialProcess {
            guard let words = CommandWords.split(command) else { throw .noCommand }
            return with(role, CredentialsChoice(origin: .options, source: .process(words)))
        }
        return with(role, try findKeys(settings, bucket, in: environment))
    }

    private static func findKeys(
        _ settings: MountSettings, _ bucket: BucketName, in environment: some MountEnvironment
    ) throws(CredentialsError) -> CredentialsChoice {
        if let named = settings.credentialsFile {
            let path = environment.absolute(named)
            guard let file = try read(path, in: environment) else { throw .absent(path: named) }
            return try choice(file, bucket, settings.profile, in: environment)
        }
        if let profile = settings.profile { return try profileChoice(profile, in: environment) }
        if let key = try environmentKey(environment) {
            return CredentialsChoice(origin: .environment, source: .keys(key))
        }
        if let token = value("AWS_WEB_IDENTITY_TOKEN_FILE", environment),
            let role = value("AWS_ROLE_ARN", environment)
        {
            return CredentialsChoice(
                origin: .environment,
                source: .webIdentity(
                    sessionOf(role, environment), tokenFile: environment.absolute(token)))
        }
        if let profile = value("AWS_PROFILE", environment) {
            return try profileChoice(profile, in: environment)
        }
        let shared = sharedFile(environment)
        if let shared {
            let file = try read(shared.path, in: environment)
            if file == nil, shared.isNamed { throw .absent(path: shared.path) }
            // s3fs's and RGW's own form, where the file has it.
            if let file, file.format != .profiles {
                return try choice(file, bucket, nil, in: environment)
            }
            let config = configPath(environment)
            let configFile = try readConfig(config, in: environment)
            let files = [file, configFile].compactMap { $0 }
            if files.contains(where: { $0.hasSource(of: "default") }) {
                return try profileChoice("default", in: environment, asked: false)
            }
        }
        if let file = try read(systemFile, in: environment) {
            return try choice(file, bucket, nil, in: environment)
        }
        throw .nothingFound(lookedAt: [
            "credentials=", "profile=", "AWS_ACCESS_KEY_ID", "AWS_PROFILE",
            shared.map { "\($0.path) [default]" } ?? "~/\(userFile) (HOME is not set)", systemFile,
        ])
    }

    private static func sessionOf(
        _ arn: String, _ environment: some MountEnvironment
    ) -> RoleRequest {
        let name = value("AWS_ROLE_SESSION_NAME", environment)
        return RoleRequest(arn: arn, sessionName: name ?? RoleRequest.defaultName)
    }

    /// `role_arn=`: what was found serves to take the role on.
    private static func with(_ role: RoleRequest?, _ found: CredentialsChoice) -> CredentialsChoice
    {
        guard let role else { return found }
        return CredentialsChoice(
            origin: found.origin, source: .role(role, from: found.source),
            configPath: found.configPath, role: role)
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

    /// The file of settings beside the one of keys; nil: there is no home directory to look in.
    private static func configPath(_ environment: some MountEnvironment) -> String? {
        if let named = value("AWS_CONFIG_FILE", environment) { return environment.absolute(named) }
        return value("HOME", environment).map { "\($0)/\(userConfig)" }
    }

    /// `asked`: by name, so that the file of keys must say so when it is missing.
    private static func profileChoice(
        _ profile: String, in environment: some MountEnvironment, asked: Bool = true
    ) throws(CredentialsError) -> CredentialsChoice {
        guard let shared = sharedFile(environment) else { throw .noHome(profile: profile) }
        return try profileChoice(
            profile, asked ? profile : nil, keysAt: shared.path,
            configAt: configPath(environment), in: environment)
    }

    private static func profileChoice(
        _ profile: String, _ asked: String?, keysAt path: String, configAt configPath: String?,
        in environment: some MountEnvironment
    ) throws(CredentialsError) -> CredentialsChoice {
        let keys = try read(path, in: environment)
        if let keys, keys.format != .profiles {
            throw .profileInWrongFormat(path: path, profile: profile)
        }
        let config = try readConfig(configPath, in: environment)
        if keys == nil, config?.profile(profile) == nil { throw .absent(path: path) }
        let resolver = ProfileResolver(
            files: [keys, config].compactMap { $0 },
            environmentKey: (try? environmentKey(environment)) ?? nil)
        return CredentialsChoice(
            origin: .file(path: path, profile: asked),
            source: absolute(try resolver.source(of: profile), environment),
            configPath: configPath)
    }

    private static func choice(
        _ file: CredentialsFile, _ bucket: BucketName, _ profile: String?,
        in environment: some MountEnvironment
    ) throws(CredentialsError) -> CredentialsChoice {
        let source = try file.source(
            bucket: bucket, profile: profile,
            environmentKey: (try? environmentKey(environment)) ?? nil)
        return CredentialsChoice(
            origin: .file(path: file.path, profile: profile),
            source: absolute(source, environment))
    }

    /// A token's path made absolute: the daemon's working directory is another than the caller's.
    private static func absolute(
        _ source: CredentialsSource, _ environment: some MountEnvironment
    ) -> CredentialsSource {
        switch source {
        case .webIdentity(let role, let path):
            .webIdentity(role, tokenFile: environment.absolute(path))
        case .role(let role, let source): .role(role, from: absolute(source, environment))
        case .keys, .process: source
        }
    }

    /// Reads a file again that `find` chose; for SIGHUP.
    package static func reread(
        _ choice: CredentialsChoice, bucket: BucketName, in environment: some MountEnvironment
    ) throws(CredentialsError) -> CredentialsChoice {
        guard case .file(let path, let profile) = choice.origin else { return choice }
        if let configPath = choice.configPath {
            let again = try profileChoice(
                profile ?? "default", profile, keysAt: path, configAt: configPath, in: environment)
            return with(choice.role, again)
        }
        guard let file = try read(path, in: environment) else { throw .absent(path: path) }
        return with(choice.role, try self.choice(file, bucket, profile, in: environment))
    }

    /// Settings may be read by everybody, but not keys, nor may anybody else name a program.
    private static func readConfig(
        _ path: String?, in environment: some MountEnvironment
    ) throws(CredentialsError) -> CredentialsFile? {
        guard let path,
            case .content(let content) = environment.readFile(
                path, limit: CredentialsFile.lengthMax)
        else { return nil }
        let file: CredentialsFile
        do throws(CredentialsError) {
            file = try CredentialsFile(parsing: content.bytes, path: path)
        } catch {
            // An empty one says nothing.
            if case .empty = error { return nil }
            throw error
        }
        if file.hasSecrets, content.permissions & 0o077 != 0 {
            throw .exposed(path: path, permissions: content.permissions)
        }
        guard content.permissions & 0o022 == 0 else {
            throw .writable(path: path, permissions: content.permissions)
        }
        return file.format == .profiles ? file : nil
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
