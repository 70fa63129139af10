import RGWBase
import RGWClient
import RGWWire
import Testing

/// When keys with an end are fetched again, in a clock that is moved by hand.
@Suite struct SessionRenewalTests {
    private static let keys = Credentials.keys(accessKey: "A", secret: Secret("S"))
    private static let others = Credentials.keys(accessKey: "B", secret: Secret("S"))

    private func at(_ seconds: Int64) -> (Instant, WallTime) {
        (
            Instant(nanoseconds: seconds * 1_000_000_000),
            WallTime(seconds: 1_000_000 + seconds, nanoseconds: 0)
        )
    }

    private func renewal(life: Int64?) -> SessionRenewal {
        var renewal = SessionRenewal()
        let (now, wall) = at(0)
        let end = life.map { WallTime(seconds: wall.seconds + $0, nanoseconds: 0) }
        renewal.obtained(CredentialsSession(Self.keys, expires: end), now: now, wall: wall)
        return renewal
    }

    @Test(arguments: [(3600, 3300), (900, 600), (600, 400), (3, 2)] as [(Int64, Int64)])
    func aSessionIsFetchedAgainBeforeItEnds(life: Int64, due: Int64) {
        #expect(renewal(life: life).due == at(due).0)
    }

    @Test(arguments: [nil, 0, -5, Int64.min / 2])
    func whatHasNoEndOrAStrangeOneIsFetchedAgainWhenItIsRefused(life: Int64?) {
        #expect(renewal(life: life).due == .distantFuture)
    }

    @Test func aRefusalIsTheKeysFaultWhenTheyAreOldEnough() {
        let renewal = renewal(life: 3600)
        func judge(_ seconds: Int64, definite: Bool) -> SessionRenewal.Refusal {
            let (now, wall) = at(seconds)
            return renewal.judge(refused: Self.keys, isDefinite: definite, now: now, wall: wall)
        }
        #expect(judge(1, definite: true) == .isMeant)
        #expect(judge(2, definite: true) == .renew)
        #expect(judge(2, definite: false) == .isMeant, "a policy refuses all day long")
        #expect(judge(300, definite: false) == .renew)
        #expect(
            judge(3600, definite: false) == .renew)
        let (now, wall) = at(1)
        #expect(
            renewal.judge(refused: Self.others, isDefinite: true, now: now, wall: wall) == .isOld)
        let short = self.renewal(life: 1)
        #expect(
            short.judge(refused: Self.keys, isDefinite: false, now: now, wall: wall) == .renew,
            "RGW says AccessDenied of what has ended")
    }

    @Test func aSourceThatGivesNothingIsAskedEverMoreSlowlyAndToldOnce() {
        var renewal = renewal(life: 3)
        var (now, pauses, told) = (at(2).0, [Int64](), 0)
        for _ in 0..<9 {
            if renewal.failed(now: now) { told += 1 }
            pauses.append((renewal.due - now).inNanoseconds / 1_000_000_000)
            now = renewal.due
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60] && told == 1)
    }
}
