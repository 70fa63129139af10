import RGWBase
import RGWObject
import RGWTestKit
import RGWVFS
import Testing

/// Another client writes the same keys: every content either side stored last is still somewhere.
@Suite struct ModelForeignTests {
    /// Contents that may be gone: replaced by whoever wrote them, or by somebody who had seen them.
    private struct Account {
        var alive: Set<String> = []
    }

    @Test(arguments: UInt64(1)...60)
    func noContentDisappearsUnseen(seed: UInt64) throws {
        var random = ModelRandom(seed)
        let volume = try Volume()
        var account = Account()
        for step in 0..<60 {
            let name = ["a", "b", "c"][random.below(3)]
            let key = try ObjectKey(name)
            switch random.below(10) {
            case 0..<3:
                if let gone = volume.text(name) { account.alive.remove(gone) }
                volume.store.plant(Volume.bucket, key, Array("foreign \(step)".utf8))
                account.alive.insert("foreign \(step)")
            case 3:
                if let gone = volume.text(name) { account.alive.remove(gone) }
                volume.store.uproot(Volume.bucket, key)
            case 4..<7: try save(volume, name, "local \(step)", &account)
            default:
                volume.world.advance(by: .milliseconds([10, 350, 5000, 70_000][random.below(4)]))
            }
        }
        volume.world.advance(by: .seconds(300))
        let found = Set(volume.store.keys(Volume.bucket).compactMap { volume.text($0) })
        #expect(account.alive.subtracting(found).isEmpty)
        #expect(volume.fileSystem.status().pending == 0)
        #expect(try volume.files.list().isEmpty)
    }

    private func save(
        _ volume: Volume, _ name: String, _ text: String, _ account: inout Account
    ) throws {
        do throws(FileSystemError) {
            // A read that fails because the version changed has told the program so.
            let seen = (try? volume.load(name)) ?? volume.text(name)
            try volume.save(name, text)
            // The program saw what it replaced.
            if let seen { account.alive.remove(seen) }
            account.alive.insert(text)
        } catch {
            // A version that vanished or changed between the steps may refuse the program.
            #expect(error == .stale || error == .notFound)
        }
    }
}
