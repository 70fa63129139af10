import RGWBase
import RGWObject
import RGWTestKit
import Testing

@testable import RGWVFS

/// Fewer uploads at a time to a server that is busy.
@Suite struct UploadPaceTests {
    private func at(_ seconds: Double) -> Instant { Instant(nanoseconds: Int64(seconds * 1e9)) }

    @Test func aBusyServerGetsHalfAndThenOneMoreASecond() {
        var pace = UploadPace()
        #expect(pace.current(at(0), most: 32) == 32)
        pace.slowDown(at(10), underWay: 32, retryAfter: nil, most: 32)
        #expect(pace.current(at(10), most: 32) == 16)
        #expect(pace.current(at(13), most: 32) == 19)
        #expect(pace.current(at(1000), most: 32) == 32)
    }

    @Test func refusalsOfOneMomentCountOnce() {
        var pace = UploadPace()
        for number in 0..<20 {
            pace.slowDown(at(10 + Double(number) / 100), underWay: 32, retryAfter: nil, most: 32)
        }
        #expect(pace.current(at(10.3), most: 32) == 16)
        pace.slowDown(at(11.2), underWay: 17, retryAfter: nil, most: 32)
        #expect(pace.current(at(11.2), most: 32) == 8)
    }

    @Test func oneIsAlwaysLetThrough() {
        var pace = UploadPace()
        for second in 0..<20 {
            pace.slowDown(at(Double(2 * second)), underWay: 0, retryAfter: nil, most: 32)
            #expect(pace.current(at(Double(2 * second)), most: 32) == 1)
        }
        #expect(pace.current(at(100), most: 1) == 1)
    }

    @Test func retryAfterIsHeededWithinBounds() {
        var pace = UploadPace()
        pace.slowDown(at(10), underWay: 8, retryAfter: .seconds(20), most: 8)
        #expect(pace.current(at(29), most: 8) == 4 && pace.current(at(31), most: 8) == 5)
        var long = UploadPace()
        long.slowDown(at(10), underWay: 8, retryAfter: .seconds(86_400), most: 8)
        #expect(long.current(at(75), most: 8) == 8)
    }

    /// The volume obeys it: no more are sent at a time, and everything arrives.
    @Test func aVolumeSendsFewerAtATime() throws {
        let volume = try Volume()
        for number in 0..<40 { try volume.save("f\(number)", "x") }
        volume.fileSystem.slowDown(retryAfter: .seconds(30))
        #expect(volume.fileSystem.uploadsLimit <= 16)
        volume.world.advance(by: .milliseconds(400))
        let underWay = volume.fileSystem.withState { $0.intents.underWayCount }
        #expect(underWay <= 16)
        volume.settle()
        volume.world.advance(by: .seconds(120))
        #expect(volume.fileSystem.uploadsLimit == 32)
        for number in 0..<40 { #expect(volume.text("f\(number)") == "x") }
    }
}
