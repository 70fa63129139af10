import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// A server that refuses what HEAD shows as right, for ever: nothing spins, and nothing is lost.
@Suite struct HabitTests {
    private func refusing(
        _ change: (inout StrictObjectStore.Habits) -> Void
    ) throws -> Volume {
        let volume = try Volume()
        try volume.save("a", "first")
        try volume.save("b", "first")
        volume.settle()
        try volume.unlink("b")
        volume.settle()
        var habits = StrictObjectStore.Habits()
        change(&habits)
        volume.store.setHabits(habits)
        volume.store.clearRequests()
        return volume
    }

    /// A look and a PUT for each of at most two tries a minute, and some at the start.
    private static let requestsMax = 300

    @Test func anOverwriteThatIsAlwaysRefusedIsTriedRarely() throws {
        try isTriedRarely("a", try refusing { $0.refusesMatches = true })
    }

    @Test func aNameThatIsAlwaysRefusedIsTriedRarely() throws {
        try isTriedRarely("b", try refusing { $0.refusesDeletedNames = true })
    }

    private func isTriedRarely(_ name: String, _ volume: Volume) throws {
        try volume.save(name, "second")
        volume.world.advance(by: .seconds(3600))
        #expect(volume.store.requests.count < Self.requestsMax)
        volume.store.setHabits(StrictObjectStore.Habits())
        volume.world.advance(by: .seconds(3600))
        #expect(volume.text(name) == "second")
    }
}
