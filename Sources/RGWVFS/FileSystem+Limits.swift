import RGWBase
import RGWObject
import RGWSpool

/// The server, or a proxy before it, takes no body as large as what was sent: HTTP 413, or EntityTooLarge.
/// Larger files go in parts then, and smaller parts again after the next refusal. What was learnt holds for the
/// mount; files below the limit never wait.
extension FileSystem {
    /// Every part but the last must have that many bytes. Source: S3 API, multipart upload limits.
    private static let partBytesMin: UInt64 = 5 << 20

    /// True: a smaller body is sent at once. Each refusal makes bodies smaller, so there are few.
    func sendsSmaller(_ flight: IntentTable.Flight, after body: UInt64) -> Bool {
        let now = clock.now()
        let isSmaller = withState { state in
            guard body > Self.partBytesMin, body <= state.bodyMax ?? .max else { return false }
            let half = max(Self.partBytesMin, ((body / 2) >> 20) << 20)
            state.bodyMax = min(half, configuration.partBytes)
            state.retry(flight, at: now)
            return true
        }
        if isSmaller { settle(flight.address) }
        return isSmaller
    }

    /// A part of this size was refused.
    func partRefused(_ shipment: Shipment, part: UInt64, _ error: ObjectStoreError) {
        if sendsSmaller(shipment.flight, after: part) { return }
        var error = error
        error.message =
            "no body of \(part) bytes is accepted, and parts must have \(Self.partBytesMin)"
        refused(shipment.flight, error)
    }
}

extension VolumeState {
    /// A file of this size is sent in parts.
    func goesInParts(_ size: UInt64) -> Bool {
        size > configuration.multipartThreshold || bodyMax.map { size > $0 } ?? false
    }

    /// As configured, or as small as the server takes, or as many MiB as S3's 10,000 parts need.
    func partSize(_ size: UInt64) -> UInt64 {
        let partsMax = UInt64(UploadedPart.numberMax)
        let needed = size / partsMax + (size % partsMax > 0 ? 1 : 0)
        let mebibyte: UInt64 = 1 << 20
        let wanted = min(configuration.partBytes, bodyMax ?? .max)
        guard needed > wanted else { return wanted }
        return (needed / mebibyte + (needed % mebibyte > 0 ? 1 : 0)) * mebibyte
    }
}
