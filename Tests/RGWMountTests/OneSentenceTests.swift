import RGWBase
import RGWClient
import RGWMount
import Testing

/// Every wrong input: a sentence on one line, a status, and never a secret.
@Suite struct OneSentenceTests {
    private static let good = "url=http://10.0.0.1:7480"

    /// Puts the secret wherever a hurried user might.
    private static let commandLines: [[String]] = [
        ["photos", "/mnt/photos", "-o", "\(good),\(theSecret)"],
        ["photos", "/mnt/photos", "-o", "\(good),testkey:\(theSecret)"],
        ["photos", "/mnt/photos", "-o", "\(good),secret=\(theSecret)"],
        ["photos", "/mnt/photos", "-o", "\(good),secret_access_key=\(theSecret)"],
        ["photos", "/mnt/photos", "-o", "\(good),passwd_file=testkey:\(theSecret)"],
        ["photos", "/mnt/photos", "-o", "\(good),credentials=testkey:\(theSecret)"],
        ["photos", "/mnt/photos", "-o", "\(good),config=testkey:\(theSecret)"],
        ["photos", "/mnt/photos", "-o", "url=http://testkey:\(theSecret)@10.0.0.1"],
        ["photos", "/mnt/photos", "-o", "\(good),cache_dir=\(theSecret)"],
        ["photos", "/mnt/photos", "-o", "\(good),rw=\(theSecret)"],
        ["photos", "/mnt/photos", "testkey:\(theSecret)", "-o", good],
        ["photos", "/mnt/photos", "--secret=\(theSecret)"],
        ["http://testkey:\(theSecret)@10.0.0.1/photos", "/mnt/photos", "-o", good],
        ["photos", "/mnt/photos", "-\(theSecret)"],
        ["photos", "/mnt/no\nsuch\u{1b}[2Jdir", "-o", good],
        ["pho\ntos", "/mnt/photos", "-o", good],
        ["photos", "/mnt/photos", "-o", "\(good),uploads=1\n2"],
        ["photos", "/mnt/photos", "-o", "\(good),up\nloads=1"],
    ]

    @Test(arguments: commandLines)
    func wrongCommandLines(words: [String]) throws { try check(failure(words)) }

    private static let contents: [String] = [
        "testkey:\(theSecret):x:y:z", "testkey \(theSecret)", theSecret,
        "{\"keys\": \"\(theSecret)\"}",
        "{ \(theSecret)", "[default]\n\(theSecret)\n", "[\(theSecret)",
        "[default]\nx = \(theSecret)",
        "photo:testkey:\(theSecret)", "a:\(theSecret)\nb:\(theSecret)", "\u{0}\(theSecret)",
    ]

    @Test(arguments: contents)
    func wrongCredentialsFiles(content: String) throws {
        for permissions: UInt32 in [0o600, 0o644] {
            var machine = FakeEnvironment()
            machine.addFile("/k", content, permissions: permissions)
            try check(
                failure(
                    ["photos", "/mnt/photos", "-o", "\(Self.good),credentials=/k"], in: machine))
        }
    }

    @Test(arguments: [
        FileAnswer.failed("Permission denied"), .tooLong, .absent,
    ])
    func unreadableFiles(answer: FileAnswer) throws {
        for option in ["credentials=/x", "config=/x"] {
            var machine = FakeEnvironment.working
            machine.files["/x"] = answer
            try check(
                failure(["photos", "/mnt/photos", "-o", "\(Self.good),\(option)"], in: machine))
        }
    }

    @Test func aPlanNeverPrintsItsSecret() throws {
        let plan = try plan(options: "ro")
        #expect(
            plan.credentials.credentials
                == .keys(accessKey: "testkey", secret: Secret(theSecret)))
        for text in [String(describing: plan), String(reflecting: plan)] {
            #expect(!text.contains(theSecret))
        }
        var dumped = ""
        dump(plan, to: &dumped)
        #expect(!dumped.contains(theSecret))
    }

    private func check(
        _ found: MountFailure?, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let found = try #require(found, sourceLocation: sourceLocation)
        let text = found.description
        #expect(!text.isEmpty && text.utf8.count < 1000, sourceLocation: sourceLocation)
        #expect(!text.contains(theSecret), sourceLocation: sourceLocation)
        #expect(
            text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F },
            sourceLocation: sourceLocation)
        #expect([.usage, .mountFailed].contains(found.status), sourceLocation: sourceLocation)
    }
}
