import CRGWCurl
package import RGWBase
package import RGWObject
package import RGWWire
import Synchronization

/// Why the transport could not start.
package enum CurlStartError: Error, Equatable, Sendable {
    /// curl_global_init or curl_multi_init failed.
    case libcurl
    /// No thread could be made.
    case thread
}

/// HTTP on libcurl's multi interface, with one thread for all transfers.
///
/// Owns the thread and the connections. `shutDown()` ends both and completes every request under
/// way with `cancelled`; the last reference going away does the same without waiting. Start it in
/// the process that uses it: threads do not survive fork(2).
package final class CurlTransport: HTTPTransport {
    private let inbox: Inbox
    private let multi: CurlMulti
    private let thread: TransportThread
    /// Somebody joins or has joined the thread, or it was detached.
    private let ended = Mutex(false)

    package init(
        configuration: CurlConfiguration = CurlConfiguration(), clock: any Clock
    )
        throws(CurlStartError)
    {
        guard Self.libcurlIsReady else { throw .libcurl }
        let connectionsMax = configuration.metadataTransfersMax + configuration.bulkTransfersMax
        guard let multi = CurlMulti(connectionsMax: connectionsMax) else { throw .libcurl }
        let inbox = Inbox()
        let thread = TransportThread(name: "rgwfs-curl") {
            let loop = TransferLoop(
                inbox: inbox, multi: multi, configuration: configuration, clock: clock)
            ThreadDuty.network.run { loop.run() }
        }
        guard let thread else { throw .thread }
        self.inbox = inbox
        self.multi = multi
        self.thread = thread
    }

    deinit {
        if inbox.stop() { multi.wakeUp() }
        let joined = ended.withLock { ended in
            defer { ended = true }
            return ended
        }
        if !joined { thread.detach() }
    }

    /// After `shutDown` the completion is called at once with `cancelled`.
    package func send(
        _ request: HTTPRequest, options: TransferOptions,
        completion: @escaping @Sendable (Result<HTTPResponse, TransportError>) -> Void
    ) -> any Cancellable {
        let (id, wakes) = inbox.submit { id in
            Submission(id: id, request: request, options: options, completion: completion)
        }
        guard let id else {
            completion(.failure(.cancelled(sent: false)))
            return SentRequest(id: 0, inbox: inbox, multi: multi)
        }
        if wakes { multi.wakeUp() }
        return SentRequest(id: id, inbox: inbox, multi: multi)
    }

    /// Cancels what is under way and waits for the thread's end, unless called on that thread.
    package func shutDown() {
        if inbox.stop() { multi.wakeUp() }
        guard !thread.isCurrent else { return }
        let joins = ended.withLock { ended in
            defer { ended = true }
            return !ended
        }
        if joins { thread.join() }
    }

    /// libcurl's own start, once for the process.
    private static let libcurlIsReady: Bool = {
        // A static of Swift is initialised once, before any other call of libcurl here.
        curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK
    }()
}

/// A request that `send` took; cancelling tells the loop.
private struct SentRequest: Cancellable {
    let id: UInt64
    let inbox: Inbox
    let multi: CurlMulti

    func cancel() {
        if inbox.cancel(id) { multi.wakeUp() }
    }
}
