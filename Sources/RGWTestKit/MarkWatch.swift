import RGWBase
import RGWObject
import RGWVFS
import Synchronization

/// Notes when the bucket first has each mark, and which mounts had unsent changes of that file then: what they send is
/// older than the mark.
final class MarkWatch: Sendable {
    struct Landing {
        var time: Instant
        var busy: Set<Int>
    }

    private struct State {
        var volumes: [Int: Volume] = [:]
        var landings: [UInt8: Landing] = [:]
    }

    private let state = Mutex(State())
    private let store: StrictObjectStore
    /// Requests of unknown outcome may come late.
    private let hasFaults: Bool

    init(_ store: StrictObjectStore, hasFaults: Bool) {
        self.store = store
        self.hasFaults = hasFaults
        store.setWatch { [weak self] in self?.note($0) }
    }

    var landings: [UInt8: Landing] { state.withLock(\.landings) }

    func mount(_ number: Int, _ volume: Volume) { state.withLock { $0.volumes[number] = volume } }

    private func note(_ address: ObjectAddress) {
        guard let object = store.object(Volume.bucket, address.key),
            let header = object.head.metadata.user[ExtendedAttributes.header],
            let value = ExtendedAttributes(header: header)?[Array("user.mark".utf8)],
            let tag = UInt8(String(decoding: value, as: UTF8.self)), landings[tag] == nil
        else { return }
        let volumes = state.withLock(\.volumes)
        let busy = volumes.filter { _, volume in
            let fileSystem = volume.fileSystem
            return fileSystem.queue(limit: 100).contains { $0.path == address.key.text }
                && (hasFaults || fileSystem.status().pending > 0)
        }
        let landing = Landing(time: volumes[0]?.world.now() ?? .distantPast, busy: Set(busy.keys))
        state.withLock { $0.landings[tag] = landing }
    }
}
