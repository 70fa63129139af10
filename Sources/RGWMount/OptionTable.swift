import RGWBase
import RGWClient
import RGWVFS
import RGWWire

/// Every option that this release implements. Parsing, `--help`, /etc/rgwfs.conf and the manual
/// page are made from these rows; a test compares the manual page with them.
package enum OptionTable {
    package static let all: [MountOption] =
        server + credentials + ownership + caching + writeBack + operating

    /// Rows by name and alias.
    static let byName: [String: MountOption] = {
        var result: [String: MountOption] = [:]
        for option in all {
            for name in [option.name] + option.aliases { result[name] = option }
        }
        return result
    }()

    static let server: [MountOption] = [
        MountOption(
            name: "url", aliases: ["host"], group: .server, placeholder: "URL",
            help: "The S3 service: \(Endpoint.optionForm). Required", defaultText: nil
        ) { (settings: inout MountSettings, text: String?) throws(OptionError) in
            guard let text, !text.isEmpty else {
                throw .valueMissing(name: "url", expected: Endpoint.optionForm)
            }
            let style = settings.client.endpoint.style
            settings.client.endpoint = try Endpoint(option: "url", text: text)
            settings.hasScheme = Endpoint.hasScheme(text)
            settings.client.endpoint.style = style
        },
        .value(
            "region", ["endpoint"], .server, placeholder: "NAME",
            expected: "a region's name without '/'", defaultText: MountSettings().client.region,
            help: "The region in signatures; RGW accepts any",
            read: { text in
                text.utf8.allSatisfy {
                    ByteText.isAlphanumeric($0) || $0 == 0x2D
                        || $0 == 0x5F || $0 == 0x2E
                } ? text : nil
            },
            assign: { $0.client.region = $1 }),
        .choice(
            "sigv", .server, \.client.signatureVersion, [("4", .v4), ("2", .v2)],
            help: "The version of request signatures"),
        .flag("sigv2", [], .server, help: "The same as sigv=2") {
            $0.client.signatureVersion = $1 ? .v2 : .v4
        },
        .flag("sigv4", [], .server, help: "The same as sigv=4") {
            $0.client.signatureVersion = $1 ? .v4 : .v2
        },
        .flag(
            "signed_payload", [], .server,
            help: "Sign the content of uploads too: each is read once more before it is sent"
        ) { $0.client.signsPayload = $1 },
        .flag(
            "virtual_host", [], .server,
            help:
                "Put the bucket's name in front of the host name; the server needs a wildcard DNS "
                + "name"
        ) { $0.client.endpoint.style = $1 ? .virtualHost : .path },
        .flag(
            "use_path_request_style", [], .server,
            help: "Put the bucket's name in the path (default)"
        ) { $0.client.endpoint.style = $1 ? .path : .virtualHost },
        .text(
            "cacert", [], .server, placeholder: "FILE", \.certificateFile,
            expected: "a PEM file's path",
            help: "Certificate authorities to trust instead of the system's, in PEM form"),
        .text(
            "client_cert", [], .server, placeholder: "FILE", \.clientCertificateFile,
            expected: "a PEM file's path",
            help: "A certificate to show to the server, in PEM form"),
        .text(
            "client_key", [], .server, placeholder: "FILE", \.clientKeyFile,
            expected: "a PEM file's path",
            help: "The key of client_cert, without a pass phrase, if it is not in the same file; "
                + "only its owner may have access to it"),
        .flag(
            "no_check_certificate", [], .server,
            help: "Do not verify the server's certificate. Anyone on the network path can read "
                + "and modify the traffic"
        ) { $0.verifiesCertificate = !$1 },
        MountOption(
            name: "proxy", aliases: [], group: .server, placeholder: "URL",
            help: "The proxy to go through, but for servers that no_proxy names: "
                + "\(ProxyChoice.form); by default what http_proxy, https_proxy and no_proxy say, "
                + "as for curl(1)",
            defaultText: nil
        ) { (settings: inout MountSettings, text: String?) throws(OptionError) in
            guard let text, !text.isEmpty else {
                throw .valueMissing(name: "proxy", expected: ProxyChoice.form)
            }
            settings.proxy = try ProxyChoice(option: text)
        },
        .duration(
            "connect_timeout", [], .server, \.client.connectTimeout,
            in: .seconds(1) ... .seconds(600),
            help: "Time to connect, and for all checks before the mount goes to the background"),
        .duration(
            "timeo", [], .server, \.client.timeo, in: .milliseconds(100) ... .seconds(3600),
            bareUnit: .milliseconds(100),
            help: "Time without an answer after which a request is repeated; a bare number counts "
                + "tenths of a second, as in nfs(5)"),
        .number(
            "retrans", [], .server, \.client.retrans, in: 0...100,
            help: "How often a request is repeated before a soft mount reports an error"),
        .flag("soft", [], .server, help: "Report an error after retrans repetitions (default)") {
            $0.client.recovery = $1 ? .soft : .hard
        },
        .flag("hard", [], .server, help: "Repeat requests until the server answers") {
            $0.client.recovery = $1 ? .hard : .soft
        },
    ]

    static let credentials: [MountOption] = [
        .text(
            "credentials", ["passwd_file"], .credentials, placeholder: "FILE", \.credentialsFile,
            expected: "a file's path",
            help:
                "Keys as s3fs, AWS tools or 'radosgw-admin user info' write them; only its owner "
                + "may have access to the file"),
        .text(
            "profile", [], .credentials, placeholder: "NAME", \.profile,
            expected: "a profile's name",
            help:
                "The section of the credentials file, or of ~/.aws/credentials; by default AWS_PROFILE"
        ),
        .text(
            "credential_process", [], .credentials, placeholder: "COMMAND", \.credentialProcess,
            expected: "a command",
            help:
                "A program that prints keys with an end, as AWS tools run it, without a shell; run again before they "
                + "end and when the server refuses them"),
        .text(
            "role_arn", [], .credentials, placeholder: "ARN", \.roleARN,
            expected: "a role's ARN such as arn:aws:iam:::role/NAME",
            help:
                "Take this role on with the keys found (STS AssumeRole), and again before the session ends"
        ),
        .text(
            "web_identity_token_file", [], .credentials, placeholder: "FILE",
            \.webIdentityTokenFile, expected: "a file's path",
            help:
                "Take role_arn on with the token in this file, which is read each time, instead of keys"
        ),
        .flag("public_bucket", [], .credentials, help: "Send requests without a signature") {
            $0.isAnonymous = $1
        },
        .text(
            "config", [], .credentials, placeholder: "FILE", \.configurationFile,
            expected: "a file's path",
            help: "Read defaults for options from this file instead of /etc/rgwfs.conf"),
    ]

    private static func decimal(_ text: String) -> UInt32? {
        // 2^32-1 is "no change" in chown(2), so it cannot own a file.
        text.utf8.allSatisfy(ByteText.isDigit)
            ? UInt32(text).flatMap { $0 == .max ? nil : $0 } : nil
    }

    static let ownership: [MountOption] = [
        .identifier(
            "uid", "N", \.uid, expected: "a user's number",
            help: "Owner of objects without POSIX metadata; by default the mounting user",
            read: { decimal($0) }),
        .identifier(
            "gid", "N", \.gid, expected: "a group's number",
            help: "Group of objects without POSIX metadata; by default the mounting user's",
            read: { decimal($0) }),
        .identifier(
            "umask", "MASK", \.umask, expected: "octal digits such as 022",
            help: "Permission bits to take from objects without POSIX metadata; by default 022",
            read: { OptionValue.mask($0) }),
        .identifier(
            "fmask", "MASK", \.fileMask, expected: "octal digits such as 022",
            help: "The same for files only", read: { OptionValue.mask($0) }),
        .identifier(
            "dmask", "MASK", \.directoryMask, expected: "octal digits such as 022",
            help: "The same for directories only", read: { OptionValue.mask($0) }),
        .flag(
            "default_permissions", [], .ownership,
            help: "Let the kernel check permissions (default; cannot be turned off)"
        ) { $0.checksPermissions = $1 },
        .flag(
            "allow_other", [], .ownership,
            help: "Let every user use the mount, as permissions allow (default for root's mounts)"
        ) { $0.allowsOther = $1 },
        .flag(
            "noallow_other", [], .ownership,
            help: "Let only the mounting user use the mount (default for users' mounts)"
        ) { $0.allowsOther = !$1 },
        .flag("allow_root", [], .ownership, help: "Let root use the mount too, and nobody else") {
            $0.allowsRoot = $1
        },
        .flag(
            "nonempty", [], .ownership,
            help: "Accepted for s3fs's sake: a directory that is not empty may be mounted on anyway"
        ) { _, _ in },
    ]
}
