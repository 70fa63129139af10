import RGWClient
import RGWMount
import RGWVFS
import Testing

@Suite struct ConfigurationFileTests {
    private func environment(_ text: String, path: String = "/etc/rgwfs.conf") -> FakeEnvironment {
        var environment = FakeEnvironment.working
        environment.addFile(path, text, permissions: 0o644)
        return environment
    }

    private static let example = """
        # servers
        [default]
        url = http://10.0.0.1:7480
        uploads=4
        memory = 32M

        [photos]
        uploads = 5
        ro
        ; another bucket's section is not looked into
        [videos]
        no-such-option = 1
        [s3://photos/2024/]\r
        memory = 48M\r
        """

    @Test func theMoreExactSectionWins() throws {
        let machine = environment(Self.example)
        let whole = try plan(["photos", "/mnt/photos"], in: machine)
        #expect(whole.server.description == "http://10.0.0.1:7480")
        #expect(whole.volume.uploadsMax == 5 && whole.volume.readOnly)
        #expect(whole.volume.memoryBytes == 32 << 20)
        let part = try plan(["photos/2024/may", "/mnt/photos"], in: machine)
        #expect(part.volume.memoryBytes == 48 << 20 && part.volume.uploadsMax == 5)
    }

    @Test func theCommandLineWins() throws {
        let plan = try plan(
            ["photos", "/mnt/photos", "-o", "rw,uploads=9"], in: environment(Self.example))
        #expect(plan.volume.uploadsMax == 9 && !plan.volume.readOnly)
    }

    @Test func anotherFileCanBeNamed() throws {
        let machine = environment("[default]\nurl=http://h\n", path: "/home/ann/my.conf")
        let plan = try plan(["photos", "/mnt/photos", "-o", "config=my.conf"], in: machine)
        #expect(plan.server.host == "h")
        #expect(
            failure(["photos", "/mnt/photos", "-o", "config=/none"])
                == .configuration(.absent(path: "/none")))
    }

    @Test(arguments: [
        ("url=http://h", "/etc/rgwfs.conf:1: expected [default]"),
        ("\n[default\n", "/etc/rgwfs.conf:2: expected [section]"),
        ("[]", "/etc/rgwfs.conf:1: expected [section]"),
        ("[a b]", "/etc/rgwfs.conf:1: expected [default] or a source"),
        ("[default]\n = 3", "/etc/rgwfs.conf:2: expected option"),
        ("[default]\nuplods = 3", "/etc/rgwfs.conf:2: unknown option 'uplods'"),
        ("[default]\n\nuploads = many", "/etc/rgwfs.conf:3: option 'uploads=many' is wrong"),
        ("[default]\nurl http://h\n", "/etc/rgwfs.conf:2: expected option or option = value"),
        ("[default]\nro,uploads=3\n", "/etc/rgwfs.conf:2: expected one option a line"),
        (
            "[default]\nurl = http://h # the old one\n",
            "/etc/rgwfs.conf:2: a comment needs a line of its own"
        ),
        ("[default]\nro\t; for now", "/etc/rgwfs.conf:2: a comment needs a line of its own"),
        ("[default] # all\nro", "/etc/rgwfs.conf:1: a comment needs a line of its own"),
        ("[photos]\ncache_dir=/c", "/etc/rgwfs.conf:2: option 'cache_dir' is not supported"),
    ])
    func mistakesAreNamedWithTheirLine(text: String, part: String) throws {
        let found = try #require(failure(["photos", "/mnt/photos"], in: environment(text)))
        #expect(found.description.hasPrefix(part))
        #expect(found.status == .usage)
    }

    @Test func aByteOrderMarkIsNoPartOfTheFirstLine() throws {
        let machine = environment("\u{FEFF}[default]\nurl=http://h\n")
        #expect(try plan(["photos", "/mnt/photos"], in: machine).server.host == "h")
    }

    @Test func anUnreadableFileIsAnError() {
        var machine = FakeEnvironment.working
        machine.files["/etc/rgwfs.conf"] = .failed("Permission denied")
        #expect(
            failure(["photos", "/mnt/photos"], in: machine)?.description
                == "cannot read the configuration file /etc/rgwfs.conf: Permission denied")
    }
}
