import CRGWHost
import RGWBase

/// A socket that other processes of this machine connect to; each connection has a thread for its
/// life. Source: unix(7).
///
/// Owns the socket, its name, and the threads.
package final class HostListener: Sendable {
    private struct State: Sendable {
        var connections: [UInt64: HostConnection] = [:]
        var threads: [UInt64: HostThread] = [:]
        var finished: [UInt64] = []
        var next: UInt64 = 0
        var isStopping = false
    }

    private let directory: String
    private let name: String
    private let state: HostCondition<State>
    private let acceptor: HostThread
    /// A byte in it says stop.
    private let stopper: Shared<HostPipe>

    /// Listens as `name` in `directory`; what had that name is replaced. At most `connectionsMax`
    /// at a time are served, others wait. `serve` ends the connection by returning.
    package init(
        directory: String, name: String, connectionsMax: Int,
        _ serve: @escaping @Sendable (HostConnection) -> Void
    ) throws(HostError) {
        self.directory = directory
        self.name = name
        let path = "\(directory)/\(name)"
        // SAFETY: both texts are NUL-terminated and live for the call.
        let number = unsafe CRGWHost_listen(directory, name, Int32(connectionsMax))
        let socket = Shared(
            HostDescriptor(adopting: try checked(number, "listen", path), path: path))
        let stopper = Shared(try HostPipe())
        self.stopper = stopper
        let state = HostCondition(State())
        self.state = state
        acceptor = try HostThread(name: "control") {
            while Self.waitForRoom(state, connectionsMax) {
                let next = CRGWHost_accept(socket.value.number, stopper.value.reader.number)
                guard next >= 0 else { return }
                let connection = HostConnection(HostDescriptor(adopting: next, path: path))
                Self.begin(connection, state, serve)
            }
        }
    }

    /// False: stopping. Threads that have ended are let go here.
    private static func waitForRoom(_ state: HostCondition<State>, _ most: Int) -> Bool {
        let ended: [HostThread]? = state.wait { state in
            if state.isStopping { return .done(nil) }
            let ended = state.finished.compactMap { state.threads.removeValue(forKey: $0) }
            state.finished = []
            return state.threads.count < most ? .done(ended) : .until(.distantFuture)
        }
        for thread in ended ?? [] { thread.join() }
        return ended != nil
    }

    private static func begin(
        _ connection: HostConnection, _ state: HostCondition<State>,
        _ serve: @escaping @Sendable (HostConnection) -> Void
    ) {
        let number = state.update { state in
            state.next += 1
            state.connections[state.next] = connection
            return state.next
        }
        do throws(HostError) {
            let thread = try HostThread(name: "control") {
                serve(connection)
                connection.hangUp()
                state.update { state in
                    state.connections[number] = nil
                    state.finished.append(number)
                }
            }
            state.update { $0.threads[number] = thread }
        } catch {
            // Without a thread nobody answers; the other side sees the end.
            connection.hangUp()
            state.update { $0.connections[number] = nil }
        }
    }

    /// Accepts nothing more, hangs up on everybody, and returns when their threads have ended. The
    /// name is gone.
    package func stop() {
        do throws(HostError) {
            try stopper.value.writer.write([1].span)
            try HostNames.unlink("\(directory)/\(name)")
        } catch {
            // A pipe of our own takes a byte; a name that stays is replaced by the next listener.
        }
        state.update { $0.isStopping = true }
        acceptor.join()
        for connection in state.read({ Array($0.connections.values) }) { connection.hangUp() }
        for thread in state.read({ Array($0.threads.values) }) { thread.join() }
    }
}
