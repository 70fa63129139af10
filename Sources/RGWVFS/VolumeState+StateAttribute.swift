import RGWBase
import RGWObject
import RGWSpool

/// The mount's own extended attributes, `user.rgwfs.*`: read only, never listed, never stored.
extension VolumeState {
    /// Nil: no such attribute. `name` is without `user.rgwfs.`.
    func stateAttribute(
        _ inode: InodeNumber, _ name: String, now: Instant, time: WallTime
    ) -> String? {
        if inode == .root, let value = mountAttribute(name, now: now, time: time) { return value }
        guard let known = inodes[inode], let address = address(inode) else { return nil }
        let intent = intents.intents[address]
        switch name {
        case "state":
            if intent?.isConflict == true { return "conflict" }
            if intents.flights[address] != nil { return "uploading" }
            guard let intent else { return "clean" }
            return intent.blocked == nil ? "dirty" : "blocked"
        case "error": return intent?.blocked?.description
        case "tries": return String(intent?.tries ?? 0)
        case "etag": return known.base?.etag.text
        case "key": return address.key.text
        default: return nil
        }
    }

    private func mountAttribute(_ name: String, now: Instant, time: WallTime) -> String? {
        switch name {
        case "pending": String(intents.pendingCount)
        case "uploading": String(intents.underWayCount)
        case "spool": configuration.spoolDirectory
        case "pending_bytes": String(overview(now: now, time: time).pendingBytes)
        case "failed": String(overview(now: now, time: time).blocked)
        // Whole seconds; 0 when nothing waits.
        case "oldest":
            String(overview(now: now, time: time).oldest?.components.seconds ?? 0)
        default: nil
        }
    }
}
