import RGWBase
import RGWObject
import RGWSpool

/// Uploads of files that are written all the time: a copy, made between two writes, goes up.
extension FileSystem {
    /// Gives the shipment a copy of its file. Who writes meanwhile waits.
    func copyFile(_ shipment: Shipment, then send: @escaping @Sendable (Shipment) -> Void) {
        guard let inode = shipment.flight.inode else { return send(shipment) }
        withState { state in state.inodes[inode]?.freezes += 1 }
        whenStill(inode) { [self] in
            lanes.long.submit { [self] in
                let result = copyStill(inode, shipment)
                withState { state in state.thaw(inode) }
                switch result {
                case .success(let copied): send(copied)
                case .failure(let error):
                    let failed = ObjectStoreError(
                        error == .full || error == .tooManyFiles ? .busy : .bodyUnreadable,
                        operation: "PUT \(shipment.flight.address)",
                        message: "copying the file: \(error)")
                    ended(shipment, .failure(failed))
                }
            }
        }
    }

    private func copyStill(
        _ inode: InodeNumber, _ shipment: Shipment
    ) -> Result<Shipment, SpoolError> {
        var now = withState { state in
            var flight = shipment.flight
            flight.isOfCopy = true
            return Self.shipment(&state, flight)
        }
        guard let file = now.file, now.size > 0 else { return .success(now) }
        do throws(SpoolError) {
            let (id, copy) = try newData()
            // It lives as long as the upload: a crash leaves nothing to clear away but its name.
            try spool.remove(id)
            try file.copy(to: copy, length: now.size)
            now.file = copy
            return .success(now)
        } catch { return .failure(error) }
    }
}

extension IntentTable.Flight {
    /// The content that an upload in parts sends. A copy is nobody's content later: its parts are not
    /// gone on with.
    var uploadGeneration: Generation { isOfCopy ? Generation(.max) : generation }
}

extension Inode {
    /// After so many attempts that a write spoilt.
    private static let spoiltMax = 3
    /// Writers wait while a file is copied: larger ones have to wait for a pause of theirs.
    private static let copiedBytesMax: UInt64 = 1 << 30

    /// What was closed goes up in time although somebody writes already: as a copy.
    var isCopyable: Bool {
        attributes.kind == .regular && spoolFile != nil && attributes.size <= Self.copiedBytesMax
    }

    func needsCopy(_ flight: IntentTable.Flight) -> Bool {
        flight.want == .put && isCopyable && !flight.isOfCopy
            && (unflushed || writers > 0 && flight.tries >= Self.spoiltMax)
    }
}
