import RGWBase
import RGWClient
import RGWObject
import RGWVFS
import RGWWire
import Testing

@testable import RGWMount

@Suite struct MountOptionTests {
    private func settings(_ text: String, sloppy: Bool = false) throws(OptionError) -> MountSettings
    {
        var settings = MountSettings()
        try OptionReader.apply("url=http://h," + text, to: &settings, sloppy: sloppy)
        try OptionReader.check(&settings)
        return settings
    }

    @Test func everyOptionIsUniqueAndDocumented() {
        let names = OptionTable.all.flatMap { [$0.name] + $0.aliases }
        #expect(Set(names).count == names.count)
        for option in OptionTable.all {
            #expect(!option.help.isEmpty)
            #expect(!option.help.hasSuffix("."))
            #expect(UnbuiltOption.all[option.name] == nil)
            #expect(!GenericMountOption.names.contains(option.name))
        }
    }

    @Test(arguments: OptionTable.all.filter { $0.defaultText != nil }.map(\.name))
    func theDefaultShownIsTheDefaultUsed(name: String) throws {
        let option = try #require(OptionTable.byName[name])
        let text = try #require(option.defaultText)
        var changed = MountSettings()
        try option.assign(&changed, text)
        #expect(String(reflecting: changed) == String(reflecting: MountSettings()))
    }

    @Test(arguments: OptionTable.all.filter { $0.placeholder != nil }.map(\.name))
    func anOptionWithoutItsValueIsAnError(name: String) {
        for text in [name, "\(name)="] {
            #expect { _ = try settings(text) } throws: {
                guard case .valueMissing(let named, _)? = $0 as? OptionError else { return false }
                return named == name
            }
        }
    }

    @Test(arguments: OptionTable.all.map(\.name) + ["actimeo", "uid"])
    func nonsenseIsAnErrorNamingTheOption(name: String) throws {
        let option = try #require(OptionTable.byName[name])
        // Paths, commands, and names of profiles and roles may be any text.
        let texts = [
            "credentials", "profile", "config", "spool", "nonempty", "credential_process",
            "role_arn", "web_identity_token_file",
        ]
        let files = ["cacert", "client_cert", "client_key"]
        guard !(texts + files).contains(name) else { return }
        let text = option.placeholder == nil ? "\(name)=maybe/maybe" : "\(name)=-1/x"
        #expect { _ = try settings(text) } throws: { "\($0)".contains("'\(name)=") }
    }

    @Test func rootMountsForEverybodyAndUsersForThemselves() throws {
        func lets(_ text: String, _ user: UInt32) throws -> Bool {
            try settings(text).allowsOther(mountingUser: user)
        }
        #expect(try lets("ro", 0) && !lets("ro", 1000))
        #expect(try !lets("noallow_other", 0) && lets("allow_other", 1000))
        #expect(try !lets("allow_root", 0) && !lets("allow_root", 1000))
        #expect(try !lets("allow_other,noallow_other", 0) && lets("noallow_other,allow_other", 7))
    }

    @Test func valuesArrive() throws {
        let read = try settings(
            "region=eu-1,sigv=2,virtual_host,cto=0,connect_timeout=3,timeo=600,retrans=7,hard,"
                + "acregmin=1,acregmax=500ms,acdirmin=2m,acdirmax=3m,attrs=list,memory=64M,"
                + "readahead=4M,small_files=16K,spool=/s,writeback_delay=1.5s,uploads=3,fsync=local,"
                + "conflict=hold,multipart_threshold=1G,drain_timeout=5m,uid=7,gid=8,fmask=077,"
                + "dmask=0022,ro,allow_other,acregmin=100ms")
        #expect(
            read.client.region == "eu-1" && read.client.signatureVersion == .v2
                && read.client.endpoint.style == .virtualHost)
        #expect(read.client.connectTimeout == .seconds(3) && read.client.timeo == .seconds(60))
        #expect(
            read.client.retrans == 7 && read.client.recovery == .hard && read.allowsOther == true)
        let volume = read.volume
        #expect(!volume.closeToOpen && volume.readOnly)
        #expect(volume.fileAttributesMin == .milliseconds(100))
        #expect(volume.fileAttributesMax == .milliseconds(500))
        #expect(volume.directoryAttributesMin == .seconds(120))
        #expect(volume.attributeSource == .list)
        #expect(volume.memoryBytes == 64 << 20 && volume.readAheadBytes == 4 << 20)
        #expect(volume.smallBytesMax == 16 << 10)
        #expect(read.spoolDirectory == "/s")
        #expect(volume.writebackDelay == .milliseconds(1500) && volume.uploadsMax == 3)
        #expect(volume.guarantee == .local && volume.conflict == .hold)
        #expect(volume.multipartThreshold == 1 << 30 && volume.drainTimeout == .seconds(300))
        #expect(read.uid == 7 && read.gid == 8)
        #expect(read.fileMask == 0o077 && read.directoryMask == 0o022)
    }

    @Test func namesOfS3FSAndNFSMeanTheSame() throws {
        let read = try settings(
            "passwd_file=/k,endpoint=eu,use_path_request_style,sigv2,nonempty,actimeo=7,nocto,soft")
        #expect(
            read.credentialsFile == "/k" && read.client.region == "eu"
                && read.client.endpoint.style == .path)
        #expect(
            read.client.signatureVersion == .v2 && !read.volume.closeToOpen
                && read.client.recovery == .soft)
        #expect(read.volume.fileAttributesMin == .seconds(7))
        #expect(read.volume.directoryAttributesMax == .seconds(7))
        let noac = try settings("noac").volume
        #expect(noac.fileAttributesMax == .zero && noac.guarantee == .synchronous)
        #expect(try settings("sync").volume.guarantee == .synchronous)
        #expect(try settings("public_bucket=1").isAnonymous)
    }

    @Test func theLastOfTwoWins() throws {
        #expect(try settings("ro,rw,uploads=2,uploads=5").volume.uploadsMax == 5)
        #expect(try !settings("ro,rw").volume.readOnly)
    }

    @Test func mountsOwnOptionsAreUnderstood() throws {
        let read = try settings(
            "rw,auto,noauto,user,user=ann,users,owner,group,nofail,_netdev,defaults,relatime,"
                + "strictatime,x-systemd.automount,x-systemd.idle-timeout=3,X-mount.mkdir,"
                + "comment=a b,"
                + "noatime,nodiratime,nodev,nosuid,noexec,dev,suid,exec,dirsync,async")
        #expect(
            read.kernelOptions == [
                "noatime", "nodev", "nosuid", "noexec", "dev", "suid", "exec", "dirsync", "async",
            ])
        #expect(read.warnings.isEmpty)
    }

    @Test(arguments: [
        ("uplods=3", "uploads"), ("alow_other", "allow_other"), ("passwdfile=/x", "passwd_file"),
        ("acregmxa=3", "acregmax"), ("noexce", "noexec"), ("cachedir=/x", "cache_dir"),
    ])
    func unknownOptionsNameTheNearest(text: String, nearest: String) {
        #expect { _ = try settings(text) } throws: {
            "\($0)".contains("did you mean '\(nearest)'?")
        }
    }

    @Test func sloppyMountsWarnAboutUnknownOptionsOnly() throws {
        let read = try settings("zzzzqqqq=\(theSecret),uploads=3", sloppy: true)
        #expect(read.volume.uploadsMax == 3)
        #expect(read.warnings.count == 1)
        #expect(read.warnings.allSatisfy { $0.contains("zzzzqqqq") && !$0.contains(theSecret) })
        #expect(throws: OptionError.self) { try settings("cache_dir=/c", sloppy: true) }
    }

    @Test(arguments: UnbuiltOption.all.keys.sorted())
    func unbuiltOptionsAreRefusedByName(name: String) {
        for text in [name, "\(name)=1"] {
            #expect { _ = try settings(text) } throws: {
                "\($0)".contains("option '\(name)' is not supported yet")
            }
        }
    }

    @Test(arguments: [
        "allow_other,allow_root", "acregmin=10,acregmax=5", "acdirmin=10,acdirmax=5",
        "writeback_delay=5s,writeback_max_delay=1s", "public_bucket,credentials=/k",
        "public_bucket,profile=x", "cacert=/x", "signed_payload,sigv=2",
    ])
    func contradictionsAreErrors(text: String) {
        #expect { _ = try settings(text) } throws: {
            if case .contradiction? = $0 as? OptionError { return true }
            return false
        }
    }

    @Test func oneGivenBoundMovesTheOther() throws {
        #expect(try settings("acregmin=300").volume.fileAttributesMax == .seconds(300))
        #expect(try settings("acdirmax=1").volume.directoryAttributesMin == .seconds(1))
    }

    @Test func aMissingServerIsNamed() {
        var settings = MountSettings()
        #expect(throws: OptionError.missing(name: "url", example: "url=http://server:7480")) {
            try OptionReader.check(&settings)
        }
    }

    @Test func commasInValuesAreQuotedOrEscaped() {
        let items = OptionList.items(#"ro,,spool="/a,b",config=/c\,d\\e,x-y=1=2,"#)
        #expect(
            items == [
                OptionList.Item(name: "ro", value: nil),
                OptionList.Item(name: "spool", value: "/a,b"),
                OptionList.Item(name: "config", value: #"/c,d\e"#),
                OptionList.Item(name: "x-y", value: "1=2"),
            ])
    }

    @Test(arguments: [
        ("http://h", "http://h"), ("https://H.Example.org:8443/", "https://h.example.org:8443"),
        ("HTTP://10.0.0.1:80", "http://10.0.0.1"), ("https://[::1]:443", "https://[::1]"),
        ("http://[fe80::1]:7480", "http://[fe80::1]:7480"), ("h:80", "https://h:80"),
        ("S3.Example.org", "https://s3.example.org"), ("[::1]", "https://[::1]"),
    ])
    func serversAreRead(text: String, expected: String) throws {
        #expect(try Endpoint(option: "url", text: text).description == expected)
    }

    @Test(arguments: [
        "", "/", "h:x", "ftp://h", "http://", "http://:80", "http://h:", "http://h:0",
        "http://h:70000",
        "http://h:8x", "http://h/path", "http://h?x", "http://a b", "http://[::1", "http://[]",
        "http://[::1]x", "http://u:\(theSecret)@h",
    ])
    func wrongServersAreErrors(text: String) {
        #expect { try Endpoint(option: "url", text: text) } throws: {
            "\($0)".contains("'url") && !"\($0)".contains(theSecret)
        }
    }
}

@Suite struct OptionValueTests {
    @Test(
        arguments: [
            ("0", 0), ("1", 1), ("64K", 65536), ("64k", 65536), ("2MiB", 2 << 20), ("2mb", 2 << 20),
            ("5G", 5 << 30), ("1T", 1 << 40), ("7B", 7),
        ] as [(String, UInt64)])
    func bytesAreRead(text: String, expected: UInt64) {
        #expect(OptionValue.bytes(text) == expected)
    }

    @Test(arguments: ["", "K", "-1", "1.5G", "1X", "1 K", "99999999999T", "1KK", "0x10"])
    func wrongBytesAreRefused(text: String) { #expect(OptionValue.bytes(text) == nil) }

    @Test(
        arguments: [
            ("300ms", .milliseconds(300)), ("1s", .seconds(1)), ("1.5", .milliseconds(1500)),
            ("5m", .seconds(300)), ("2h", .seconds(7200)), ("1d", .seconds(86400)), ("0", .zero),
        ] as [(String, Duration)])
    func durationsAreRead(text: String, expected: Duration) {
        #expect(OptionValue.duration(text, bareUnit: .seconds(1)) == expected)
    }

    @Test(arguments: ["", "s", "-1s", "1x", "1 s", "nan", "inf", "1e3", "1.2.3", ".5", "99999999d"])
    func wrongDurationsAreRefused(text: String) {
        #expect(OptionValue.duration(text, bareUnit: .seconds(1)) == nil)
    }

    @Test(arguments: ["8", "-1", "99", "7777", "00022", "", "0o22"])
    func wrongMasksAreRefused(text: String) { #expect(OptionValue.mask(text) == nil) }

    @Test(arguments: [
        ("kitten", "sitting", 3), ("ab", "ba", 1), ("", "abc", 3), ("same", "same", 0),
    ])
    func distancesCountEdits(a: String, b: String, expected: Int) {
        #expect(NearestName.distance(Array(a.utf8), Array(b.utf8)) == expected)
    }
}
