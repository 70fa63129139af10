import RGWBase
import RGWClient
import RGWMount
import RGWWire
import Testing

/// How keys with an end are come by, from options, files and the environment.
@Suite struct SessionSourceTests {
    private static let secret = theSecret
    private static let keys = """
        [default]
        aws_access_key_id = AK
        aws_secret_access_key = \(theSecret)

        """

    private func source(
        _ options: String = "ro", config: String? = nil, permissions: UInt32 = 0o644,
        credentials: String? = keys, variables: [String: String] = [:]
    ) throws -> CredentialsSource {
        var machine = FakeEnvironment.working
        machine.files["/home/ann/.aws/credentials"] = nil
        if let credentials { machine.addFile("/home/ann/.aws/credentials", credentials) }
        if let config { machine.addFile("/home/ann/.aws/config", config, permissions: permissions) }
        for (name, value) in variables { machine.variables[name] = value }
        return try plan(options: options, in: machine).credentials.source
    }

    private static let ours = CredentialsSource.keys(
        .keys(accessKey: "AK", secret: Secret(theSecret)))

    @Test func aRoleIsTakenOnWithAnotherProfilesKeys() throws {
        let config = """
            [profile lab]
            role_arn = arn:aws:iam:::role/lab
            source_profile = default
            external_id = 17
            role_session_name = me
            duration_seconds = 900
            """
        let role = RoleRequest(
            arn: "arn:aws:iam:::role/lab", sessionName: "me", externalID: "17", seconds: 900)
        #expect(try source("profile=lab", config: config) == .role(role, from: Self.ours))
        let chained = config + "\n[profile two]\nrole_arn = r2\nsource_profile = lab\n"
        #expect(
            try source("profile=two", config: chained)
                == .role(RoleRequest(arn: "r2"), from: .role(role, from: Self.ours)))
    }

    @Test func aProgramsWordsAreThoseOfAShellWithoutTheShell() throws {
        let config = "[default]\ncredential_process = /opt/a\\ b 'x $HOME' \"c \\\"d\\\"\" ''\n"
        #expect(
            try source(config: config, credentials: nil)
                == .process(["/opt/a b", "x $HOME", "c \"d\"", ""]))
        #expect(throws: MountFailure.self) {
            try source(config: "[default]\ncredential_process = 'open\n", credentials: nil)
        }
    }

    @Test func ownKeysComeBeforeAProgramAndARoleBeforeBoth() throws {
        let config = "[default]\ncredential_process = /bin/p\n"
        #expect(try source(config: config) == Self.ours)
        let role = config + "role_arn = r\nsource_profile = default\n"
        #expect(try source(config: role) == .role(RoleRequest(arn: "r"), from: Self.ours))
    }

    @Test func optionsAndVariablesNameARole() throws {
        #expect(
            try source("role_arn=r") == .role(RoleRequest(arn: "r"), from: Self.ours))
        let web = CredentialsSource.webIdentity(
            RoleRequest(arn: "r", sessionName: "pod"), tokenFile: "/home/ann/token")
        #expect(
            try source(
                variables: [
                    "AWS_ROLE_ARN": "r", "AWS_WEB_IDENTITY_TOKEN_FILE": "token",
                    "AWS_ROLE_SESSION_NAME": "pod",
                ]) == web)
        #expect(
            try source(
                "role_arn=r,web_identity_token_file=token",
                variables: ["AWS_ROLE_SESSION_NAME": "pod"]) == web)
        #expect(try source("credential_process=/bin/p x") == .process(["/bin/p", "x"]))
    }

    @Test(arguments: [
        (
            "[profile a]\nrole_arn=r\nsource_profile=b\n[profile b]\nrole_arn=s\nsource_profile=a\n",
            "each other"
        ),
        ("[profile a]\nrole_arn=r\nsource_profile=a\n", "its own source_profile"),
        ("[profile a]\nrole_arn=r\n", "needs source_profile"),
        ("[profile a]\nrole_arn=r\ncredential_source=Ec2InstanceMetadata\n", "only Environment"),
        ("[profile a]\nrole_arn=r\nsource_profile=default\nmfa_serial=x\n", "types a code"),
        ("[profile a]\nrole_arn=r\nsource_profile=default\nduration_seconds=x\n", "43200"),
        ("[profile a]\nrole_arn=r\nsource_profile=none\n", "no profile 'none'"),
    ])
    func aProfileWithoutAWayToKeysSaysWhy(config: String, word: String) throws {
        let error = #expect(throws: MountFailure.self) {
            try source("profile=a", config: config)
        }
        #expect(error.map { "\($0)".contains(word) } == true, "\(error as Any)")
    }

    @Test func whoeverMayChangeTheSettingsMayRunPrograms() throws {
        let config = "[profile a]\ncredential_process=/bin/p\n"
        for permissions in [UInt32(0o664), 0o646] {
            #expect(throws: MountFailure.self) {
                try source("profile=a", config: config, permissions: permissions)
            }
        }
        #expect(throws: MountFailure.self, "and keys in it are for their owner") {
            try source(config: Self.keys, permissions: 0o644, credentials: nil)
        }
    }

    @Test func aFileOfSettingsWithoutKeysDoesNotEndTheSearch() throws {
        #expect(throws: MountFailure.self) {
            try source(config: "[default]\nregion = x\n", credentials: nil)
        }
        #expect(try source(config: "[default]\nregion = x\n") == Self.ours)
    }

    @Test(arguments: [
        "role_arn=r,public_bucket", "credential_process=/p,credentials=/k",
        "credential_process=/p,profile=x", "web_identity_token_file=/t",
        "role_arn=r,web_identity_token_file=/t,credential_process=/p",
    ])
    func thereIsOneWayToTheKeys(options: String) {
        #expect(throws: MountFailure.self) { try source(options) }
    }

    private func answer(_ text: String) throws(CredentialsError) -> CredentialsSession {
        try ProcessAnswer.session(Array(text.utf8), from: "p")
    }

    @Test func whatAProgramPrints() throws {
        let keys = #""Version": 1, "AccessKeyId": "A", "SecretAccessKey": "S""#
        #expect(
            try answer("{\(keys)}")
                == CredentialsSession(
                    .keys(accessKey: "A", secret: Secret("S")), expires: nil))
        for time in ["1970-01-01T00:01:00Z", "1970-01-01T00:01:00+00:00"] {
            let session = try answer(
                "{\(keys), \"SessionToken\": \"T\", \"Expiration\": \"\(time)\"}\n")
            #expect(
                session
                    == CredentialsSession(
                        .keys(accessKey: "A", secret: Secret("S"), sessionToken: Secret("T")),
                        expires: WallTime(seconds: 60, nanoseconds: 0)))
        }
        for bad in [
            "", "x\(theSecret)", "{}", #"{"Version": 2}"#, "{\(keys), \"Expiration\": \"soon\"}",
            #"{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "\#(theSecret) x"}"#,
        ] {
            let error = #expect(throws: CredentialsError.self) { try answer(bad) }
            #expect(error.map { !"\($0)".contains(theSecret) } == true)
        }
    }
}
