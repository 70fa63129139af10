import RGWBase
import RGWClient
import RGWObject
import RGWVFS
import Testing

@testable import RGWMount

@Suite struct FuseRightsTests {
    /// Ordinary users need it; libfuse would name the directory only.
    @Test(arguments: ["allow_other", "allow_root"])
    func whatFuseConfForbidsIsNamed(option: String) throws {
        let words = ["photos", "/mnt/photos", "-o", "url=http://h,\(option)"]
        var machine = FakeEnvironment.working
        for text in [nil, "", "# user_allow_other\nmount_max = 5\n"] {
            if let text { machine.addFile("/etc/fuse.conf", text, permissions: 0o644) }
            let found = try #require(failure(words, in: machine))
            #expect(found.status == .mountFailed)
            #expect(found.description.contains("'\(option)' needs the line user_allow_other"))
        }
        machine.addFile("/etc/fuse.conf", "#\n user_allow_other \n", permissions: 0o644)
        #expect(failure(words, in: machine) == nil)
        machine.files["/etc/fuse.conf"] = nil
        machine.userID = 0
        #expect(failure(words, in: machine) == nil, "root may")
    }
}

@Suite struct MountPlanTests {
    @Test func theMountingUserOwnsTheFiles() throws {
        let volume = try plan(options: "umask=027,dmask=0").volume
        #expect(volume.uid == 1000 && volume.gid == 1001)
        #expect(volume.fileMask == 0o027 && volume.directoryMask == 0)
        #expect(volume.bucket == "photos" && volume.hostName == "desk")
        let given = try plan(options: "uid=5,gid=6").volume
        #expect(given.uid == 5 && given.gid == 6 && given.fileMask == 0o022)
    }

    @Test func sudosVariablesDoNotCount() throws {
        var machine = FakeEnvironment.working
        machine.variables["SUDO_UID"] = "77"
        machine.userID = 0
        #expect(try plan(options: "ro", in: machine).volume.uid == 0)
    }

    @Test func contentTypesComeFromTheSystem() throws {
        var machine = FakeEnvironment.working
        machine.addFile(
            "/etc/mime.types",
            "# types\nimage/jpeg\tjpeg JPG jpe\ntext/plain  txt # no more\nbad line\n"
                + "application/x jpg\nx/y\n",
            permissions: 0o644)
        #expect(
            try plan(options: "ro", in: machine).volume.contentTypes == [
                "jpeg": "image/jpeg", "jpg": "image/jpeg", "jpe": "image/jpeg", "txt": "text/plain",
            ])
    }

    @Test func theCheckNeverTriesForEver() throws {
        let plan = try plan(options: "hard,timeo=3000,connect_timeout=4,retrans=9")
        #expect(plan.settings.client.recovery == .hard)
        #expect(plan.preflightClient.recovery == .soft && plan.preflightClient.retrans == 1)
        #expect(plan.volume.retriesMax == nil)
        #expect(plan.preflightClient.timeo == .seconds(4))
    }

    @Test func whatTheClientCannotRepeatIsRepeatedAsOften() throws {
        #expect(try plan(options: "retrans=9").volume.retriesMax == 9)
    }

    @Test func relativePathsStartAtTheWorkingDirectory() throws {
        var machine = FakeEnvironment.working
        machine.directories["/home/ann/mnt"] = .directory(realPath: "/data/mnt")
        machine.addFile("/home/ann/keys", "rel:x")
        let plan = try plan(
            ["photos", "mnt", "-o", "url=http://h,credentials=keys,spool=spool"], in: machine)
        #expect(plan.mountPoint.path == "/data/mnt" && !plan.mountPoint.hasDeadMount)
        #expect(plan.credentials.credentials?.accessKeyID == "rel")
        #expect(plan.spool.base == "/home/ann/spool")
    }

    @Test(
        arguments: [
            (.absent, "does not exist"), (.notDirectory, "is not a directory"),
            (.dead, "dead mount"),
            (.failed("Permission denied"), "Permission denied"),
        ] as [(DirectoryAnswer, String)])
    func wrongMountPointsAreNamed(answer: DirectoryAnswer, part: String) throws {
        var machine = FakeEnvironment.working
        machine.directories["/mnt/photos"] = answer
        let found = try #require(
            failure(["photos", "/mnt/photos", "-o", "url=http://h"], in: machine))
        #expect(found.description.hasPrefix("mount point /mnt/photos"))
        #expect(found.description.contains(part))
        #expect(found.status == .mountFailed)
    }

    @Test func aSecondMountIsRefusedAndOverAnotherFileSystemIsNot() {
        var machine = FakeEnvironment.working
        let words = ["photos", "/mnt/photos", "-o", "url=http://h"]
        machine.mounts["/mnt/photos"] = MountTableEntry(type: "ext4", source: "/dev/sda1")
        #expect(failure(words, in: machine) == nil)
        machine.mounts["/mnt/photos"] = MountTableEntry(type: "fuse.rgwfs", source: "videos")
        #expect(failure(words, in: machine) == .mountPoint(.busy("/mnt/photos", source: "videos")))
    }

    @Test func whatAKilledMountLeftIsReplaced() throws {
        var machine = FakeEnvironment.working
        machine.directories["/mnt/photos"] = .dead
        machine.mounts["/mnt/photos"] = MountTableEntry(type: "fuse.rgwfs", source: "photos")
        let plan = try plan(["photos", "/mnt//./photos/", "-o", "url=http://h"], in: machine)
        #expect(plan.mountPoint.path == "/mnt/photos" && plan.mountPoint.hasDeadMount)
        machine.mounts["/mnt/photos"] = MountTableEntry(type: "fuse.sshfs", source: "ann@host:")
        #expect(
            failure(["photos", "/mnt/photos", "-o", "url=http://h"], in: machine)
                == .mountPoint(.dead("/mnt/photos")))
    }
}

@Suite struct SpoolLocationTests {
    private func identifier(
        _ server: String, _ source: String, _ user: UInt32 = 0
    ) throws -> String {
        SpoolLocation.identifier(
            server: try Endpoint(option: "url", text: server),
            source: try MountSource(parsing: source), userID: user)
    }

    @Test func theIdentifierIsTheBeginningOfTheDigest() throws {
        // printf 'http|h|7480|acme|photos|2024/|1000' | sha256sum
        #expect(try identifier("http://h:7480", "acme:photos/2024", 1000) == "a2fb1b990fbdddd5")
        #expect(try identifier("http://H:80/", "photos/") == identifier("http://h", "photos"))
    }

    @Test func everyPartOfTheIdentityCounts() throws {
        let all = try [
            identifier("http://h", "photos"), identifier("https://h", "photos"),
            identifier("http://i", "photos"), identifier("http://h:81", "photos"),
            identifier("http://h", "acme:photos"), identifier("http://h", "videos"),
            identifier("http://h", "photos/a"), identifier("http://h", "photos", 1),
        ]
        #expect(Set(all).count == all.count)
        #expect(all.allSatisfy { $0.utf8.count == 16 })
    }

    /// Any number of mounts may read a source beside the one that writes.
    @Test func aMountThatOnlyReadsHasASpoolOfItsOwn() throws {
        var machine = FakeEnvironment.working
        machine.directories["/mnt/second"] = .directory(realPath: "/mnt/second")
        let url = ["-o", "url=http://h"]
        let writing = try plan(["photos", "/mnt/photos"] + url, in: machine).spool
        let readers = try ["/mnt/photos", "/mnt/second"].map {
            try plan(["photos", $0, "-o", "url=http://h,ro"], in: machine).spool
        }
        #expect(Set(readers.map(\.directory) + [writing.directory]).count == 3)
        #expect(readers.allSatisfy { $0.writableDirectory == writing.directory })
        #expect(writing.writableDirectory == writing.directory)
        #expect(
            try plan(["photos", "/mnt/second"] + url, in: machine).spool.directory
                == writing.directory, "whoever writes finds what was left, wherever it mounts")
    }

    @Test func rootAndOthersHaveTheirOwnPlaces() throws {
        var machine = FakeEnvironment.working
        #expect(try plan(options: "ro", in: machine).spool.base == "/home/ann/.local/state/rgwfs")
        machine.variables["XDG_STATE_HOME"] = "relative"
        #expect(try plan(options: "ro", in: machine).spool.base == "/home/ann/.local/state/rgwfs")
        machine.variables["XDG_STATE_HOME"] = "/state"
        #expect(try plan(options: "ro", in: machine).spool.base == "/state/rgwfs")
        machine.userID = 0
        #expect(try plan(options: "ro", in: machine).spool.base == "/var/lib/rgwfs")
        let spool = try plan(options: "spool=/fast", in: machine).spool
        #expect(spool.directory == "/fast/\(spool.identifier)")
    }

    @Test func withoutAHomeThereIsNoPlace() throws {
        var machine = FakeEnvironment()
        machine.variables = ["AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": theSecret]
        let found = try #require(
            failure(["photos", "/mnt/photos", "-o", "url=http://h"], in: machine))
        #expect(found.description.contains("give spool=DIR"))
        #expect(found.status == .mountFailed)
    }
}
