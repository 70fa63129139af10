import RGWBase
import RGWObject
import RGWSpool

/// What is left to be done about uploads in parts.
enum UploadChore: Sendable {
    /// Its file was changed, renamed or removed: the parts are freed.
    case abort(MultipartUploadAddress)
    /// An earlier mount died between beginning an upload and noting its id: what was begun since then for
    /// this key, which has an intent of this spool, is freed.
    case sweep(ObjectAddress, since: WallTime)
}

/// Uploads in parts: which are under way, and which are not wanted any more.
extension VolumeState {
    /// Bytes were or are being written since the flight began, or the key belongs to something else.
    func isChanging(_ flight: IntentTable.Flight) -> Bool {
        guard !flight.isOfCopy, let inode = flight.inode.flatMap({ inodes[$0] }) else {
            return false
        }
        return inode.generation != flight.generation || inode.writesUnderWay > 0
    }

    /// The flight's file is still to be sent to the flight's key as it was.
    func isWanted(_ flight: IntentTable.Flight) -> Bool {
        guard let record = intents.intents[flight.address]?.record else { return false }
        return record.want == .put && record.inode == flight.inode && !isChanging(flight)
    }

    /// The tag that an upload of exactly this content has or had.
    func wholeTag(_ flight: IntentTable.Flight) -> ETag? {
        guard let upload = intents.uploads[flight.address],
            upload.record.generation == flight.generation
        else { return nil }
        return upload.tag
    }

    /// The key has a new version: an upload that made it is over.
    mutating func noteUploadDone(_ flight: IntentTable.Flight, _ tag: ETag?) {
        guard let upload = intents.uploads[flight.address], let tag, upload.tag == tag else {
            return
        }
        intents.uploads[flight.address] = nil
    }

    /// The next thing to do about uploads that are not wanted.
    mutating func uploadChore(now: Instant) -> UploadChore? {
        if let (address, since) = intents.sweeps.first(where: { intents.flights[$0.key] == nil }) {
            intents.sweeps[address] = nil
            // A new upload is not begun before the old ones are gone.
            intents.reserve(address)
            return .sweep(address, since: since)
        }
        for (address, upload) in intents.uploads
        where !upload.isAborting && upload.abortAt.map({ $0 <= now }) ?? true
            && intents.flights[address] == nil && intents.intents[address]?.record.want != .put
        {
            intents.uploads[address]?.isAborting = true
            return .abort(
                MultipartUploadAddress(object: address, id: UploadID(upload.record.id)))
        }
        return nil
    }

    /// The upload is gone, or freeing its parts is tried again later.
    mutating func endAbort(_ upload: MultipartUploadAddress, retryAt: Instant?) {
        guard intents.uploads[upload.object]?.record.id == upload.id.text else { return }
        if let retryAt {
            intents.uploads[upload.object]?.isAborting = false
            intents.uploads[upload.object]?.abortAt = retryAt
        } else {
            intents.uploads[upload.object] = nil
            closeFlight(upload.object)
        }
    }
}

extension ObjectMetadata {
    /// The same for equal metadata, also in another process: FNV-1a of its fields in a fixed order.
    /// Source: tools.ietf.org/html/draft-eastlake-fnv.
    var digest: UInt64 {
        var value: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ text: String?) {
            for byte in Array((text ?? "\u{1}").utf8) + [0] {
                value = (value ^ UInt64(byte)) &* 0x100_0000_01B3
            }
        }
        for field in [
            contentType, cacheControl, contentDisposition, contentEncoding, contentLanguage,
            expires,
        ] {
            add(field)
        }
        for (name, field) in user.sorted(by: { $0.key < $1.key }) {
            add(name)
            add(field)
        }
        return value
    }
}
