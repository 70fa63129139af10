import RGWClient
import RGWVFS

/// Turns option texts into settings, row by row of the table.
package enum OptionReader {
    /// `sloppy` (mount's -s) makes unknown options warnings; unbuilt ones stay errors.
    package static func apply(
        _ text: String, to settings: inout MountSettings, sloppy: Bool = false
    ) throws(OptionError) {
        for item in OptionList.items(text) { try apply(item, to: &settings, sloppy: sloppy) }
    }

    static func apply(
        _ item: OptionList.Item, to settings: inout MountSettings, sloppy: Bool = false
    ) throws(OptionError) {
        if let option = OptionTable.byName[item.name] {
            if option.placeholder != nil, item.value == nil {
                let example = option.placeholder.map { "\(item.name)=\($0)" } ?? item.name
                throw .valueMissing(name: item.name, expected: example)
            }
            try option.assign(&settings, item.value)
            settings.given.insert(option.name)
            return
        }
        if let reason = UnbuiltOption.all[item.name] {
            throw .unsupported(name: item.name, reason: reason)
        }
        switch GenericMountOption.meaning(of: item) {
        case .ignored: break
        case .kernel:
            settings.kernelOptions.append(item.name)
            if item.name == "dirsync" { settings.volume.namesAreSynchronous = true }
        case .readOnly(let isReadOnly): settings.volume.readOnly = isReadOnly
        case nil:
            let error = unknown(item)
            guard sloppy else { throw error }
            settings.warnings.append("\(error) was ignored")
        }
    }

    private static func unknown(_ item: OptionList.Item) -> OptionError {
        if GenericMountOption.names.contains(item.name) { return .valueUnexpected(name: item.name) }
        let known =
            OptionTable.byName.keys.sorted() + GenericMountOption.names
            + UnbuiltOption.all.keys.sorted()
        return .unknown(name: item.name, nearest: NearestName.of(item.name, among: known))
    }

    /// Checks what no single option can: values that must agree with each other.
    package static func check(_ settings: inout MountSettings) throws(OptionError) {
        try settings.order(
            \.volume.fileAttributesMin, "acregmin", \.volume.fileAttributesMax, "acregmax")
        try settings.order(
            \.volume.directoryAttributesMin, "acdirmin", \.volume.directoryAttributesMax, "acdirmax"
        )
        try settings.order(
            \.volume.writebackDelay, "writeback_delay", \.volume.writebackDelayMax,
            "writeback_max_delay")
        // libfuse refuses the two together as well.
        if settings.allowsOther == true, settings.allowsRoot {
            throw .contradiction("allow_other", "allow_root")
        }
        if settings.isAnonymous {
            if settings.credentialsFile != nil {
                throw .contradiction("public_bucket", "credentials")
            }
            if settings.profile != nil { throw .contradiction("public_bucket", "profile") }
        }
        try settings.checkSessions()
        try settings.checkTLS()
        if settings.client.signsPayload, settings.client.signatureVersion == .v2 {
            throw .contradiction("signed_payload", "sigv=2")
        }
        guard settings.checksPermissions else {
            throw .valueInvalid(name: "default_permissions", value: "0", expected: "1")
        }
        guard !settings.client.endpoint.host.isEmpty else {
            throw .missing(name: "url", example: "url=http://server:7480")
        }
    }
}

extension MountSettings {
    /// One way to the keys, not two.
    fileprivate func checkSessions() throws(OptionError) {
        let ways = [
            ("credential_process", credentialProcess), ("role_arn", roleARN),
            ("web_identity_token_file", webIdentityTokenFile),
        ]
        for (name, value) in ways where value != nil && isAnonymous {
            throw .contradiction("public_bucket", name)
        }
        let others = [("credentials", credentialsFile), ("profile", profile)]
        for (name, value) in others where value != nil {
            if credentialProcess != nil { throw .contradiction("credential_process", name) }
            if webIdentityTokenFile != nil { throw .contradiction("web_identity_token_file", name) }
        }
        if credentialProcess != nil, webIdentityTokenFile != nil {
            throw .contradiction("credential_process", "web_identity_token_file")
        }
        if webIdentityTokenFile != nil, roleARN == nil {
            throw .missing(name: "role_arn", example: "role_arn=arn:aws:iam:::role/NAME")
        }
    }

    fileprivate mutating func checkTLS() throws(OptionError) {
        let files = [
            ("cacert", certificateFile), ("client_cert", clientCertificateFile),
            ("client_key", clientKeyFile),
        ]
        for (name, file) in files where file != nil && client.endpoint.scheme == .http {
            throw .contradiction(name, "url=http://...")
        }
        if clientKeyFile != nil, clientCertificateFile == nil {
            throw .missing(name: "client_cert", example: "client_cert=FILE")
        }
        if !verifiesCertificate, client.endpoint.scheme == .https {
            warnings.append(
                "warning: no_check_certificate: anyone on the network path to \(client.endpoint) can "
                    + "read and modify the traffic")
        }
    }

    /// A minimum above a maximum moves the one that was not given; two given ones are an error.
    fileprivate mutating func order(
        _ least: WritableKeyPath<MountSettings, Duration>, _ leastName: String,
        _ most: WritableKeyPath<MountSettings, Duration>, _ mostName: String
    ) throws(OptionError) {
        guard self[keyPath: least] > self[keyPath: most] else { return }
        switch (given.contains(leastName), given.contains(mostName)) {
        case (true, true):
            throw .contradiction(
                "\(leastName)=\(OptionValue.text(duration: self[keyPath: least]))",
                "\(mostName)=\(OptionValue.text(duration: self[keyPath: most]))")
        case (_, true): self[keyPath: least] = self[keyPath: most]
        default: self[keyPath: most] = self[keyPath: least]
        }
    }
}
