import RGWBase
import RGWObject
import RGWSpool
import RGWTestKit
import RGWVFS
import Testing

/// A spool that fails: what the user was told is what is there.
@Suite struct SpoolFailureTests {
    /// One change of names, by what it does.
    struct Change: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var run: @Sendable (Volume) throws -> Void
    }

    static let changes: [Change] = [
        Change(testDescription: "mkdir") { try $0.mkdir("new") },
        Change(testDescription: "create") { _ = try $0.create("new") },
        Change(testDescription: "symlink") { try $0.symlink("new", "target") },
        Change(testDescription: "unlink of an object") { try $0.unlink("object") },
        Change(testDescription: "unlink of an unsent file") { try $0.unlink("unsent") },
        Change(testDescription: "rmdir") { try $0.rmdir("empty") },
        Change(testDescription: "chmod") { try $0.change("object") { $0.permissions = 0o600 } },
        Change(testDescription: "chmod of an unsent file") {
            try $0.change("unsent") { $0.permissions = 0o600 }
        },
        Change(testDescription: "rename of an unsent file") { try $0.rename("unsent", "new") },
        Change(testDescription: "rename over an object") { try $0.rename("unsent", "object") },
        Change(testDescription: "rename of an object") { try $0.rename("object", "new") },
        Change(testDescription: "rename of a directory") { try $0.rename("empty", "new") },
        Change(testDescription: "create below") { _ = try $0.create("empty/new") },
    ]

    private func prepared() throws -> Volume {
        let volume = try Volume { $0.writebackDelay = .seconds(5) }
        volume.store.plant(Volume.bucket, "object", Array("theirs".utf8))
        volume.store.plant(Volume.bucket, "empty/", [])
        try volume.save("unsent", "ours")
        _ = try volume.names(in: "empty")
        return volume
    }

    private func view(_ volume: Volume) throws -> [String] {
        var lines: [String] = []
        for directory in ["", "empty"] {
            guard let names = try? volume.names(in: directory) else { continue }
            for name in names {
                let path = directory.isEmpty ? name : "\(directory)/\(name)"
                let attributes = try volume.attributes(path)
                let text = attributes.kind == .regular ? try volume.load(path) : ""
                lines.append("\(path) \(attributes.permissions) \(attributes.size) \(text)")
            }
        }
        return lines.sorted()
    }

    @Test(arguments: changes)
    func aChangeThatTheJournalRefusesHasNotHappened(change: Change) throws {
        let volume = try prepared()
        let before = try view(volume)
        volume.files.faults.set { call, _ in call == .commit ? .full : nil }
        #expect(throws: FileSystemError.spoolFull) { try change.run(volume) }
        #expect(try view(volume) == before)
        volume.files.faults.set(nil)
        #expect(try view(volume) == before)
        try volume.save("later", "1")
        let again = try Volume(remounting: volume) { $0.writebackDelay = .seconds(5) }
        #expect(try view(again) == (before + ["later 420 1 1"]).sorted())
        again.world.advance(by: .seconds(60))
        #expect(again.text("object") == "theirs")
        #expect(again.text("unsent") == "ours")
        #expect(again.store.keys(Volume.bucket) == ["empty/", "later", "object", "unsent"])
        #expect(try again.dataFiles().isEmpty)
        #expect(again.files.lost.isEmpty)
    }

    @Test(arguments: changes)
    func aChangeThatIsRepeatedAfterAFullDiskHappensOnce(change: Change) throws {
        let volume = try prepared()
        let other = try prepared()
        volume.files.faults.set { call, _ in call == .commit ? .full : nil }
        #expect(throws: FileSystemError.spoolFull) { try change.run(volume) }
        volume.files.faults.set(nil)
        try change.run(volume)
        try change.run(other)
        #expect(try view(volume) == view(other))
        volume.world.advance(by: .seconds(60))
        other.world.advance(by: .seconds(60))
        #expect(volume.store.keys(Volume.bucket) == other.store.keys(Volume.bucket))
        #expect(volume.store.violations.isEmpty)
    }

    @Test func onAFullDiskNamesChangeWithTheReserve() throws {
        let volume = try prepared()
        volume.files.faults.set { [files = volume.files] call, _ in
            call == .commit && files.reserve > 0 ? .full : nil
        }
        try volume.unlink("unsent")
        try volume.rename("object", "renamed")
        #expect(try volume.names(in: "") == ["empty", "renamed"])
        let file = try volume.open("renamed", write: true, truncate: true)
        let roomy = volume.files.capacity
        volume.files.capacity = 1
        #expect(throws: FileSystemError.spoolFull, "the room is for the journal") {
            try volume.write(file, "x")
        }
        volume.files.faults.set(nil)
        volume.files.capacity = roomy
        try volume.write(file, "x")
    }

    @Test func theReserveComesBackWhenThereIsRoom() throws {
        let volume = try prepared()
        volume.files.faults.set { [files = volume.files] call, _ in
            call == .commit && files.reserve > 0 ? .full : nil
        }
        try volume.mkdir("d")
        #expect(volume.files.reserve == 0)
        volume.files.faults.set(nil)
        volume.world.advance(by: .seconds(20))
        #expect(volume.files.reserve > 0, "the upload of a file made room")
        try volume.save("a", "1")
    }

    private static let broken = SpoolError.failed(operation: "test", errno: 5)

    @Test func anIOErrorOfTheJournalMakesTheMountReadOnly() throws {
        let volume = try prepared()
        let before = try view(volume)
        volume.files.faults.set { call, _ in call == .commit ? Self.broken : nil }
        #expect(throws: FileSystemError.inputOutput) { try volume.mkdir("d") }
        volume.files.faults.set(nil)
        #expect(throws: FileSystemError.readOnly) { try volume.mkdir("d") }
        #expect(throws: FileSystemError.readOnly) { try volume.unlink("object") }
        #expect(throws: FileSystemError.readOnly) { try volume.open("unsent", write: true) }
        #expect(try view(volume) == before)
        volume.world.advance(by: .seconds(20))
        #expect(volume.text("unsent") == "ours", "what is readable goes up")
    }

    @Test func aFailedSyncIsNeverFollowedBySuccess() throws {
        let volume = try Volume { $0.guarantee = .local }
        let file = try volume.create("a")
        try volume.write(file, "hello")
        volume.files.faults.set { call, _ in call == .syncAll ? Self.broken : nil }
        for _ in 0..<2 {
            #expect(throws: FileSystemError.inputOutput) {
                try volume.call { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
            }
        }
        volume.files.faults.set(nil)
        #expect(throws: FileSystemError.inputOutput) {
            try volume.call { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        }
        #expect(throws: FileSystemError.inputOutput) { try volume.close(file) }
        volume.world.advance(by: .seconds(20))
        #expect(volume.text("a") == "hello", "what is readable goes up")
    }

    /// A disk that failed once takes the next sync, because the kernel has marked the lost pages clean.
    @Test func whatADiskDidNotTakeIsSafeForNobodyLater() throws {
        let volume = try Volume {
            $0.guarantee = .local
            $0.writebackDelay = .seconds(50)
        }
        #expect(volume.fileSystem.overview().spoolFailure == nil)
        let safe = try volume.create("safe")
        try volume.write(safe, "written before")
        try volume.call { volume.fileSystem.fsync(safe.0, safe.1, dataOnly: false, $0) }
        let file = try volume.create("a")
        try volume.write(file, "hello")
        volume.files.faults.set { call, _ in call == .syncAll ? Self.broken : nil }
        #expect(throws: FileSystemError.inputOutput) {
            try volume.call { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        }
        volume.files.faults.set(nil)
        #expect(volume.fileSystem.overview().spoolFailure == "test (errno 5)")
        let reader = try volume.open("a")
        #expect(throws: FileSystemError.inputOutput, "a reader asks") {
            try volume.call { volume.fileSystem.fsync(reader.0, reader.1, dataOnly: false, $0) }
        }
        let root = try volume.call { volume.fileSystem.opendir(.root, $0) }
        #expect(throws: FileSystemError.inputOutput, "the directory's sync covers it") {
            try volume.call { volume.fileSystem.fsyncdir(.root, root.handle, $0) }
        }
        try volume.call { volume.fileSystem.fsync(safe.0, safe.1, dataOnly: false, $0) }
        let again = try Volume(remounting: volume, afterPowerCut: true)
        #expect(try again.names(in: "") == ["safe"], "no later sync has sealed it")
        #expect(try again.load("safe") == "written before")
    }

    /// Not even by the next mount, which reads what may be in memory only; until it is written anew.
    @Test func whatADiskDidNotTakeIsSafeForNobodyAfterARemount() throws {
        let volume = try Volume {
            $0.guarantee = .local
            $0.writebackDelay = .seconds(50)
        }
        let file = try volume.create("a")
        try volume.write(file, "hello")
        volume.files.faults.set { call, _ in call == .syncAll ? Self.broken : nil }
        #expect(throws: FileSystemError.inputOutput) {
            try volume.call { volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0) }
        }
        volume.files.faults.set(nil)
        volume.world.run()
        volume.store.setFault { $0.method == "PUT" ? .refuse(.busy) : nil }
        let again = try Volume(remounting: volume) {
            $0.guarantee = .local
            $0.writebackDelay = .seconds(50)
        }
        #expect(try again.load("a") == "hello")
        for isWriter in [true, false] {
            let handle = try again.open("a", write: isWriter)
            #expect(throws: FileSystemError.inputOutput) {
                try again.call { again.fileSystem.fsync(handle.0, handle.1, dataOnly: false, $0) }
            }
            again.release(handle)
        }
        let anew = try again.open("a", write: true, truncate: true)
        try again.write(anew, "again")
        try again.call { again.fileSystem.fsync(anew.0, anew.1, dataOnly: false, $0) }
        try again.close(anew)
        again.store.setFault(nil)
        again.world.advance(by: .seconds(120))
        #expect(again.text("a") == "again")
        #expect(try again.journal.load().nodes.isEmpty)
    }

    @Test func aWriteThatTheJournalRefusesLeavesTheFileAsItWas() throws {
        let volume = try prepared()
        let file = try volume.open("unsent", write: true)
        volume.files.faults.set { call, _ in call == .commit ? .full : nil }
        #expect(throws: FileSystemError.spoolFull) { try volume.write(file, "more", at: 4) }
        volume.files.faults.set(nil)
        #expect(try volume.attributes("unsent").size == 4)
        let again = try Volume(remounting: volume)
        #expect(try again.load("unsent") == "ours")
    }

    /// A write that may have to wait for room.
    private func write(
        _ volume: Volume, _ file: (InodeNumber, HandleID), _ text: String, at offset: UInt64
    ) -> Bool {
        let bytes = Array(text.utf8)
        let write = volume.begin {
            volume.fileSystem.write(file.0, file.1, offset: offset, bytes: bytes.span, $0)
        }
        while write.result == nil { volume.world.advance(by: .milliseconds(100)) }
        return (try? write.result?.get()) != nil
    }

    /// Every call of the spool in turn: the programs see an error or nothing, and what they were told
    /// holds, also after a crash.
    @Test(arguments: [SpoolError.full, broken], [false, true])
    func anyFailingCallFailsOnlyItsOperation(error: SpoolError, crash: Bool) throws {
        for number in 1...200 {
            let volume = try Volume { $0.writebackDelay = .seconds(5) }
            volume.files.faults.set { [start = volume.files.faults.count] _, count in
                count == start + number ? error : nil
            }
            var told: [String: String] = [:]
            for (index, name) in ["a", "b", "c"].enumerated() {
                guard let file = try? volume.create(name) else { continue }
                told[name] = ""
                if write(volume, file, "first \(index)", at: 0) {
                    told[name] = "first \(index)"
                    if write(volume, file, "!", at: 7) { told[name]? += "!" }
                }
                try? volume.close(file)
                volume.world.advance(by: .milliseconds(700))
            }
            if told["b"] != nil, (try? volume.unlink("b")) != nil { told["b"] = nil }
            if told["c"] != nil, (try? volume.rename("c", "d")) != nil {
                told["d"] = told["c"]
                told["c"] = nil
            }
            // A mount that fails is tried again: recovery half done is done again.
            let again = crash ? try? Volume(remounting: volume) : volume
            let now = try again ?? Volume(remounting: volume)
            now.files.faults.set(nil)
            #expect(try now.names(in: "") == told.keys.sorted(), "call \(number)")
            for (name, text) in told {
                #expect(try now.load(name) == text, "\(name), call \(number)")
            }
            if error == .full || crash {
                now.world.advance(by: .seconds(200))
                #expect(now.store.keys(Volume.bucket) == told.keys.sorted(), "call \(number)")
            }
            if volume.files.faults.count < number { break }
        }
    }
}
