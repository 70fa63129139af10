package import RGWBase
import Synchronization

/// One mount's life: what it submitted, scheduled and asked for ends with it, as with `kill -9`.
///
/// Requests that the server already has still take effect there; nobody hears of their answers.
package final class MountLife: WorkQueue, Timer {
    private let world: VirtualWorld
    private let over = Atomic<Bool>(false)
    private let isThreaded: Bool

    /// `isThreaded`: what threads with a duty do is done under that duty.
    package init(world: VirtualWorld, isThreaded: Bool = false) {
        self.world = world
        self.isThreaded = isThreaded
    }

    func run(_ duty: ThreadDuty, _ body: () -> Void) {
        if isThreaded { duty.run(body) } else { body() }
    }

    /// Nothing of this mount runs from now on.
    package func end() { over.store(true, ordering: .releasing) }

    package var isOver: Bool { over.load(ordering: .acquiring) }

    package func submit(_ job: @escaping @Sendable () -> Void) {
        if isOver { return }
        world.submit { [self] in if !isOver { job() } }
    }

    package func schedule(at deadline: Instant, _ job: @escaping @Sendable () -> Void) {
        if isOver { return }
        world.schedule(at: deadline) { [self] in if !isOver { run(.timer, job) } }
    }
}
