import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// Requests whose callers are being killed.
@Suite struct InterruptionTests {
    private func isInterrupted<Value>(_ box: Volume.Box<Value>) -> Bool {
        if case .failure(.interrupted) = box.result { true } else { false }
    }

    @Test func aWaitingLookupIsGivenUpAndItsAnswerTakesNoCount() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", [1])
        let interruption = Interruption()
        let box = volume.begin(interruption: interruption) {
            volume.fileSystem.lookup(.root, "a", $0)
        }
        #expect(box.result == nil)
        interruption.request()
        while box.result == nil, volume.world.step() {}
        #expect(isInterrupted(box))
        volume.world.run()
        #expect(try volume.load("a") == "\u{1}")
    }

    @Test func whatIsInterruptedBeforeItWaitsDoesNotWait() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", [1])
        let interruption = Interruption()
        interruption.request()
        let box = volume.begin(interruption: interruption) {
            volume.fileSystem.lookup(.root, "a", $0)
        }
        #expect(isInterrupted(box))
    }

    @Test func aLocalAnswerIsGivenWhateverTheCallerDoes() throws {
        let volume = try Volume()
        try volume.save("a", "x")
        let inode = try volume.inode("a")
        let interruption = Interruption()
        interruption.request()
        let box = volume.begin(interruption: interruption) { volume.fileSystem.getattr(inode, $0) }
        #expect(try box.result?.get().attributes.size == 1)
        #expect(!interruption.hasWaited)
    }

    @Test func aGivenUpWriteChangesNothing() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("0123".utf8))
        let file = try volume.open("a", write: true)
        let interruption = Interruption()
        let bytes = Array("XY".utf8)
        let box = volume.begin(interruption: interruption) {
            volume.fileSystem.write(file.0, file.1, offset: 1, bytes: bytes.span, $0)
        }
        interruption.request()
        volume.world.run()
        #expect(isInterrupted(box))
        try volume.close(file)
        volume.settle()
        #expect(volume.text("a") == "0123")
        #expect(try volume.load("a") == "0123")
    }

    @Test func aGivenUpReadAndFsyncEndAndTheRestGoesOn() throws {
        let volume = try Volume()
        volume.store.plant(Volume.bucket, "a", Array("0123".utf8))
        let file = try volume.open("a", write: true)
        let first = Interruption()
        let read = volume.begin(interruption: first) {
            volume.fileSystem.read(file.0, file.1, offset: 0, count: 4, $0)
        }
        first.request()
        volume.world.run()
        #expect(isInterrupted(read))
        #expect(try volume.read(file) == Array("0123".utf8))
        try volume.write(file, "XY")
        volume.store.setFault { $0.method == "PUT" ? .refuse(.busy) : nil }
        let second = Interruption()
        let sync = volume.begin(interruption: second) {
            volume.fileSystem.fsync(file.0, file.1, dataOnly: false, $0)
        }
        second.request()
        volume.world.run()
        #expect(isInterrupted(sync))
        volume.store.setFault(nil)
        try volume.close(file)
        volume.world.advance(by: .seconds(120))
        #expect(volume.text("a") == "XY23")
    }
}
