import RGWBase
import RGWClient
import RGWControl
import RGWObject
import Testing

@testable import RGWMount

@Suite struct CredentialsFileTests {
    private func key(
        _ text: String, bucket: BucketName = "photos", profile: String? = nil
    ) throws -> Credentials {
        try #require(
            try CredentialsFile(parsing: Array(text.utf8), path: "/k").source(
                bucket: bucket, profile: profile
            ).keys)
    }

    @Test func linesOfS3FSGiveTheBucketsKeyBeforeTheDefault() throws {
        let text = "# keys\n\n  AK:SK \r\nphotos:PK:PS\nacme:photos:TK:TS\n"
        #expect(
            try key(text, bucket: "videos")
                == Credentials.keys(accessKey: "AK", secret: Secret("SK")))
        #expect(try key(text) == Credentials.keys(accessKey: "PK", secret: Secret("PS")))
        #expect(
            try key(text, bucket: "acme:photos")
                == Credentials.keys(accessKey: "TK", secret: Secret("TS")))
    }

    @Test func profilesAreRead() throws {
        let text = """
            [default]
            aws_access_key_id = DK
            aws_secret_access_key=D/S=+
            region = x
            s3 =
                max_concurrent_requests = 3
            [profile work]
            aws_access_key_id = WK
            aws_secret_access_key = WS
            aws_session_token = WT
            """
        #expect(try key(text) == Credentials.keys(accessKey: "DK", secret: Secret("D/S=+")))
        #expect(
            try key(text, profile: "work")
                == Credentials.keys(
                    accessKey: "WK", secret: Secret("WS"), sessionToken: Secret("WT")))
    }

    @Test func theOutputOfRadosgwAdminIsRead() throws {
        let text = """
            { "user_id": "ann", "max_buckets": 1000, "suspended": 0, "subusers": [], "caps": [],
              "keys": [ { "user": "ann", "access_key": "JK",
                          "secret_key": "J\\/S\\u0041\\ud83d\\ude00" },
                        { "user": "ann", "access_key": "second", "secret_key": "x" } ],
              "bucket_quota": { "enabled": false, "max_size": -1, "x": null,
                                "y": 1.5e3, "z": true } }
            """
        #expect(try key(text) == Credentials.keys(accessKey: "JK", secret: Secret("J/SA😀")))
    }

    @Test(arguments: [
        ("", "/k is empty"), ("# only comments\n", "/k is empty"),
        ("AK:\(theSecret)\nnonsense", "/k:2: expected ACCESS_KEY:SECRET_KEY"),
        (":\(theSecret)", "/k:1: expected"), ("AK:", "/k:1: expected"),
        ("AK \(theSecret)", "/k:1: expected"), ("a:b:c:d:\(theSecret)", "/k:1: expected"),
        ("AK: \(theSecret)", "/k:1: expected"),
        ("AK:\(theSecret)\nAK:\(theSecret)", "/k:2: a second default key"),
        ("photos:AK:\(theSecret)\nphotos:A:\(theSecret)", "/k:2: a second key for the same bucket"),
        ("videos:AK:\(theSecret)", "/k has no key for bucket 'photos'"),
        ("aws_secret_access_key = \(theSecret)", "/k:1: expected"),
        ("[work]\naws_access_key_id=A", "/k has no profile 'default' (it has: work)"),
        (
            "[default]\naws_access_key_id = A",
            "/k:1: profile 'default' has no aws_secret_access_key"
        ),
        (
            "[default]\naws_secret_access_key = \(theSecret)",
            "/k:1: profile 'default' has no aws_acc"
        ),
        ("[default]\naws_secret_access_key \(theSecret)", "/k:2: expected name = value"),
        ("[default]\naws_access_key_id =", "/k:2: expected a value"),
        ("[default\naws_secret_access_key = \(theSecret)", "/k:1: expected [profile]"),
        ("[default]\n[default]\n", "/k:2: a second profile [default]"),
        ("{ \"keys\": [ { \"secret_key\": \"\(theSecret)\" } ] }", "/k: expected the output of"),
        ("{ \"keys\": [ ] }", "/k: expected the output of"),
        ("{ \"keys\": [ {\n\"secret_key\": \"\(theSecret)\" ", "/k:2: expected JSON"),
        ("{ \"a\": \"\(theSecret)\\x\" }", "/k:1: expected JSON"),
        ("{} \(theSecret)", "/k:1: expected JSON"),
        ("A\u{200B}K:\(theSecret)", "/k:1: a key has a character that is not printable"),
        ("AK:\u{A0}\(theSecret)", "/k:1: a key has a character that is not printable"),
        (
            "[default]\naws_secret_access_key = \(theSecret) \u{1}",
            "/k:2: a key has a character that is not printable"
        ),
    ])
    func mistakesAreNamedWithoutTheSecret(text: String, part: String) {
        #expect { _ = try key(text) } throws: {
            let said = "\($0)"
            return said.contains(part) && !said.contains(theSecret) && !said.contains("\n")
        }
    }

    /// Some editors write one; the user would be another one, and nobody could see why.
    @Test(arguments: [
        "AK:SK", "[default]\naws_access_key_id=AK\naws_secret_access_key=SK",
        "{ \"keys\": [ { \"access_key\": \"AK\", \"secret_key\": \"SK\" } ] }",
    ])
    func aByteOrderMarkIsSkipped(text: String) throws {
        #expect(
            try key("\u{FEFF}" + text) == Credentials.keys(accessKey: "AK", secret: Secret("SK")))
    }

    @Test func aProfileNeedsAFileOfProfiles() {
        #expect(throws: CredentialsError.profileInWrongFormat(path: "/k", profile: "work")) {
            try key("AK:SK", profile: "work")
        }
    }

    @Test func deepJSONIsRefused() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: JSONValue.Malformed.self) { try JSONValue(parsing: Array(text.utf8)) }
    }

    // Cutting a document anywhere must be an error, never a trap.
    @Test func everyPrefixOfADocumentIsRefused() {
        let whole = Array(#"{"a":[1,-2.5e3,"x\n\u00e9\ud83d\ude00",true,false,null],"b":{}}"#.utf8)
        #expect(throws: Never.self) { try JSONValue(parsing: whole) }
        for length in 0..<whole.count {
            #expect(throws: JSONValue.Malformed.self) {
                try JSONValue(parsing: Array(whole[..<length]))
            }
        }
    }
}

@Suite struct CredentialsSearchTests {
    /// Every place has a key named after it.
    private func fullMachine() -> FakeEnvironment {
        var machine = FakeEnvironment()
        machine.variables["AWS_ACCESS_KEY_ID"] = "environment"
        machine.variables["AWS_SECRET_ACCESS_KEY"] = theSecret
        machine.variables["AWS_SESSION_TOKEN"] = "token"
        machine.addFile("/k", "named:\(theSecret)")
        machine.addFile(
            "/home/ann/.aws/credentials",
            """
            [default]
            aws_access_key_id = home
            aws_secret_access_key = \(theSecret)
            [work]
            aws_access_key_id = profile
            aws_secret_access_key = \(theSecret)
            """)
        machine.addFile("/etc/rgwfs/credentials", "system:\(theSecret)")
        return machine
    }

    private func find(_ options: String, _ machine: FakeEnvironment) throws -> CredentialsChoice {
        try plan(options: options, in: machine).credentials
    }

    @Test func theFirstPlaceWins() throws {
        var machine = fullMachine()
        #expect(try find("credentials=/k", machine).credentials?.accessKeyID == "named")
        #expect(try find("profile=work", machine).credentials?.accessKeyID == "profile")
        let fromEnvironment = try find("ro", machine)
        #expect(
            fromEnvironment.credentials?.accessKeyID == "environment"
                && fromEnvironment.origin == .environment)
        #expect(
            fromEnvironment.credentials
                == .keys(
                    accessKey: "environment", secret: Secret(theSecret),
                    sessionToken: Secret("token")))
        machine.variables["AWS_ACCESS_KEY_ID"] = nil
        machine.variables["AWS_SECRET_ACCESS_KEY"] = ""
        #expect(try find("ro", machine).credentials?.accessKeyID == "home")
        machine.files["/home/ann/.aws/credentials"] = nil
        #expect(try find("ro", machine).credentials?.accessKeyID == "system")
        #expect(try find("public_bucket", fullMachine()).credentials == .anonymous)
    }

    @Test func aHomeFileWithoutADefaultProfileIsPassedOver() throws {
        var machine = fullMachine()
        machine.variables = ["HOME": "/home/ann"]
        machine.addFile("/home/ann/.aws/credentials", "[work]\naws_access_key_id=x\n")
        #expect(try find("ro", machine).credentials?.accessKeyID == "system")
    }

    /// The variables that AWS tools read, with the same precedence.
    @Test func theProfileAndItsFileAreTakenFromTheEnvironment() throws {
        var machine = fullMachine()
        machine.variables["AWS_PROFILE"] = "work"
        #expect(try find("ro", machine).credentials?.accessKeyID == "environment")
        machine.variables["AWS_ACCESS_KEY_ID"] = nil
        machine.variables["AWS_SECRET_ACCESS_KEY"] = nil
        #expect(try find("ro", machine).credentials?.accessKeyID == "profile")
        #expect(try find("credentials=/k", machine).credentials?.accessKeyID == "named")
        machine.variables["AWS_PROFILE"] = "none"
        #expect(throws: MountFailure.self) { try find("ro", machine) }
        machine.variables["AWS_PROFILE"] = ""
        #expect(try find("ro", machine).credentials?.accessKeyID == "home")

        machine.variables["AWS_SHARED_CREDENTIALS_FILE"] = "keys/aws"
        machine.addFile(
            "/home/ann/keys/aws",
            """
            [default]
            aws_access_key_id = shared
            aws_secret_access_key = \(theSecret)
            [work]
            aws_access_key_id = sharedWork
            aws_secret_access_key = \(theSecret)
            """)
        #expect(try find("ro", machine).credentials?.accessKeyID == "shared")
        #expect(try find("profile=work", machine).credentials?.accessKeyID == "sharedWork")
        machine.variables["HOME"] = nil
        machine.variables["XDG_STATE_HOME"] = "/home/ann/state"
        machine.variables["AWS_PROFILE"] = "work"
        let found = try find("ro", machine)
        #expect(found.credentials?.accessKeyID == "sharedWork")
        #expect(found.origin == .file(path: "/home/ann/keys/aws", profile: "work"))
        machine.variables["AWS_PROFILE"] = nil
        machine.files["/home/ann/keys/aws"] = nil
        #expect(
            throws: MountFailure.credentials(.absent(path: "/home/ann/keys/aws"))
        ) { try find("ro", machine) }
    }

    @Test func keysInTheEnvironmentAreLookedThroughToo() throws {
        var machine = fullMachine()
        machine.variables["AWS_ACCESS_KEY_ID"] = "AK\r"
        #expect(
            throws: MountFailure.credentials(
                .invisibleInEnvironment(variable: "AWS_ACCESS_KEY_ID"))
        ) { try find("ro", machine) }
    }

    @Test func nothingFoundSaysWhereItLooked() throws {
        let found = try #require(
            failure(["photos", "/mnt/photos", "-o", "url=http://h"], in: FakeEnvironment()))
        #expect(found.status == .mountFailed)
        for place in [
            "credentials=", "profile=", "AWS_ACCESS_KEY_ID", "/home/ann/.aws/credentials",
            "/etc/rgwfs/credentials", "public_bucket",
        ] {
            #expect(found.description.contains(place))
        }
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o622, 0o644, 0o601] as [UInt32])
    func filesOpenToOthersAreRefused(permissions: UInt32) throws {
        var machine = FakeEnvironment()
        machine.addFile("/k", "AK:\(theSecret)", permissions: permissions)
        let found = try #require(
            failure(["photos", "/mnt/photos", "-o", "url=http://h,credentials=/k"], in: machine))
        #expect(found.description.contains("run chmod 600 /k"))
        #expect(found.status == .mountFailed)
    }

    @Test(arguments: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
    func halfAKeyInTheEnvironmentIsAnError(present: String) throws {
        var machine = FakeEnvironment.working
        machine.variables[present] = theSecret
        let found = try #require(
            failure(["photos", "/mnt/photos", "-o", "url=http://h"], in: machine))
        #expect(found.description.hasPrefix("\(present) is set in the environment, but AWS_"))
        #expect(!found.description.contains(theSecret))
    }

    /// Printing, dumping or reflecting any of it, as a log or a debugger would.
    @Test func noDescriptionShowsASecret() throws {
        var machine = fullMachine()
        machine.addFile(
            "/p",
            "[default]\naws_access_key_id = AK\naws_secret_access_key = \(theSecret)\n"
                + "aws_session_token = token-\(theSecret)\n")
        let plan = try plan(options: "credentials=/p", in: machine)
        let file = try CredentialsFile(
            parsing: Array("AK:\(theSecret)\nb:AK:\(theSecret)\n".utf8), path: "/k")
        let profiles = try CredentialsFile(
            parsing: Array(
                "[default]\naws_access_key_id=AK\naws_secret_access_key=\(theSecret)".utf8),
            path: "/k")
        for value in [plan, plan.credentials, plan.settings, file, profiles] as [Any] {
            var dumped = ""
            dump(value, to: &dumped)
            for text in ["\(value)", String(reflecting: value), dumped] {
                #expect(!text.contains(theSecret))
            }
        }
        #expect("\(plan.credentials)".contains("AK"), "the key's id is no secret")
    }

    @Test func keysAreReadAgain() throws {
        var machine = fullMachine()
        let choice = try find("credentials=/k", machine)
        machine.addFile("/k", "rotated:\(theSecret)")
        let again = try CredentialsSearch.reread(choice, bucket: "photos", in: machine)
        #expect(again.credentials?.accessKeyID == "rotated" && again.origin == choice.origin)
        machine.files["/k"] = nil
        #expect(throws: CredentialsError.absent(path: "/k")) {
            try CredentialsSearch.reread(choice, bucket: "photos", in: machine)
        }
    }
}
