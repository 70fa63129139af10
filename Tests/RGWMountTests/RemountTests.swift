import RGWBase
import RGWVFS
import Testing

@testable import RGWMount

/// What a remount changes, and what it refuses.
@Suite struct RemountTests {
    private func mounted(_ options: String = "ro=0") throws -> MountSettings {
        try plan(options: options == "ro=0" ? "rw" : options).settings
    }

    private func remount(
        _ texts: String..., over settings: MountSettings, uploadsMax: Int = 32, sloppy: Bool = false
    ) throws(OptionError) -> Remount {
        try Remount(
            texts, over: settings, uploadsMax: uploadsMax, sloppy: sloppy, mountingUser: 0)
    }

    @Test func everyChangeableOptionIsInTheTable() {
        for name in Remount.changeable { #expect(OptionTable.byName[name]?.name == name) }
    }

    @Test func whatIsNamedChangesAndNothingElse() throws {
        let before = try mounted("uploads=8,conflict=hold,acregmin=5")
        let after = try remount("rw,remount,uploads=4", "log_level=debug", over: before)
        #expect(after.changed == ["uploads", "log_level"])
        var expected = before
        expected.volume.uploadsMax = 4
        expected.logLevel = .debug
        expected.given = after.settings.given
        #expect(after.settings == expected)
    }

    /// mount(8) passes the whole line of fstab along.
    @Test func sayingTheSameAgainIsNoChange() throws {
        let line =
            "url=http://127.0.0.1:7480,conflict=hold,nosuid,noatime,uid=5,dmask=077,soft,"
            + "x-systemd.automount,_netdev,nofail,memory=64M"
        let before = try mounted(line)
        let after = try remount("rw,\(line),remount", over: before)
        #expect(after.changed.isEmpty)
        let shown = "rw,nosuid,nodev,relatime,user_id=0,group_id=0,default_permissions,allow_other"
        #expect(try remount("\(shown),remount", over: before).changed.isEmpty)
        let tls = try mounted("url=https://h")
        #expect(try remount("remount,url=h", over: tls).changed.isEmpty, "https is what it means")
    }

    @Test(arguments: OptionTable.all.map(\.name))
    func everyOtherOptionIsRefusedByName(name: String) throws {
        let values = [
            "url": "http://other", "region": "moon", "sigv": "2", "cacert": "/ca", "proxy": "none",
            "client_cert": "/c", "client_key": "/k", "connect_timeout": "3", "timeo": "7",
            "retrans": "1", "credentials": "/x", "profile": "p", "config": "/c", "uid": "7",
            "gid": "7", "umask": "077", "fmask": "077", "dmask": "077", "attrs": "list",
            "spool": "/s", "spool_size": "1G", "commit": "5", "fsync": "local", "conflict": "hold",
            "credential_process": "/p", "role_arn": "r", "web_identity_token_file": "/t",
            "multipart_threshold": "1G", "metrics": "9100", "small_files": "1K",
        ]
        // Flags that say what is so already.
        let settled: Set<String> = [
            "sigv4", "use_path_request_style", "soft", "default_permissions", "allow_other",
            "nonempty",
        ]
        guard !Remount.changeable.contains(name), !settled.contains(name) else { return }
        let text = values[name].map { "\(name)=\($0)" } ?? name
        let before = try mounted()
        #expect(throws: OptionError.fixed(name: name, reason: nil), "\(text)") {
            try remount("remount,\(text)", over: before)
        }
    }

    @Test func aBoundMovesTheOtherOneThatWasNotGivenNow() throws {
        let before = try mounted("acregmin=5,acregmax=10")
        let after = try remount("remount,acregmin=30", over: before).settings.volume
        #expect(after.fileAttributesMin == .seconds(30) && after.fileAttributesMax == .seconds(30))
        #expect(throws: OptionError.self) {
            try remount("remount,acregmin=30,acregmax=3", over: before)
        }
    }

    @Test func uploadsStayWithinWhatTheMountWasMadeFor() throws {
        let before = try mounted()
        #expect(try remount("remount,uploads=32", over: before).settings.volume.uploadsMax == 32)
        #expect(throws: OptionError.self) { try remount("remount,uploads=33", over: before) }
        let wide = try remount("remount,uploads=64", over: before, uploadsMax: 64).settings
        // It may come back after it was made smaller.
        let narrow = try remount("remount,uploads=2", over: wide, uploadsMax: 64).settings
        #expect(try remount("remount,uploads=64", over: narrow, uploadsMax: 64).changed.count == 1)
    }

    @Test func whatWasMountedToReadStaysSo() throws {
        let before = try mounted("ro")
        #expect(throws: OptionError.self) { try remount("rw,remount", over: before) }
        #expect(try remount("ro,remount,uploads=3", over: before).settings.volume.readOnly)
        #expect(try remount("remount,ro", over: try mounted()).settings.volume.readOnly == false)
    }

    @Test func anUnknownOptionIsAnErrorUnlessSloppy() throws {
        let before = try mounted()
        #expect(throws: OptionError.self) { try remount("remount,upload=3", over: before) }
        let after = try remount("remount,upload=3", over: before, sloppy: true)
        #expect(after.settings.warnings.count == 1 && after.changed.isEmpty)
    }

    @Test func kernelFlagsKeepWhatIsNotNamed() throws {
        let flags = KernelFlags(shown: ["rw", "nosuid", "nodev", "relatime", "rw", "user_id=0"])
        #expect(flags.names == ["nosuid", "nodev"])
        func applying(_ text: String) throws -> Set<String> {
            let arguments = try MountArguments(parsing: ["a", "/b", "-o", text])
            #expect(arguments.isRemount)
            return flags.applying(arguments).names
        }
        #expect(try applying("remount,ro,uploads=4") == ["ro", "nosuid", "nodev"])
        #expect(try applying("ro,dev,remount,rw,noexec") == ["nosuid", "noexec"])
        #expect(try !MountArguments(parsing: ["a", "/b", "-o", "x-remount,uploads=2"]).isRemount)
    }
}
