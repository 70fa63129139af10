import RGWBase
import RGWFuse
import RGWHost
import RGWVFS

/// Tells the kernel what it must not believe any more.
///
/// Owns a thread for that alone: the kernel lets a notice wait for a page that is being read or for a directory in
/// which a name is being looked up, until that is answered. No answer waits for a notice, so none of them waits for
/// ever but where the server does. The thread is left alone at the end if a notice is still under way then: cutting
/// the connection, or the end of the process, ends it.
final class KernelNoticeThread: KernelNotices {
    private struct State: Sendable {
        var queue = KernelNoticeQueue()
        var isBusy = false
        var isStopping = false
    }

    private let state = HostCondition(State())

    func post(_ notice: KernelNotice) {
        state.updateIfWaking { state in state.isStopping ? false : state.queue.append(notice) }
    }

    /// How many notices were not told because too many waited.
    var dropped: Int { state.read { $0.queue.dropped } }

    /// Serves a mount; what was posted before waits until now.
    func start(_ session: FuseSession) throws(HostError) -> HostThread {
        try HostThread(name: "notices") { [self] in
            while let notices = next() {
                for notice in notices { Self.tell(notice, session) }
            }
        }
    }

    /// True: nothing is under way any more, and the thread can be joined.
    func stop(until deadline: Instant) -> Bool {
        state.update { $0.isStopping = true }
        return state.wait(until: deadline) { $0.isBusy ? nil : true } ?? false
    }

    /// nil: the end.
    private func next() -> [KernelNotice]? {
        state.update { $0.isBusy = false }
        return state.wait { state in
            if state.isStopping { return .done(nil) }
            let notices = state.queue.takeAll()
            if notices.isEmpty { return .until(.distantFuture) }
            state.isBusy = true
            return .done(notices)
        }
    }

    private static func tell(_ notice: KernelNotice, _ session: FuseSession) {
        switch notice {
        case .entry(let parent, let name): session.invalidateEntry(parent, name)
        case .attributes(let inode): session.invalidateAttributes(of: inode)
        case .content(let inode): session.invalidateContent(of: inode)
        }
    }
}
