import RGWBase
import RGWClient
import RGWCrypto
import RGWObject
import RGWWire
import Testing

/// Conditional PUTs and COPYs in every kind of bucket: they hold as well as the release allows, and end.
@Suite struct ConditionTests {
    struct Case: Sendable, CustomStringConvertible {
        var release: ReleaseServer.Release
        var versioning: ServerCapabilities.Versioning
        var description: String { "\(release) \(versioning)" }

        static let all = ReleaseServer.Release.allCases.flatMap { release in
            [ServerCapabilities.Versioning.off, .enabled, .suspended].map {
                Case(release: release, versioning: $0)
            }
        }
    }

    private struct Bench {
        let server: ReleaseServer
        let world: World
        let store: S3ObjectStore

        init(_ rules: ReleaseServer.Rules) {
            let server = ReleaseServer(rules)
            self.server = server
            world = World { .answer(server.answer($0)) }
            store = makeStore(world)
        }

        init(_ subject: Case) {
            var rules = ReleaseServer.Rules()
            (rules.release, rules.versioning) = (subject.release, subject.versioning)
            self.init(rules)
        }

        /// What the mount does when it begins.
        func askForVersioning() {
            store.versioning(of: "b", completion: { _ in })
            world.run()
        }

        func start(_ body: [UInt8], _ precondition: Precondition) -> Outcome<Stored> {
            let outcome = Outcome<Stored>()
            store.put(
                testAddress, body: .bytes(body), md5: Hash.md5(body), metadata: ObjectMetadata(),
                precondition: precondition, completion: outcome.completion)
            return outcome
        }

        func put(_ body: [UInt8], _ precondition: Precondition) -> Outcome<Stored> {
            let outcome = start(body, precondition)
            world.run()
            return outcome
        }

        func delete() {
            store.delete(testAddress, completion: { _ in })
            world.run()
        }

        func copy(matching: ETag) -> Outcome<Stored> {
            let outcome = Outcome<Stored>()
            store.copy(
                from: testAddress, to: testAddress, metadata: ObjectMetadata(),
                sourceMatching: matching, completion: outcome.completion)
            world.run()
            return outcome
        }
    }

    private static func tag(_ body: [UInt8]) -> ETag { ETag(Hexadecimal.encode(Hash.md5(body))) }

    @Test(arguments: Case.all, [true, false])
    func whatHoldsIsDone(subject: Case, asks: Bool) {
        let bench = Bench(subject)
        if asks { bench.askForVersioning() }
        for round in UInt8(0)..<3 {
            #expect(bench.put([round, 0], .absent).value != nil, "made, or made again")
            for step in UInt8(1)..<4 {
                let before = bench.world.sent.count
                let replaced = bench.put([round, step], .matches(Self.tag([round, step - 1])))
                #expect(replaced.value?.etag == Self.tag([round, step]))
                #expect(bench.world.sent.count - before <= 7)
            }
            bench.delete()
        }
        let kept = subject.versioning == .enabled ? 15 : subject.versioning == .suspended ? 1 : 0
        #expect(bench.server.versions.count == kept, "no version but those that were asked for")
    }

    @Test(arguments: Case.all)
    func whatIsLearntCostsNoBodyTwice(subject: Case) {
        let bench = Bench(subject)
        bench.askForVersioning()
        _ = bench.put([0], .absent)
        _ = bench.put([1], .matches(Self.tag([0])))
        let before = bench.world.sent.count
        #expect(bench.put([2], .matches(Self.tag([1]))).value != nil)
        let sent = bench.world.sent.dropFirst(before)
        #expect(sent.count { $0.request.method == .put } == 1)
        #expect(sent.count <= 3, "a look, the PUT, and the version below")
    }

    @Test(arguments: Case.all)
    func aLargeBodyIsNotSentTwiceToFindOut(subject: Case) {
        let bench = Bench(subject)
        bench.askForVersioning()
        bench.server.plant([1])
        let before = bench.world.sent.count
        let body = [UInt8](repeating: 7, count: 2 << 20)
        #expect(bench.put(body, .matches(Self.tag([1]))).value != nil)
        let sent = bench.world.sent.dropFirst(before).count { $0.request.method == .put }
        #expect(sent == 1)
    }

    @Test(arguments: Case.all, [true, false])
    func whatDoesNotHoldChangesNothing(subject: Case, asks: Bool) {
        let bench = Bench(subject)
        if asks { bench.askForVersioning() }
        bench.server.plant([7])
        let before = bench.server.versions
        for precondition in [Precondition.absent, .matches(Self.tag([1]))] {
            #expect(bench.put([2], precondition).error?.kind == .preconditionFailed)
            #expect(bench.server.versions == before)
        }
    }

    @Test(arguments: Case.all)
    func aMissingKeyIsNotReplaced(subject: Case) {
        let bench = Bench(subject)
        #expect(bench.put([2], .matches("abc")).error?.kind == .preconditionFailed)
        #expect(bench.server.current == nil)
    }

    /// Another client writes between the look and the PUT: its version stays, ours does not.
    @Test(arguments: ReleaseServer.Release.allCases, [true, false])
    func aRaceInABucketThatKeepsVersionsIsNoticed(
        release: ReleaseServer.Release, creates: Bool
    ) {
        let bench = Bench(Case(release: release, versioning: .enabled))
        bench.askForVersioning()
        if !creates {
            bench.server.plant([1])
            _ = bench.put([2], .matches(Self.tag([1])))
        }
        let before = bench.server.versions
        bench.server.before("PUT /b/k") { bench.server.plant([9]) }
        let outcome = bench.put([3], creates ? .absent : .matches(Self.tag([2])))
        #expect(outcome.error?.kind == .preconditionFailed)
        #expect(bench.server.current == Self.tag([9]).text)
        #expect(bench.server.versions.count == before.count + 1)
    }

    /// O_EXCL: of all who make a file one succeeds, also where the server lets all pass.
    @Test(arguments: Case.all)
    func oneOfManyCreatesTheFile(subject: Case) {
        let bench = Bench(subject)
        let outcomes = (UInt8(0)..<8).map { bench.start([$0], .absent) }
        bench.world.run()
        let winners = outcomes.indices.filter { outcomes[$0].value != nil }
        #expect(winners.count == 1)
        #expect(
            outcomes.allSatisfy { $0.value != nil || $0.error?.kind == .preconditionFailed })
        #expect(bench.server.current == winners.first.map { Self.tag([UInt8($0)]).text })
        #expect(bench.server.versions.count == 1)
    }

    @Test func whatMayNotBeRemovedLiesBelowACopyOfTheOther() {
        var rules = ReleaseServer.Rules()
        (rules.versioning, rules.isLocked) = (.enabled, true)
        let bench = Bench(rules)
        bench.server.before("PUT /b/k") { bench.server.plant([9]) }
        #expect(bench.put([3], .absent).error?.kind == .preconditionFailed)
        #expect(
            bench.server.versions.map(\.etag)
                == [[9], [3], [9]].map { Self.tag($0).text })
    }

    @Test func whoMayNotListVersionsIsAskedNoMore() {
        var rules = ReleaseServer.Rules()
        (rules.versioning, rules.mayListVersions) = (.enabled, false)
        let bench = Bench(rules)
        for body in UInt8(0)..<4 {
            let precondition: Precondition =
                body == 0 ? .absent : .matches(Self.tag([body - 1]))
            #expect(bench.put([body], precondition).value != nil)
        }
        #expect(bench.world.sent.count { $0.line.contains("versions") } == 1)
    }

    @Test(arguments: ReleaseServer.Release.allCases)
    func versioningMayChangeAtAnyTime(release: ReleaseServer.Release) {
        let bench = Bench(Case(release: release, versioning: .off))
        bench.askForVersioning()
        var last: UInt8 = 0
        _ = bench.put([last], .absent)
        for versioning in [
            ServerCapabilities.Versioning.enabled, .suspended, .enabled, .suspended, .suspended,
        ] {
            bench.server.set { $0.versioning = versioning }
            for _ in 0..<3 {
                let before = bench.world.sent.count
                let precondition = Precondition.matches(Self.tag([last]))
                last += 1
                #expect(bench.put([last], precondition).value != nil)
                #expect(bench.put([99], .matches("other")).error?.kind == .preconditionFailed)
                #expect(bench.world.sent.count - before <= 14)
            }
            bench.delete()
            last += 1
            #expect(bench.put([last], .absent).value != nil)
            #expect(bench.server.current == Self.tag([last]).text)
        }
    }

    @Test(arguments: [Precondition.absent, .matches(ETag("5d41402abc4b2a76b9719d911017c592"))])
    func aServerThatRefusesEverythingIsAskedAFewTimes(precondition: Precondition) {
        var rules = ReleaseServer.Rules()
        rules.refusesAll = true
        let bench = Bench(rules)
        if precondition != .absent { bench.server.plant(Array("hello".utf8)) }
        #expect(bench.put([3], precondition).error?.kind == .preconditionFailed)
        #expect(bench.world.sent.count <= 7)
    }

    @Test(arguments: ReleaseServer.Release.allCases)
    func aCopyOfOneVersionLeavesAnother(release: ReleaseServer.Release) {
        let bench = Bench(Case(release: release, versioning: .enabled))
        bench.server.plant([1])
        #expect(bench.copy(matching: "abc").error?.kind == .preconditionFailed)
        #expect(bench.server.versions.count == 1)
        #expect(bench.copy(matching: Self.tag([1])).value != nil)
        #expect(bench.world.sent.count == 2, "one request each")
    }

    @Test func aServerThatIgnoresCopyConditionsIsFoundOutByItsAnswer() {
        var rules = ReleaseServer.Rules()
        rules.ignoresCopyConditions = true
        let bench = Bench(rules)
        bench.server.plant([1])
        #expect(bench.copy(matching: "abc").error?.kind == .preconditionFailed, "it is told")
        let before = bench.world.sent.count
        #expect(bench.copy(matching: "abc").error?.kind == .preconditionFailed)
        #expect(
            bench.world.sent.dropFirst(before).map(\.request.method) == [.head], "not done again")
        #expect(bench.copy(matching: Self.tag([1])).value != nil)
    }
}
