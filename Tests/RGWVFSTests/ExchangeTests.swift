import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// RENAME_EXCHANGE.
@Suite struct ExchangeTests {
    private func isUnharmed(_ volume: Volume) -> Bool { volume.store.violations.isEmpty }

    @Test(arguments: [false, true], [false, true]) func twoFilesSwapTheirNames(
        firstIsSent: Bool, secondIsSent: Bool
    ) throws {
        let volume = try Volume()
        try volume.mkdir("d")
        if firstIsSent { try volume.save("a", "one") }
        if secondIsSent { try volume.save("d/b", "two, longer") }
        volume.settle()
        if !firstIsSent { try volume.save("a", "one") }
        if !secondIsSent { try volume.save("d/b", "two, longer") }
        let numbers = (try volume.inode("a"), try volume.inode("d/b"))
        try volume.rename("a", "d/b", .exchange)
        #expect(try volume.load("a") == "two, longer")
        #expect(try volume.load("d/b") == "one")
        #expect(try volume.inode("a") == numbers.1)
        #expect(try volume.inode("d/b") == numbers.0)
        volume.settle()
        #expect(volume.text("a") == "two, longer")
        #expect(volume.text("d/b") == "one")
        #expect(isUnharmed(volume))
    }

    @Test func aSwapSurvivesAKill() throws {
        let volume = try Volume()
        try volume.save("a", "one")
        try volume.save("b", "two")
        volume.settle()
        try volume.rename("a", "b", .exchange)
        let again = try Volume(remounting: volume)
        #expect(try again.load("a") == "two")
        #expect(try again.load("b") == "one")
        again.settle()
        #expect(again.text("a") == "two")
        #expect(again.text("b") == "one")
        #expect(again.store.keys(Volume.bucket) == ["a", "b"])
    }

    @Test func anOpenFileIsWrittenUnderItsNewName() throws {
        let volume = try Volume()
        try volume.save("a", "one")
        try volume.save("b", "two")
        volume.settle()
        let file = try volume.open("a", write: true)
        try volume.write(file, "O")
        try volume.rename("a", "b", .exchange)
        try volume.write(file, "N", at: 1)
        try volume.close(file)
        volume.settle()
        #expect(volume.text("a") == "two")
        #expect(volume.text("b") == "ONe")
    }

    /// The old name is all that the bucket has of the file until its upload to the last name is done.
    @Test(arguments: [false, true], [false, true]) func anOlderNameGoesAfterTheFileIsUploaded(
        isChanged: Bool, isFirst: Bool
    ) throws {
        let volume = try Volume()
        try volume.save("x", "one")
        try volume.save("b", "two")
        volume.settle()
        if isChanged {
            let file = try volume.open("x", write: true)
            try volume.write(file, "ONE")
            try volume.close(file)
        }
        try volume.rename("x", "a")
        if isFirst {
            try volume.rename("a", "b", .exchange)
        } else {
            try volume.rename("b", "a", .exchange)
        }
        volume.store.setFault { $0.method == "PUT" && $0.key == "b" ? .refuse(.busy) : nil }
        volume.settle()
        volume.settle()
        #expect(volume.text("a") == "two")
        #expect(volume.text("x") == "one")
        let again = try Volume(remounting: volume)
        again.settle()
        #expect(again.text("x") == "one")
        volume.store.setFault(nil)
        again.world.advance(by: .seconds(100))
        #expect(again.store.keys(Volume.bucket) == ["a", "b"])
        #expect(again.text("a") == "two")
        #expect(again.text("b") == (isChanged ? "ONE" : "one"))
        #expect(isUnharmed(again))
    }

    @Test func bothNamesMustExistAndBeFiles() throws {
        let volume = try Volume()
        try volume.save("a", "one")
        try volume.mkdir("d")
        #expect(throws: FileSystemError.notFound) { try volume.rename("a", "none", .exchange) }
        #expect(throws: FileSystemError.notFound) { try volume.rename("none", "a", .exchange) }
        #expect(throws: FileSystemError.invalidArgument) { try volume.rename("a", "d", .exchange) }
        try volume.rename("a", "a", .exchange)
        #expect(try volume.load("a") == "one")
    }
}
