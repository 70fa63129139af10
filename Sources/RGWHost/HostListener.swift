import CRGWHost
import RGWBase

/// A socket that other processes of this machine connect to; each connection has a thread for its
/// life. Source: unix(7), ip(7).
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

    /// What is unlinked at the end; nil: the socket has no name.
    private let path: String?
    private let state: HostCondition<State>
    private let acceptor: HostThread
    /// A byte in it says stop.
    private let stopper: Shared<HostPipe>

    /// Listens as `name` in `directory`; a socket that had that name is replaced (EEXIST: it is something else).
    /// At most `connectionsMax` at a time are served, others wait. `serve` ends the connection by returning.
    package convenience init(
        directory: String, name: String, connectionsMax: Int,
        _ serve: @escaping @Sendable (HostConnection) -> Void
    ) throws(HostError) {
        let path = "\(directory)/\(name)"
        // SAFETY: both texts are NUL-terminated and live for the call.
        let number = unsafe CRGWHost_listen(directory, name, Int32(connectionsMax))
        try self.init(
            HostDescriptor(adopting: try checked(number, "listen", path), path: path), path: path,
            connectionsMax, serve)
    }

    /// Listens on a TCP port of this machine's loopback address, 127.0.0.1 or ::1.
    package convenience init(
        port: UInt16, isVersion6: Bool, connectionsMax: Int,
        _ serve: @escaping @Sendable (HostConnection) -> Void
    ) throws(HostError) {
        let place = "port \(port)"
        let number = CRGWHost_listen_loopback(isVersion6 ? 1 : 0, port, Int32(connectionsMax))
        try self.init(
            HostDescriptor(adopting: try checked(number, "listen", place), path: place), path: nil,
            connectionsMax, serve)
    }

    private init(
        _ descriptor: consuming HostDescriptor, path: String?, _ connectionsMax: Int,
        _ serve: @escaping @Sendable (HostConnection) -> Void
    ) throws(HostError) {
        self.path = path
        let socket = Shared(descriptor)
        let place = path ?? "loopback"
        let stopper = Shared(try HostPipe())
        self.stopper = stopper
        let state = HostCondition(State())
        self.state = state
        acceptor = try HostThread(name: "control") {
            while Self.waitForRoom(state, connectionsMax) {
                let next = CRGWHost_accept(socket.value.number, stopper.value.reader.number)
                guard next >= 0 else { return }
                let connection = HostConnection(HostDescriptor(adopting: next, path: place))
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
            if let path { try HostNames.unlink(path) }
        } catch {
            // A pipe of our own takes a byte; a name that stays is replaced by the next listener.
        }
        state.update { $0.isStopping = true }
        acceptor.join()
        for connection in state.read({ Array($0.connections.values) }) { connection.hangUp() }
        for thread in state.read({ Array($0.threads.values) }) { thread.join() }
    }
}
