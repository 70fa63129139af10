import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// A file that somebody writes all the time still reaches the bucket, and never as a mixture.
@Suite struct StarvationTests {
    /// What was closed goes up although another program goes on writing.
    @Test func aClosedVersionDoesNotWaitForOtherWriters() throws {
        let volume = try Volume()
        let log = try volume.create("log")
        try volume.write(log, "0")
        try volume.save("other", "x")
        let second = try volume.open("log", write: true)
        try volume.write(second, "1", at: 1)
        try volume.close(second)
        var text = "01"
        for index in 0..<400 {
            try volume.write(log, "\(index % 10)", at: UInt64(text.count))
            text += "\(index % 10)"
            volume.world.advance(by: .milliseconds(100))
        }
        let sent = try #require(volume.text("log"))
        #expect(text.hasPrefix(sent), "the object is the file as it was at one moment")
        #expect(sent.count >= 2)
        try volume.close(log)
        volume.settle()
        #expect(volume.text("log") == text)
    }

    @Test func aLogThatIsSyncedInTheSpoolReachesTheBucketInTime() throws {
        let volume = try Volume { $0.guarantee = .local }
        let log = try volume.create("log")
        var text = ""
        for second in 0..<90 {
            try volume.write(log, "\(second % 10)", at: UInt64(text.count))
            text += "\(second % 10)"
            try volume.call { volume.fileSystem.fsync(log.0, log.1, dataOnly: false, $0) }
            try volume.write(log, "x", at: UInt64(text.count))
            text += "x"
            volume.world.advance(by: .seconds(1))
        }
        let sent = try #require(volume.text("log"))
        #expect(text.hasPrefix(sent))
        #expect(text.count - sent.count <= 2 * 32, "\(text.count - sent.count) bytes behind")
        let puts = volume.store.requests.count { $0.method == "PUT" }
        #expect(puts <= 4, "\(puts) uploads in 90 seconds")
    }

    @Test func fsyncDoesNotWaitForOtherWriters() throws {
        let volume = try Volume()
        let first = try volume.create("a")
        try volume.write(first, "first")
        let second = try volume.open("a", write: true)
        let synced = volume.begin {
            volume.fileSystem.fsync(first.0, first.1, dataOnly: false, $0)
        }
        try volume.write(second, "more", at: 5)
        volume.world.run()
        #expect(synced.result != nil)
        #expect(volume.text("a")?.hasPrefix("first") == true)
        try volume.close(second)
        volume.settle()
        #expect(volume.text("a") == "firstmore")
    }

    @Test func halfAReplacementIsNoVersion() throws {
        let volume = try Volume()
        try volume.save("a", "old")
        let file = try volume.open("a", write: true, truncate: true)
        try volume.write(file, "half")
        volume.world.advance(by: .seconds(200))
        #expect(volume.text("a") == nil)
        try volume.write(file, " and the rest", at: 4)
        try volume.close(file)
        volume.settle()
        #expect(volume.text("a") == "half and the rest")
    }
}
