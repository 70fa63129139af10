import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// No call of the spool is made while the state's lock is held: whoever waits for a slow disk waits alone.
@Suite struct LockTests {
    private static func local(_ configuration: inout VolumeConfiguration) {
        configuration.writebackDelay = .seconds(60)
    }

    @Test(arguments: [UInt64(0), 3, 20]) func aFileIsCutWithoutTheLock(size: UInt64) throws {
        let volume = try Volume(Self.local)
        let file = try volume.create("a")
        try volume.write(file, "0123456789")
        try volume.change("a") { $0.size = size }
        try volume.close(file)
        #expect(volume.lockedCalls.isEmpty, "\(volume.lockedCalls)")
        let text = try volume.load("a")
        let expected =
            "0123456789".prefix(Int(size)) + String(repeating: "\0", count: max(0, Int(size) - 10))
        #expect(text == expected)
        volume.settle()
        volume.world.advance(by: .seconds(120))
        #expect(volume.text("a") == String(expected))
    }

    @Test func openingWithTruncationCutsWithoutTheLock() throws {
        let volume = try Volume(Self.local)
        let first = try volume.create("a")
        try volume.write(first, "0123456789")
        let second = try volume.open("a", write: true, truncate: true)
        try volume.write(second, "x")
        try volume.close(second)
        try volume.close(first)
        #expect(volume.lockedCalls.isEmpty, "\(volume.lockedCalls)")
        #expect(try volume.load("a") == "x")
    }

    @Test func theLastDescriptorOfARemovedFileIsClosedWithoutTheLock() throws {
        let volume = try Volume()
        let file = try volume.create("a")
        try volume.write(file, "0123456789")
        try volume.unlink("a")
        volume.settle()
        try volume.close(file)
        volume.settle()
        #expect(volume.lockedCalls.isEmpty, "\(volume.lockedCalls)")
        #expect(try volume.dataFiles().isEmpty)
    }

    @Test func theTargetOfAnUnsentLinkIsReadWithoutTheLock() throws {
        let volume = try Volume(Self.local)
        _ = try volume.call {
            volume.fileSystem.symlink(.root, "l", target: Array("there".utf8), Volume.caller, $0)
        }
        let again = try Volume(remounting: volume, Self.local)
        let inode = try again.inode("l")
        let target = try again.call { again.fileSystem.readlink(inode, $0) }
        #expect(target == Array("there".utf8))
        #expect(again.lockedCalls.isEmpty, "\(again.lockedCalls)")
    }

    @Test func aFailedWriteIsCutBackWithoutTheLock() throws {
        let volume = try Volume(Self.local)
        let file = try volume.create("a")
        try volume.write(file, "0123")
        volume.files.faults.set { call, _ in
            call == .write ? .failed(operation: "write", errno: 5) : nil
        }
        #expect(throws: FileSystemError.self) { try volume.write(file, "4567", at: 4) }
        volume.files.faults.set(nil)
        #expect(volume.lockedCalls.isEmpty, "\(volume.lockedCalls)")
        #expect(try volume.read(file) == Array("0123".utf8))
        volume.release(file)
    }

    /// Whoever writes while a file is cut waits for that, and both are done.
    @Test func writersAndCutsDoNotOvertakeEachOtherForEver() throws {
        let volume = try Volume(Self.local)
        let file = try volume.create("a")
        let inode = file.0
        try volume.write(file, String(repeating: "x", count: 100))
        var answers: [() -> Bool] = []
        for round in 0..<50 {
            var changes = AttributeChanges()
            changes.size = UInt64(round % 7)
            let cut = volume.begin { volume.fileSystem.setattr(inode, changes, Volume.caller, $0) }
            let bytes = [UInt8](repeating: 0x79, count: 10)
            let write = volume.begin {
                volume.fileSystem.write(
                    inode, file.1, offset: UInt64(round), bytes: bytes.span, [], $0)
            }
            answers.append {
                if case .success = cut.result, case .success = write.result { true } else { false }
            }
            for _ in 0..<(round % 5) { _ = volume.world.step() }
        }
        volume.world.run()
        #expect(answers.allSatisfy { $0() })
        #expect(volume.lockedCalls.isEmpty, "\(volume.lockedCalls)")
        try volume.close(file)
    }
}
