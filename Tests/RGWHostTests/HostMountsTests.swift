import Testing

@testable import RGWHost

@Suite struct HostMountsTests {
    private let sample = """
        22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
        40 22 0:45 / /mnt/a\\040b\\011c\\134d rw,nosuid shared:2 master:1 - fuse.rgwfs photos rw
        41 22 0:46 / /mnt/plain rw - tmpfs none rw
        41 22 0:46 / /mnt/broken rw
        not a line
        42 22 0:47 / /mnt/plain rw - fuse.rgwfs a\\012b rw
        """

    @Test func linesOfMountinfoAreRead() {
        let mounts = HostMounts.parse(sample)
        #expect(mounts.count == 4)
        #expect(
            mounts[1]
                == HostMount(
                    device: HostDevice(major: 0, minor: 45), mountPoint: "/mnt/a b\tc\\d",
                    type: "fuse.rgwfs", source: "photos", options: ["rw", "nosuid", "rw"]))
        #expect(mounts[3].source == "a\nb")
    }

    @Test(
        arguments: [
            ("rw,user_id=1000,group_id=1000", 1000), ("user_id=0", 0), ("rw,user_id=,x", nil),
            ("rw,user_id=-1", nil), ("rw,user_id=4294967295", 4_294_967_295),
            ("rw,user_id=4294967296", nil), ("rw,xuser_id=5", nil), ("rw", nil),
        ] as [(String, UInt32?)])
    func whoMountedAFUSEFileSystemIsInItsOptions(options: String, user: UInt32?) throws {
        let line = "40 22 0:45 / /mnt/a rw,nosuid - fuse.rgwfs photos \(options)"
        #expect(try #require(HostMounts.parse(line).first).user == user)
    }

    @Test func aLineWithoutOptionsHasNoUser() throws {
        let line = "40 22 0:45 / /mnt/a ro,nosuid shared:2 - fuse.rgwfs photos"
        let mount = try #require(HostMounts.parse(line).first)
        #expect(mount.user == nil)
        #expect(mount.isReadOnly)
        #expect(mount.isRGWFS)
    }

    @Test func thisProcessIsOnAMount() throws {
        #expect(try HostMounts.mount(of: "/proc/self")?.mountPoint == "/proc")
        #expect(try HostMounts.mount(of: "/no/such/place") != nil, "at least the root")
    }

    @Test func rootIsMountedAndNonsenseIsNot() throws {
        #expect(try HostMounts.mount(at: "/proc")?.type == "proc")
        #expect(try HostMounts.mount(at: "/no/such/place") == nil)
    }

    @Test func unmountingWhatIsNoMountFails() throws {
        try withTemporaryDirectory { directory in
            #expect(throws: HostError.self) {
                try HostMounts.unmount(directory, lazily: false)
            }
        }
    }
}
