import RGWBase
import RGWControl
import RGWHost
import RGWMount

/// A file system that goes on after its unmount, because it is mounted elsewhere too: by a bind mount, or
/// in another mount namespace, which has a copy of every mount that was there when it was made.
struct StillMounted {
    /// Who unmounted is told.
    let sentence: String

    /// How long the process may take to notice that nobody has its mount any more.
    private static let patience = Duration.seconds(2)
    private static let namesMax = 3

    /// Nil: it is gone. `mount`: as it was before the unmount.
    init?(_ mount: HostMount, spool: String?) throws(HostError) {
        guard let place = try Self.place(of: mount, spool) else { return nil }
        sentence =
            "\(Shown.text(mount.mountPoint)) is unmounted, but \(place): it goes on until that ends"
    }

    private static func place(of mount: HostMount, _ spool: String?) throws(HostError) -> String? {
        if let other = try HostMounts.list().last(where: { $0.device == mount.device }) {
            return "\(Shown.text(mount.source)) is still mounted at \(Shown.text(other.mountPoint))"
        }
        guard let spool, isServed(spool) else { return nil }
        let holders = try HostMounts.holders(of: mount.device)
        if holders.isEmpty { return "another mount namespace still has it" }
        let names = holders.prefix(namesMax).map {
            "process \($0.process) (\(Shown.text($0.name))) at \(Shown.text($0.mountPoint))"
        }
        let more = holders.count > namesMax ? " and \(holders.count - namesMax) more" : ""
        return "another mount namespace still has it: " + names.joined(separator: ", ") + more
    }

    /// Its process still serves it: the kernel ends that at once when nobody has a mount any more.
    private static func isServed(_ spool: String) -> Bool {
        let clock = HostClock()
        let deadline = clock.now() + patience
        let pause = HostCondition<Void>(())
        while clock.now() < deadline {
            let report = try? ControlClient.report(spool: spool, patience: .seconds(1))
            guard let report, report.life != .draining else { return false }
            _ = pause.wait(until: clock.now() + .milliseconds(20)) { _ in nil as Void? }
        }
        return true
    }
}
