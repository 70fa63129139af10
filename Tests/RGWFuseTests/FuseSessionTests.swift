import Glibc
import RGWBase
import RGWHost
import Synchronization
import Testing

@testable import RGWFuse

/// The life of a mount.
@Suite struct FuseSessionTests {
    /// The line of /proc/mounts about a directory.
    static func line(_ path: String) throws -> String? {
        let text = String(decoding: try Posix.readFile("/proc/mounts"), as: UTF8.self)
        return text.split(separator: "\n").first { $0.contains(" \(path) ") }.map(String.init)
    }

    @Test func theMountTableNamesTheSourceAndTheType() throws {
        var options = FuseOptions()
        options.allowOther = true
        options.flags = [.noexec, .noatime]
        try TestMount.with(source: "tenant:photos/a,b\\c", options: options) { mount in
            let words = try #require(try Self.line(mount.path)).split(separator: " ")
            #expect(words[0] == #"tenant:photos/a,b\134c"#)
            #expect(words[2] == "fuse.rgwfs")
            let flags = Set(words[3].split(separator: ","))
            for flag in [
                "rw", "noexec", "nosuid", "nodev", "noatime", "allow_other", "default_permissions",
                "max_read=1048576",
            ] {
                #expect(flags.contains(Substring(flag)), "\(flag)")
            }
        }
    }

    @Test(arguments: FuseOptions.Flag.allCases) func everyFlagMounts(
        _ flag: FuseOptions.Flag
    )
        throws
    {
        var options = FuseOptions()
        options.flags = [flag]
        try TestMount.with(options: options) { mount in
            let status = try Posix.stat(mount.path)
            #expect(status.st_ino == 1)
        }
    }

    @Test func readyIsCalledOnce() throws {
        try TestMount.with { mount in
            _ = try Posix.stat(mount.path)
            #expect(mount.readyCount.count.load(ordering: .relaxed) == 1)
        }
    }

    @Test func unmountingEndsRun() throws {
        try TestMount.with { mount in
            try Posix.writeFile(mount["file"], [1])
            try mount.session.unmount()
            #expect(mount.result() == .success(.unmounted))
            #expect(try Self.line(mount.path) == nil)
            mount.session.destroy()
            try mount.session.unmount()
        }
    }

    @Test func aMountInUseIsBusyUnlessDetached() throws {
        try TestMount.with { mount in
            let descriptor = try Posix.open(mount["file"], O_RDWR | O_CREAT)
            #expect(throws: FuseError.unmount(mountPoint: mount.path, errno: EBUSY)) {
                try mount.session.unmount()
            }
            try mount.session.unmount(lazy: true)
            #expect(try Self.line(mount.path) == nil)
            // The file is still served, and its last close ends the mount.
            #expect(try Posix.write(descriptor, [1, 2]) == 2)
            try Posix.close(descriptor)
            #expect(mount.result() == .success(.unmounted))
        }
    }

    @Test func stopEndsRunAndUnmountCutsWhatWaits() throws {
        try TestMount.with { mount in
            let descriptor = try Posix.open(mount["file"], O_RDWR | O_CREAT)
            mount.session.stop()
            #expect(mount.result() == .success(.stopped))
            #expect(try Self.line(mount.path) != nil)
            try mount.session.unmount()
            #expect(try Self.line(mount.path) == nil)
            #expect(Posix.errno { _ = try Posix.write(descriptor, [1]) } == ENOTCONN)
            close(descriptor)
        }
    }

    @Test func stopBeforeRunEndsRunAtOnce() throws {
        let path = try TestMount.temporaryDirectory()
        let session = FuseSession(
            fileSystem: MemoryFileSystem(), source: "photos", mountPoint: path,
            meter: FuseMeter(clock: HostClock()))
        try session.mount()
        session.stop()
        let end = TestOutcome()
        let thread = TestThread { end.value.withLock { $0 = try? session.run() } }
        #expect(thread.join())
        #expect(end.value.withLock { $0 } == .stopped)
        try session.unmount()
        session.destroy()
        #expect(unsafe rmdir(path) == 0)
    }

    @Test func anotherMountAtTheSamePlaceIsLeftAlone() throws {
        try TestMount.with { mount in
            // Taken away behind the session's back, as umount(8) does.
            #expect(unsafe umount2(mount.path, 0) == 0)
            #expect(mount.result() == .success(.unmounted))
            let other = FuseSession(
                fileSystem: MemoryFileSystem(), source: "other", mountPoint: mount.path,
                meter: FuseMeter(clock: HostClock()))
            try other.mount()
            let thread = TestThread { _ = try? other.run() }
            try mount.session.unmount()
            #expect(try Self.line(mount.path)?.hasPrefix("other ") == true)
            try other.unmount()
            #expect(thread.join())
            other.destroy()
        }
    }

    @Test func aReadOnlyMountRefusesChanges() throws {
        var options = FuseOptions()
        options.readOnly = true
        try TestMount.with(options: options) { mount in
            #expect(Posix.errno { try Posix.writeFile(mount["file"], [1]) } == EROFS)
        }
    }

    @Test func theKernelForgetsWhatItIsTold() throws {
        let fileSystem = MemoryFileSystem(.init(entryTimeout: .seconds(3600)))
        try TestMount.with(fileSystem) { mount in
            try Posix.writeFile(mount["file"], [1])
            let inode = try #require(fileSystem.inode("file"))
            _ = try Posix.stat(mount["file"])
            func requests(_ operation: String) -> Int { fileSystem.seen.requests[operation] ?? 0 }
            let lookups = requests("lookup")
            let getattrs = requests("getattr")
            _ = try Posix.stat(mount["file"])
            #expect(requests("lookup") == lookups)
            #expect(mount.session.invalidateAttributes(of: inode))
            _ = try Posix.stat(mount["file"])
            #expect(requests("getattr") == getattrs + 1)
            #expect(mount.session.invalidateEntry(.root, "file"))
            _ = try Posix.stat(mount["file"])
            #expect(requests("lookup") == lookups + 1)
            #expect(mount.session.invalidateContent(of: inode))
            #expect(!mount.session.invalidateContent(of: InodeNumber(999_999)))
        }
    }

    @Test func readAheadIsRaised() throws {
        try TestMount.with { mount in
            let identity = try MountPoint.identity(mount.path).get()
            let path = "/sys/class/bdi/\(identity.major):\(identity.minor)/read_ahead_kb"
            #expect(String(decoding: try Posix.readFile(path), as: UTF8.self) == "1024\n")
        }
    }

    @Test func aMissingMountPointIsNamed() throws {
        let session = FuseSession(
            fileSystem: MemoryFileSystem(), source: "photos", mountPoint: "/nowhere/at all",
            meter: FuseMeter(clock: HostClock()))
        let error = #expect(throws: FuseError.self) { try session.mount() }
        #expect(error == .mountPoint("/nowhere/at all", errno: ENOENT))
        #expect(
            error.map { "\($0)" }
                == "Cannot use /nowhere/at all as a mount point: No such file or directory.")
    }

    @Test func aFileIsNoMountPoint() throws {
        let session = FuseSession(
            fileSystem: MemoryFileSystem(), source: "photos", mountPoint: "/proc/self/status",
            meter: FuseMeter(clock: HostClock()))
        #expect(throws: FuseError.mountPoint("/proc/self/status", errno: ENOTDIR)) {
            try session.mount()
        }
    }

    @Test func runNeedsAMount() throws {
        let session = FuseSession(
            fileSystem: MemoryFileSystem(), source: "photos", mountPoint: "/",
            meter: FuseMeter(clock: HostClock()))
        #expect(throws: FuseError.state(mountPoint: "/", method: "run")) { try session.run() }
    }
}

/// A place for what a thread found.
final class TestOutcome: Sendable {
    let value = Mutex<FuseSession.End?>(nil)
}

/// libfuse's messages. Apart, because the log function is the process's.
@Suite struct FuseLogTests {
    @Test func messagesOfLibfuseAreRedirected() async {
        await #expect(processExitsWith: .success) {
            let lines = Mutex<[String]>([])
            let kept = Kept(lines: lines)
            FuseLog.redirect { line in kept.lines.withLock { $0.append(line) } }
            let context = FuseContext(
                fileSystem: MemoryFileSystem(), meter: FuseMeter(clock: HostClock()),
                readAheadBytes: 0, onReady: {})
            let opened = context.open(arguments: ["rgwfs", "-o", "no_such_option"])
            let found = kept.lines.withLock { $0 }
            exit(!opened && found.contains { $0.contains("no_such_option") } ? 0 : 1)
        }
    }

    private final class Kept: Sendable {
        let lines: Mutex<[String]>
        init(lines: consuming Mutex<[String]>) { self.lines = lines }
    }
}
