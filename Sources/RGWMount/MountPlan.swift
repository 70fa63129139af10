package import RGWClient
package import RGWVFS

/// Everything that can be known before the server is asked: arguments, files and environment made
/// into one checked value.
package struct MountPlan: Sendable {
    package let source: MountSource
    package var server: Endpoint { settings.client.endpoint }
    package let settings: MountSettings
    package let credentials: CredentialsChoice
    package let mountPoint: MountPoint
    package let spool: SpoolLocation
    package let tls: TLSFiles
    package let volume: VolumeConfiguration
    /// Requests may go through a proxy, which then is what looks the server's name up.
    package let mayUseProxy: Bool

    package init(
        _ arguments: MountArguments, in environment: some MountEnvironment
    ) throws(MountFailure) {
        try self.init(arguments, mountPoint: nil, spool: nil, in: environment)
    }

    /// Nothing is mounted; the mount that these arguments describe is looked at.
    package init(
        checking arguments: MountArguments, in environment: some MountEnvironment
    ) throws(MountFailure) {
        try self.init(arguments, mountPoint: MountPoint.none, spool: nil, in: environment)
    }

    /// Nothing is mounted; what waits in the spool `uploading` is sent.
    package init(
        _ arguments: MountArguments, uploading spool: String,
        in environment: some MountEnvironment
    ) throws(MountFailure) {
        try self.init(arguments, mountPoint: MountPoint.none, spool: spool, in: environment)
    }

    private init(
        _ arguments: MountArguments, mountPoint point: MountPoint?, spool directory: String?,
        in environment: some MountEnvironment
    ) throws(MountFailure) {
        do throws(SourceError) {
            source = try MountSource(parsing: arguments.source)
        } catch { throw .source(error) }
        let settings = try Self.settings(arguments, source: source, in: environment)
        self.settings = settings
        try FuseRights.check(settings, in: environment)
        do throws(MountPointError) {
            if let point {
                mountPoint = point
            } else {
                mountPoint = try MountPoint(arguments.mountPoint, in: environment)
            }
        } catch { throw .mountPoint(error) }
        do throws(TLSFileError) {
            tls = try TLSFiles(settings, in: environment)
        } catch { throw .tls(error) }
        do throws(CredentialsError) {
            credentials = try CredentialsSearch.find(
                settings, bucket: source.credentialsBucket, in: environment)
        } catch { throw .credentials(error) }
        if let directory {
            spool = SpoolLocation(directory: directory, in: environment)
        } else {
            spool = try SpoolLocation(
                settings: settings, server: settings.client.endpoint, source: source,
                mountPoint: mountPoint, in: environment)
        }
        mayUseProxy = settings.proxy.mayApply(in: environment)
        var volume = settings.volumeConfiguration(
            source: source, uid: environment.userID, gid: environment.groupID,
            contentTypes: Self.contentTypes(environment), hostName: environment.hostName)
        volume.spoolDirectory = spool.directory
        volume.retriesMax = settings.client.retriesMax
        self.volume = volume
    }

    package var preflight: PreflightContext {
        PreflightContext(
            server: server, source: source, accessKey: credentials.source.owner,
            region: settings.client.region, timeout: settings.client.connectTimeout,
            hasScheme: settings.hasScheme)
    }

    /// How the check before mounting speaks to the server: one attempt more, and never for ever.
    package var preflightClient: S3Configuration {
        var client = settings.client
        client.recovery = .soft
        client.retrans = min(client.retrans, 1)
        client.timeo = min(client.timeo, client.connectTimeout)
        return client
    }

    /// The configuration file first, then the command line over it.
    private static func settings(
        _ arguments: MountArguments, source: MountSource, in environment: some MountEnvironment
    ) throws(MountFailure) -> MountSettings {
        var commandLine = MountSettings()
        try apply(arguments, to: &commandLine)
        let file = try configuration(named: commandLine.configurationFile, in: environment)
        var settings = MountSettings()
        do throws(ConfigurationError) {
            try file?.apply(for: source, to: &settings)
        } catch { throw .configuration(error) }
        try apply(arguments, to: &settings)
        do throws(OptionError) {
            try OptionReader.check(&settings)
        } catch { throw .option(error) }
        settings.isForeground = arguments.isForeground
        // -v is a word of the command line, but one less particular than the option.
        if arguments.isVerbose, !settings.given.contains("log_level") { settings.logLevel = .debug }
        return settings
    }

    private static func apply(
        _ arguments: MountArguments, to settings: inout MountSettings
    ) throws(MountFailure) {
        do throws(OptionError) {
            for text in arguments.optionTexts {
                try OptionReader.apply(text, to: &settings, sloppy: arguments.isSloppy)
            }
        } catch { throw .option(error) }
    }

    /// The default file may be absent, a named one may not.
    private static func configuration(
        named name: String?, in environment: some MountEnvironment
    ) throws(MountFailure) -> ConfigurationFile? {
        let path = name.map { environment.absolute($0) } ?? ConfigurationFile.defaultPath
        do throws(ConfigurationError) {
            switch environment.readFile(path, limit: ConfigurationFile.lengthMax) {
            case .content(let content):
                return try ConfigurationFile(parsing: content.bytes, path: path)
            case .absent:
                if let name { throw .absent(path: name) }
                return nil
            case .failed(let reason): throw .unreadable(path: path, reason: reason)
            case .tooLong: throw .unreadable(path: path, reason: "it is longer than 1 MiB")
            }
        } catch { throw .configuration(error) }
    }

    private static func contentTypes(_ environment: some MountEnvironment) -> [String: String] {
        guard
            case .content(let table) = environment.readFile(
                MimeTypes.path, limit: MimeTypes.lengthMax)
        else { return [:] }
        return MimeTypes.parse(table.bytes)
    }
}
