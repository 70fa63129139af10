import RGWBase
import RGWSpool
import Testing

@testable import RGWHost

@Suite struct SpoolDirectoryTests {
    private let identity = SpoolIdentity(
        endpoint: "http://rgw:7480", bucket: "photos", prefix: "2024/")

    private func open(
        _ path: String, _ identity: SpoolIdentity? = nil
    ) throws(SpoolError)
        -> SpoolDirectory
    {
        try SpoolDirectory(
            path: path, identity: identity ?? self.identity, mountPoint: "/mnt/photos")
    }

    /// Expects `unusable` with a sentence that has all `parts`.
    private func expectRefusal(
        _ parts: [String], _ body: () throws -> SpoolDirectory,
        location: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: SpoolError.self, sourceLocation: location) { _ = try body() }
        guard case .unusable(let text) = error else {
            Issue.record("\(String(describing: error))", sourceLocation: location)
            return
        }
        for part in parts {
            #expect(text.contains(part), sourceLocation: location)
        }
    }

    @Test func newSpoolIsPrivateAndSaysWhatItIs() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/state/rgwfs/0123"
            let spool = try open(path)
            #expect(spool.isNew)
            #expect(spool.journalPath == "\(path)/journal.db")
            #expect(try HostNames.status(path)?.permissions == 0o700)
            #expect(try HostNames.list(path) == ["FORMAT", "LOCK"])
            let lines = try #require(try HostFile.read("\(path)/FORMAT")?.text).split(
                separator: "\n")
            #expect(lines.count == 7)
            #expect(lines[0...2] == ["rgwfs-spool 1", "min-reader 1", "min-writer 1"])
            #expect(lines[3] == "uuid \(spool.format.uuid)")
            #expect(lines[4...] == ["endpoint http://rgw:7480", "bucket photos", "prefix 2024/"])
        }
    }

    @Test func identifierIsAVersion4UUID() throws {
        for _ in 0..<20 {
            let uuid = SpoolFormat(identity: identity, entropy: HostEntropy()).uuid
            let parts = uuid.split(separator: "-")
            #expect(parts.map(\.count) == [8, 4, 4, 4, 12])
            #expect(parts[2].first == "4")
            #expect("89ab".contains(try #require(parts[3].first)))
        }
    }

    @Test func spoolIsFoundAgain() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/spool"
            let uuid = try open(path).format.uuid
            let again = try open(path)
            #expect(!again.isNew)
            #expect(again.format.uuid == uuid)
            #expect(try SpoolDirectory.format(of: path) == again.format)
        }
    }

    @Test func namesWithControlCharactersComeBack() throws {
        try withTemporaryDirectory { directory in
            let odd = SpoolIdentity(endpoint: "e%", bucket: "t:b", prefix: "a\nbucket x/\u{1}/")
            _ = try open("\(directory)/spool", odd)
            #expect(try open("\(directory)/spool", odd).format.identity == odd)
        }
    }

    @Test func spoolOfSomethingElseIsRefused() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/spool"
            _ = try open(path)
            var other = identity
            other.endpoint = "https://rgw:7443"
            expectRefusal(["endpoint", "http://rgw:7480", "https://rgw:7443"]) {
                try open(path, other)
            }
            other = identity
            other.bucket = "tenant:photos"
            expectRefusal(["bucket", "tenant:photos"]) { try open(path, other) }
            other = identity
            other.prefix = ""
            expectRefusal(["prefix", "2024/"]) { try open(path, other) }
        }
    }

    @Test func newerSpoolIsRefusedAndNotTouched() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/spool"
            var format = SpoolFormat(identity: identity, entropy: HostEntropy())
            format.version = 3
            format.minWriter = 2
            try HostNames.makeDirectory(path, mode: 0o700)
            try HostFile.writeAtomically("\(path)/FORMAT", text: format.text, mode: 0o600)
            expectRefusal([path, "newer rgwfs"]) { try open(path) }
            #expect(try HostNames.list(path) == ["FORMAT"])
            #expect(try HostFile.read("\(path)/FORMAT")?.text == format.text)
        }
    }

    @Test func newerSpoolThatOldWritersMayUseIsAccepted() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/spool"
            var format = SpoolFormat(identity: identity, entropy: HostEntropy())
            format.version = 2
            try HostNames.makeDirectory(path, mode: 0o700)
            try HostFile.writeAtomically(
                "\(path)/FORMAT", text: format.text + "created-by 9.9\n", mode: 0o600)
            #expect(try open(path).format == format)
        }
    }

    @Test(arguments: ["", "rgwfs-spool 1\n", "rgwfs-spool x\nmin-reader 1\nmin-writer 1\n"])
    func malformedFormatIsRefused(text: String) throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/spool"
            try HostNames.makeDirectory(path, mode: 0o700)
            try HostFile.writeAtomically("\(path)/FORMAT", text: text, mode: 0o600)
            expectRefusal(["\(path)/FORMAT"]) { try open(path) }
        }
    }

    @Test func directoryThatOthersMayEnterIsRefused() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/spool"
            try HostNames.makeDirectory(path, mode: 0o750)
            expectRefusal([path, "750", "chmod 700"]) { try open(path) }
        }
    }

    @Test func directoryWithOtherThingsInItIsRefused() throws {
        try withTemporaryDirectory { directory in
            try HostFile.writeAtomically("\(directory)/thesis.tex", text: "", mode: 0o600)
            expectRefusal([directory, "thesis.tex"]) { try open(directory) }
            #expect(try HostNames.list(directory) == ["thesis.tex"])
        }
    }

    @Test func emptyDirectoryAndInterruptedFirstMountAreTaken() throws {
        try withTemporaryDirectory { directory in
            for leftover in ["LOCK", "FORMAT.new", "lost+found"] {
                try HostFile.writeAtomically("\(directory)/\(leftover)", text: "", mode: 0o600)
            }
            #expect(try open(directory).isNew)
        }
    }

    @Test func fileIsNoSpool() throws {
        try withTemporaryDirectory { directory in
            try HostFile.writeAtomically("\(directory)/file", text: "", mode: 0o600)
            #expect(throws: SpoolError.self) { _ = try open("\(directory)/file") }
        }
    }

    @Test func unfitFilesystemIsRefusedByName() throws {
        try withTemporaryDirectory { directory in
            let type = try HostDescriptor(directory, .directory).filesystemType()
            expectRefusal([directory, "NFS", "local filesystem"]) {
                try SpoolDirectory(
                    path: directory, identity: identity, mountPoint: "/mnt",
                    entropy: HostEntropy(), refusing: [type: "NFS"])
            }
            #expect(try HostNames.list(directory) == [])
        }
        // The magic number is read as linux/magic.h writes it.
        #expect(try HostDescriptor("/proc", .directory).filesystemType() == 0x9FA0)
    }

    @Test func lockedSpoolIsBusyAndStaysAsItIs() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/spool"
            let owner = try open(path)
            let before = try HostFile.read("\(path)/LOCK")
            let error = #expect(throws: SpoolError.self) { _ = try open(path) }
            guard case .busy(let text) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(text.contains("process \(HostProcess.identifier)"))
            #expect(text.contains("/mnt/photos"))
            #expect(try HostFile.read("\(path)/LOCK") == before)
            withExtendedLifetime(owner) {}
        }
    }

    // MARK: - Trials

    @Test func aTrialFindsWhatAMountWouldAndLeavesNothing() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/state/rgwfs/0123"
            let found = try SpoolDirectory.trial(path)
            #expect(found.freeBytes > 0)
            #expect(try HostNames.list(directory) == [])
            _ = try open(path)
            let before = try HostNames.list(path)
            _ = try SpoolDirectory.trial(path)
            #expect(try HostNames.list(path) == before, "a spool stays as it is")
        }
    }

    @Test func aTrialRefusesWhatAMountWouldAndLeavesIt() throws {
        try withTemporaryDirectory { directory in
            let path = "\(directory)/notes"
            try HostNames.makeDirectories(path, mode: 0o700)
            try HostFile.writeAtomically("\(path)/a", text: "x", mode: 0o600)
            for attempt in [{ _ = try SpoolDirectory.trial(path) }, { _ = try open(path) }] {
                let error = #expect(throws: SpoolError.self) { try attempt() }
                #expect(
                    "\(error.map { "\($0)" } ?? "")".contains(
                        "is neither a spool nor empty: it contains a"))
            }
            #expect(try HostNames.list(path) == ["a"])
        }
    }

    @Test func aTrialSaysWhyAPlaceCannotBeMade() throws {
        try withTemporaryDirectory { directory in
            try HostFile.writeAtomically("\(directory)/file", text: "x", mode: 0o600)
            #expect(throws: SpoolError.self) {
                _ = try SpoolDirectory.trial("\(directory)/file/spool")
            }
        }
        #expect(throws: SpoolError.self) { _ = try SpoolDirectory.trial("/proc/self/spool") }
    }
}
