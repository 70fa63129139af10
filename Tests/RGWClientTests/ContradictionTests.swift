import RGWBase
import RGWClient
import RGWCrypto
import RGWObject
import RGWWire
import Testing

/// Answers that are about something else than what was asked for, or that never come to an end.
@Suite struct ContradictionTests {
    private static let body = (0..<100).map { UInt8($0) }
    private static let tag = ETag(Answers.tag)

    // MARK: Listings

    private func listing(
        _ keys: [String], _ prefixes: [String] = [], truncated: Bool = false
    ) -> HTTPResponse {
        let contents = keys.map {
            "<Contents><Key>\($0)</Key><LastModified>2024-02-29T12:34:56Z</LastModified>"
                + "<ETag>e</ETag><Size>1</Size></Contents>"
        }
        let common = prefixes.map { "<CommonPrefixes><Prefix>\($0)</Prefix></CommonPrefixes>" }
        let xml =
            "<ListBucketResult><IsTruncated>\(truncated)</IsTruncated>"
            + (contents + common).joined() + "</ListBucketResult>"
        return Answers.response(200, Array(xml.utf8))
    }

    private func list(
        _ answer: HTTPResponse, prefix: ObjectKey? = "dir/", after: ObjectKey? = nil
    ) -> (outcome: Outcome<ListPage>, requests: Int) {
        let world = World { _ in .answer(answer) }
        let outcome = Outcome<ListPage>()
        makeStore(world).list(
            "b", prefix: prefix, delimited: true, after: after, limit: 1000,
            completion: outcome.completion)
        world.run()
        return (outcome, world.sent.count)
    }

    @Test(arguments: [
        ["d"], ["dir"], ["a", "dir/b"], ["dir/b", "dirt"], ["dir/b", "dir/a"], ["dir/a/b"], ["x/"],
    ])
    func aKeyThatWasNotAskedForMakesTheListingMalformed(keys: [String]) {
        let (outcome, requests) = list(listing(keys))
        #expect(outcome.error?.kind == .malformedAnswer)
        #expect(requests <= 3)
    }

    @Test(arguments: [["d/"], ["dir/"], ["dir/a"], ["dir/a/b/"], ["dir/b/", "dir/a/"]])
    func aCommonPrefixThatWasNotAskedForMakesTheListingMalformed(prefixes: [String]) {
        #expect(list(listing([], prefixes)).outcome.error?.kind == .malformedAnswer)
    }

    @Test(arguments: [
        (["dir/b"], []), (["dir/c"], []), ([], ["dir/b/"]), (["dir/c", "dir/d"], []),
    ])
    func aPageThatComesBeforeTheOneAskedForIsMalformed(keys: [String], prefixes: [String]) {
        let answer = listing(keys, prefixes, truncated: true)
        #expect(list(answer, after: "dir/c").outcome.error?.kind == .malformedAnswer)
    }

    @Test func aGroupThatThePageBeforeEndedWithIsNotShownTwice() {
        let page = list(listing(["dir/d"], ["dir/c/"]), after: "dir/c/").outcome.value
        #expect(page?.commonPrefixes == [])
        #expect(page?.objects.map(\.key) == ["dir/d"])
        let stuck = list(listing([], ["dir/c/"], truncated: true), after: "dir/c/").outcome
        #expect(stuck.error?.kind == .malformedAnswer)
    }

    @Test func aKeyThatIsListedTwiceIsShownOnce() {
        let page = list(listing(["dir/", "dir/a", "dir/a"], ["dir/b/", "dir/b/"])).outcome.value
        #expect(page?.objects.map(\.key) == ["dir/", "dir/a"])
        #expect(page?.commonPrefixes == ["dir/b/"])
    }

    @Test func aPageOfUploadsOfOtherNamesIsMalformed() {
        let xml = """
            <ListMultipartUploadsResult><Upload><Key>other</Key><UploadId>u</UploadId>\
            <Initiated>2024-02-29T12:34:56Z</Initiated></Upload></ListMultipartUploadsResult>
            """
        let world = World { _ in .answer(Answers.response(200, Array(xml.utf8))) }
        let outcome = Outcome<UploadPage>()
        makeStore(world).listUploads(
            "b", prefix: "dir/", after: nil, limit: 1000, completion: outcome.completion)
        world.run()
        #expect(outcome.error?.kind == .malformedAnswer)
    }

    // MARK: Bodies

    /// What a server may answer to a read of 0..<40 of 100 bytes with the right tag.
    enum Lie: CaseIterable {
        case emptyWhole
        case smallerTotal
        case largerTotal
        case otherRange
        case widerRange
        case bodyLongerThanRange
        case bodyShorterThanRange
        case noLength
        case chunkedWithLength
        case whole
        case noContent
    }

    private func answer(_ lie: Lie) -> HTTPResponse {
        var fields = Answers.headFields
        func part(_ range: Range<Int>, of total: Int, body: Range<Int>? = nil) -> HTTPResponse {
            fields["content-range"] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(total)"
            return Answers.response(206, Array(Self.body[body ?? range]), fields)
        }
        switch lie {
        case .emptyWhole: return Answers.response(200, [], fields)
        case .smallerTotal: return part(0..<10, of: 10)
        case .largerTotal: return part(0..<40, of: 101)
        case .otherRange: return part(1..<41, of: 100)
        case .widerRange: return part(0..<50, of: 100)
        case .bodyLongerThanRange: return part(0..<40, of: 100, body: 0..<50)
        case .bodyShorterThanRange: return part(0..<40, of: 100, body: 0..<30)
        case .noLength:
            var answer = part(0..<40, of: 100)
            answer.headers["content-length"] = nil
            return answer
        case .chunkedWithLength:
            var answer = part(0..<40, of: 100)
            answer.headers["transfer-encoding"] = "chunked"
            return answer
        case .whole: return Answers.response(200, Self.body, fields)
        case .noContent: return Answers.response(204, [], fields)
        }
    }

    @Test(arguments: Lie.allCases)
    func noByteOfABodyThatWasNotAskedForIsDelivered(lie: Lie) {
        let answer = answer(lie)
        let world = World { _ in .answer(answer) }
        let outcome = Outcome<ObjectHead>()
        let blocks = Blocks()
        makeStore(world).get(
            testAddress, range: 0..<40, matching: Self.tag, expecting: ExpectedObject(size: 100),
            lane: .bulk, blockSize: 8, onBlock: { blocks.append($0) },
            completion: outcome.completion)
        world.run()
        #expect(outcome.error?.kind == .malformedAnswer)
        #expect(blocks.sizes.isEmpty)
        #expect(world.sent.count <= 3)
    }

    @Test(arguments: [nil, 0..<40] as [Range<UInt64>?])
    func aVersionThatWasNotAskedForIsRefusedAsIfTheServerHad(range: Range<UInt64>?) {
        let world = World { .answer(Answers.object(Self.body, for: $0.request)) }
        let outcome = Outcome<ObjectHead>()
        let blocks = Blocks()
        makeStore(world).get(
            testAddress, range: range, matching: "other", expecting: ExpectedObject(size: 100),
            lane: .bulk, blockSize: 8, onBlock: { blocks.append($0) },
            completion: outcome.completion)
        world.run()
        #expect(outcome.error?.kind == .preconditionFailed)
        #expect(blocks.sizes.isEmpty)
    }

    @Test func aLargeObjectOfSwiftIsReadByTheTagThatItsAnswersHave() {
        let world = World { .answer(Answers.object(Self.body, for: $0.request)) }
        let outcome = Outcome<ObjectHead>()
        let blocks = Blocks()
        makeStore(world).get(
            testAddress, range: 0..<100, matching: "listed",
            expecting: ExpectedObject(size: 100, etag: Self.tag), lane: .bulk, blockSize: 8,
            onBlock: { blocks.append($0) }, completion: outcome.completion)
        world.run()
        #expect(blocks.bytes == Self.body)
        #expect(world.sent[0].request.headers["if-match"] == "\"listed\"")
    }

    @Test(arguments: [99, 101, 0] as [UInt64])
    func anObjectOfAnotherSizeIsNotTheOneThatHEADShowed(size: UInt64) {
        let world = World { .answer(Answers.object(Self.body, for: $0.request)) }
        let outcome = Outcome<ObjectHead>()
        let blocks = Blocks()
        makeStore(world).get(
            testAddress, range: nil, matching: Self.tag, expecting: ExpectedObject(size: size),
            lane: .bulk, blockSize: 8, onBlock: { blocks.append($0) },
            completion: outcome.completion)
        world.run()
        #expect(outcome.error?.kind == .malformedAnswer)
        #expect(blocks.sizes.isEmpty)
    }
}
