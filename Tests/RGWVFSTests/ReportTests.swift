import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// Who hears of failures: everybody who has the file or a directory above it open, once.
@Suite struct ReportTests {
    private func fsyncdir(
        _ volume: Volume, _ handle: (InodeNumber, HandleID)
    ) throws(FileSystemError) {
        try volume.call { volume.fileSystem.fsyncdir(handle.0, handle.1, $0) }
    }

    private func opendir(_ volume: Volume, _ path: String) throws -> (InodeNumber, HandleID) {
        let inode = try volume.inode(path)
        return (inode, try volume.call { volume.fileSystem.opendir(inode, $0) }.handle)
    }

    private func refusing(_ method: String) throws -> Volume {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "d/a", [1])
        volume.store.setFault { $0.method == method ? .refuse(.accessDenied) : nil }
        return volume
    }

    @Test func aRefusedDeletionIsReportedOncePerOpenDirectory() throws {
        let volume = try refusing("DELETE")
        let root = try opendir(volume, "")
        let directory = try opendir(volume, "d")
        try volume.unlink("d/a")
        volume.settle()
        #expect(try volume.names(in: "d") == ["a"], "it is there again")
        let late = try opendir(volume, "d")
        for handle in [root, directory, late] {
            #expect(throws: FileSystemError.accessDenied) { try fsyncdir(volume, handle) }
            try fsyncdir(volume, handle)
        }
        try fsyncdir(volume, opendir(volume, "d"))
    }

    @Test func otherDirectoriesHaveNothingToReport() throws {
        let volume = try refusing("DELETE")
        volume.store.plant(Volume.bucket, "e/b", [1])
        let other = try opendir(volume, "e")
        try volume.unlink("d/a")
        volume.settle()
        try fsyncdir(volume, other)
    }

    @Test func aRefusedChangeOfAttributesIsReported() throws {
        let volume = try refusing("COPY")
        let directory = try opendir(volume, "d")
        try volume.change("d/a") { $0.permissions = 0o600 }
        #expect(throws: FileSystemError.accessDenied) { try fsyncdir(volume, directory) }
        try fsyncdir(volume, directory)
    }

    @Test func aRefusedUploadIsReportedToEveryOpenFile() throws {
        let volume = try Volume()
        let first = try volume.create("a")
        let second = try volume.open("a", write: true)
        volume.store.setFault { $0.method == "PUT" ? .refuse(.accessDenied) : nil }
        try volume.write(first, "x")
        try volume.call { volume.fileSystem.flush(first.0, first.1, $0) }
        volume.settle()
        // Who may not write is told at once from then on.
        #expect(throws: FileSystemError.accessDenied) { try volume.open("a", write: true) }
        for file in [first, second] {
            #expect(throws: FileSystemError.accessDenied) {
                try volume.call { volume.fileSystem.flush(file.0, file.1, $0) }
            }
            try volume.call { volume.fileSystem.flush(file.0, file.1, $0) }
        }
        let latest = try volume.open("a")
        try volume.call { volume.fileSystem.flush(latest.0, latest.1, $0) }
    }
}
