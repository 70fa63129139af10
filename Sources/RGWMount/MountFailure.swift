/// The exit statuses of mount(8) and umount(8). Source: mount(8), EXIT STATUS.
package enum ExitStatus: Int32, Sendable, CaseIterable {
    case success = 0
    /// Incorrect invocation or permissions.
    case usage = 1
    /// System error (out of memory, cannot fork).
    case system = 2
    /// The mount failed.
    case mountFailed = 32
}

/// Why a mount cannot be made: one sentence for the user, which names the thing, and an exit
/// status.
///
/// No case carries a secret: texts that users typed in a wrong place pass through `Shown`.
package enum MountFailure: Error, Equatable, Sendable, CustomStringConvertible {
    case usage(UsageError)
    case option(OptionError)
    case source(SourceError)
    case configuration(ConfigurationError)
    case credentials(CredentialsError)
    case mountPoint(MountPointError)
    case tls(TLSFileError)
    case server(PreflightFailure)
    /// The mount's process refused an option of a remount; the text is a whole sentence.
    case refusedOption(String)
    /// The spool directory cannot be used; the text is a whole sentence.
    case spool(String)
    /// The kernel or libfuse refused the mount; the text is a whole sentence.
    case refused(String)
    /// The machine refused something; the text is a whole sentence.
    case system(String)

    package var status: ExitStatus {
        switch self {
        case .usage, .option, .source, .configuration, .refusedOption: .usage
        case .system: .system
        case .credentials, .mountPoint, .tls, .server, .spool, .refused: .mountFailed
        }
    }

    /// One line, without the program's name in front.
    package var description: String {
        switch self {
        case .usage(let error): error.description
        case .option(let error): error.description
        case .source(let error): error.description
        case .configuration(let error): error.description
        case .credentials(let error): error.description
        case .mountPoint(let error): error.description
        case .tls(let error): error.description
        case .server(let failure): failure.description
        case .spool(let sentence), .refused(let sentence), .system(let sentence),
            .refusedOption(let sentence):
            sentence
        }
    }
}
