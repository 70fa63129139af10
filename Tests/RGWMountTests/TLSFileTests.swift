import RGWMount
import Testing

@Suite struct TLSFileTests {
    private static let certificate =
        "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
    private static let key = "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"
    private static let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n"

    private var machine: FakeEnvironment {
        var machine = FakeEnvironment.working
        machine.addFile("/ca", Self.certificate, permissions: 0o644)
        machine.addFile("/home/ann/ca", Self.certificate, permissions: 0o644)
        machine.addFile("/cert", Self.certificate, permissions: 0o644)
        machine.addFile("/key", Self.key)
        machine.addFile("/both", Self.certificate + Self.key)
        machine.addFile("/public-key", Self.key, permissions: 0o640)
        machine.addFile("/encrypted", Self.encrypted)
        machine.addFile("/text", "hello")
        machine.files["/denied"] = .failed("Permission denied")
        machine.files["/long"] = .tooLong
        return machine
    }

    private func words(_ options: String, _ scheme: String = "https") -> [String] {
        ["photos", "/mnt/photos", "-o", "url=\(scheme)://server:1,\(options)"]
    }

    @Test func pathsAreAbsoluteBecauseTheBackgroundIsElsewhere() throws {
        let tls = try plan(words("cacert=ca,client_cert=/cert,client_key=/key"), in: machine).tls
        #expect(tls.authorities == "/home/ann/ca")
        #expect(tls.certificate == "/cert" && tls.key == "/key")
    }

    @Test func aKeyMayBeInTheCertificatesFile() throws {
        let tls = try plan(words("client_cert=/both"), in: machine).tls
        #expect(tls.certificate == "/both" && tls.key == "/both")
    }

    @Test(
        arguments: [
            ("cacert=/none", "cacert: there is no file /none"),
            ("cacert=/denied", "cacert: cannot read /denied: Permission denied"),
            ("cacert=/long", "longer than 1 MiB"),
            ("cacert=/text", "cacert: /text has no certificate"),
            ("cacert=/key", "cacert: /key has no certificate"),
            ("client_cert=/key", "client_cert: /key has no certificate"),
            ("client_cert=/cert", "client_cert: /cert has no private key"),
            ("client_cert=/cert,client_key=/none", "client_key: there is no file /none"),
            ("client_cert=/cert,client_key=/cert", "client_key: /cert has no private key"),
            ("client_cert=/cert,client_key=/public-key", "(mode 0640): run chmod 600 /public-key"),
            ("client_cert=/cert,client_key=/encrypted", "/encrypted has a pass phrase"),
        ])
    func whatIsWrongWithAFileIsSaid(options: String, part: String) throws {
        let found = try #require(failure(words(options), in: machine))
        #expect(found.description.contains(part), "\(found)")
        #expect(found.status == .mountFailed)
    }

    @Test(arguments: [
        ("cacert=/ca", "http"), ("client_cert=/both", "http"), ("client_key=/key", "https"),
    ])
    func optionsThatCannotMeanAnythingAreErrors(options: String, scheme: String) throws {
        let found = try #require(failure(words(options, scheme), in: machine))
        #expect(found.status == .usage, "\(found)")
    }

    @Test func notCheckingTheCertificateIsAllowedWithAWarning() throws {
        let checked = try plan(words("ro"), in: machine)
        #expect(checked.settings.verifiesCertificate && checked.settings.warnings.isEmpty)
        let unchecked = try plan(words("no_check_certificate"), in: machine)
        #expect(!unchecked.settings.verifiesCertificate)
        let warning = try #require(unchecked.settings.warnings.first)
        #expect(warning.contains("no_check_certificate") && warning.contains("https://server:1"))
        // Nothing of TLS is at stake.
        #expect(try plan(words("no_check_certificate", "http")).settings.warnings.isEmpty)
    }
}
