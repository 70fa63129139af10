import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// Requests under way: noted before they are sent, resolved by a look at the object after a crash.
@Suite struct FlightTests {
    private static func changes(_ volume: Volume) -> [String] {
        volume.store.requests.filter { !["LIST", "HEAD", "GET"].contains($0.method) }.map(
            \.description)
    }

    /// Runs until the server has taken a request, whose answer nobody has read.
    private static func runUntilSent(_ volume: Volume, _ request: String) {
        volume.world.advance(by: .milliseconds(299))
        var isSent: Bool { changes(volume).contains(request) }
        volume.world.tick(.milliseconds(2))
        while !isSent, volume.world.step() {}
        #expect(isSent)
    }

    @Test func whatIsSentIsInTheJournalBefore() throws {
        let volume = try Volume()
        try volume.save("a", "hello")
        Self.runUntilSent(volume, "PUT a")
        let flights = try volume.journal.load().flights
        #expect(flights.map(\.address.key) == ["a"])
        #expect(flights.first?.tags == ["5d41402abc4b2a76b9719d911017c592"])
        volume.settle()
        #expect(try volume.journal.load().flights.isEmpty)
    }

    @Test(arguments: 0..<30)
    func aPutIsNotRepeatedWhereverTheMountDies(steps: Int) throws {
        let volume = try Volume()
        try volume.save("a", "hello")
        volume.world.advance(by: .milliseconds(299))
        volume.world.tick(.milliseconds(2))
        for _ in 0..<steps { _ = volume.world.step() }
        let again = try Volume(remounting: volume)
        // What the server had taken takes effect, whoever asked for it.
        let wasStored = again.text("a") != nil
        let puts = Self.changes(again).count
        again.settle()
        #expect(again.store.keys(Volume.bucket) == ["a"])
        #expect(again.text("a") == "hello")
        if wasStored { #expect(Self.changes(again).count == puts) }
        #expect(again.fileSystem.status().pending == 0)
        #expect(again.store.violations.isEmpty)
    }

    @Test(arguments: 0..<30)
    func anOwnVersionIsNoConflictWhenTheFileWasWrittenAgain(steps: Int) throws {
        let volume = try Volume()
        try volume.save("a", "first")
        volume.world.advance(by: .milliseconds(299))
        volume.world.tick(.milliseconds(2))
        for _ in 0..<steps { _ = volume.world.step() }
        let inode = try volume.inode("a")
        let file = try volume.open("a", write: true)
        try volume.write((inode, file.1), "second")
        try volume.close(file)
        let again = try Volume(remounting: volume)
        again.settle()
        again.settle()
        #expect(again.store.keys(Volume.bucket) == ["a"])
        #expect(again.text("a") == "second")
        #expect(again.fileSystem.status().pending == 0)
    }

    @Test func severalLostAnswersAreAllRemembered() throws {
        let volume = try Volume()
        // Two versions, neither of whose outcomes is ever heard of.
        volume.store.setFault { request in
            switch request.method {
            case "PUT": .late(.seconds(40))
            case "HEAD": .refuse(.unreachable)
            default: nil
            }
        }
        try volume.save("a", "first")
        volume.world.advance(by: .seconds(1))
        let file = try volume.open("a", write: true)
        try volume.write(file, "other")
        try volume.close(file)
        let again = try Volume(remounting: volume)
        again.world.advance(by: .seconds(60))
        again.store.setFault(nil)
        again.world.advance(by: .seconds(200))
        #expect(again.store.keys(Volume.bucket) == ["a"])
        #expect(again.text("a") == "other")
        #expect(try again.journal.load().flights.isEmpty)
    }

    @Test func aJournalThatCannotNoteARequestSendsNothing() throws {
        let volume = try Volume()
        try volume.save("a", "hello")
        volume.journal.setFailure(.failed(operation: "commit", errno: 5))
        volume.world.advance(by: .seconds(2))
        #expect(Self.changes(volume).isEmpty)
        volume.journal.setFailure(nil)
        volume.world.advance(by: .seconds(120))
        #expect(volume.text("a") == nil || volume.text("a") == "hello")
    }
}
