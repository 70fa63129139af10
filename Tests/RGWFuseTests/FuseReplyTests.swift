import Glibc
import RGWBase
import Testing

@testable import RGWFuse

@Suite struct FuseReplyTests {
    @Test func aDroppedReplyTraps() async {
        await #expect(processExitsWith: .failure) {
            guard let request = unsafe OpaquePointer(bitPattern: 8) else { return }
            let reply = unsafe FuseReply(request, .read)
            _ = consume reply
        }
    }

    /// A lookup whose caller is gone was not made: its count goes back to the filesystem.
    @Test func anEntryTheKernelDidNotTakeIsForgotten() throws {
        let fileSystem = MemoryFileSystem()
        fileSystem.addFile("later-file")
        try TestMount.with(fileSystem) { mount in
            let caller = TestThread { _ = try? Posix.stat(mount["later-file"]) }
            #expect(mount.wait { !$0.parked.isEmpty })
            mount.session.stop()
            #expect(mount.result() == .success(.stopped))
            try mount.session.unmount()
            #expect(caller.join())
            let inode = try #require(fileSystem.inode("later-file"))
            #expect(fileSystem.seen.forgotten[inode] == nil)
            // The session outlives `destroy` for as long as a request waits.
            mount.session.destroy()
            fileSystem.nextParked()?()
            #expect(fileSystem.seen.forgotten[inode] == 1)
        }
    }
}
