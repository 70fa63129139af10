import RGWObject
import RGWSpool

/// `Content-Encoding` of content that was written anew: what it says must be so, or browsers refuse the object.
enum ContentCoding {
    /// The first bytes of what a coding makes. Source: RFC 1952, 2.3.1; RFC 8878, 3.1.1; ncompress.
    private static let signatures: [String: [UInt8]] = [
        "gzip": [0x1F, 0x8B], "x-gzip": [0x1F, 0x8B], "zstd": [0x28, 0xB5, 0x2F, 0xFD],
        "compress": [0x1F, 0x9D], "x-compress": [0x1F, 0x9D],
    ]
    /// How many first bytes tell.
    static let signatureMax = 4

    /// The codings without those that the content cannot have, which begins with `head`. The last one was
    /// applied last, so its signature is what the content begins with. One without a signature (`br`) stays.
    static func kept(_ codings: String, of head: [UInt8]) -> String? {
        var all = codings.split(separator: ",").map {
            String($0.filter { $0 != " " && $0 != "\t" })
        }
        let before = all.count
        while let last = all.last, let signature = signatures[last.lowercased()],
            !head.starts(with: signature)
        {
            all.removeLast()
        }
        if all.count == before { return codings }
        return all.isEmpty ? nil : all.joined(separator: ", ")
    }
}

extension FileSystem {
    /// Takes away from the metadata what the bytes that go up are not any more.
    func checkCoding(_ shipment: inout Shipment) {
        guard shipment.flight.want == .put, let codings = shipment.metadata.contentEncoding else {
            return
        }
        var head: [UInt8] = []
        if let file = shipment.file, shipment.size > 0 {
            guard let read = try? file.read(at: 0, count: ContentCoding.signatureMax) else {
                return
            }
            head = read
        }
        let kept = ContentCoding.kept(codings, of: head)
        if kept == codings { return }
        shipment.metadata.contentEncoding = kept
        let flight = shipment.flight
        withState { state in
            guard let inode = flight.inode, state.inodes[inode]?.generation == flight.generation,
                state.inodes[inode]?.metadata.contentEncoding == codings
            else { return }
            state.inodes[inode]?.metadata.contentEncoding = kept
        }
    }
}
