package import RGWSpool

/// The right to a spool: an flock(2) on its LOCK file, held until the last reference goes or the
/// process ends, however it ends. The file's text only tells people who holds it.
package final class SpoolLock: Sendable {
    private let file: HostDescriptor
    /// Who held the spool before; nil: nobody, or it is not known.
    package let previousOwner: SpoolOwner?

    /// Takes the lock to look, without a word in the file: who held the spool last, and in which
    /// boot, stays known. Throws `busy`, and ENOENT where there is no spool.
    package convenience init(inspecting spool: String) throws(SpoolError) {
        try self.init(spool: spool, claim: nil, flags: .write)
    }

    /// Throws `busy` with a sentence that names the owner when another process has the lock.
    package convenience init(spool: String, mountPoint: String) throws(SpoolError) {
        try self.init(
            spool: spool, claim: .current(mountPoint: mountPoint), flags: [.write, .create])
    }

    /// `claim`: what the file is to say from now on.
    private init(spool: String, claim: SpoolOwner?, flags: HostOpenFlags) throws(SpoolError) {
        let held: Bool
        do throws(HostError) {
            file = try HostDescriptor(Self.path(in: spool), flags, mode: 0o600)
            held = try file.lockExclusively()
            previousOwner = SpoolOwner(
                parsing: String(decoding: try file.read(at: 0, count: 1 << 16), as: UTF8.self))
            if held, var claim {
                // Until recovery is done, the boot counts for which it was done last.
                claim.settledBoot = previousOwner?.settledBoot ?? ""
                try Self.write(claim, to: file)
            }
        } catch {
            throw error.spoolError
        }
        guard held else {
            throw .busy(Self.busySentence(spool: spool, owner: previousOwner))
        }
    }

    deinit { file.unlock() }

    /// Recovery is done and committed: what happens from now on happens in this boot. A process that dies
    /// before leaves the next one to find out about a power cut again.
    package func noteRecovered(mountPoint: String) throws(SpoolError) {
        var owner = SpoolOwner.current(mountPoint: mountPoint)
        owner.settledBoot = owner.bootIdentifier
        do throws(HostError) { try Self.write(owner, to: file) } catch { throw error.spoolError }
    }

    /// The file is never empty in between.
    private static func write(
        _ owner: SpoolOwner, to file: borrowing HostDescriptor
    ) throws(HostError) {
        let text = Array(owner.text.utf8)
        try file.write(text.span, at: 0)
        try file.truncate(to: UInt64(text.count))
    }

    /// A process has the spool. The kernel's answer, not the number of a process: one that nobody has
    /// reaped still has its number, and one in another container has another.
    package static func isHeld(in spool: String) -> Bool {
        do throws(HostError) {
            return try HostDescriptor(path(in: spool), .nonblocking).isLocked()
        } catch {
            // No spool, or not one that this user may look at.
            return false
        }
    }

    /// What the LOCK file says; whether it still holds, `isHeld` knows.
    package static func owner(of spool: String) throws(SpoolError) -> SpoolOwner? {
        do throws(HostError) {
            guard let contents = try HostFile.read(path(in: spool), limit: 1 << 16) else {
                return nil
            }
            return SpoolOwner(parsing: String(decoding: contents.bytes, as: UTF8.self))
        } catch {
            throw error.spoolError
        }
    }

    private static func path(in spool: String) -> String { "\(spool)/LOCK" }

    static func busySentence(spool: String, owner: SpoolOwner?) -> String {
        guard let owner else { return "the spool \(spool) is in use by another process" }
        return "the spool \(spool) is in use by process \(owner.process), "
            + "mounted on \(owner.mountPoint)"
    }
}
