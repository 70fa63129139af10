import CRGWCurl
import RGWBase
import RGWObject
import RGWWire

/// The transport's only thread: admits requests, runs libcurl, keeps deadlines, ends transfers.
///
/// Owns every easy handle and every transfer under way; nothing here is shared but inbox and multi.
final class TransferLoop {
    private let inbox: Inbox
    private let multi: CurlMulti
    private let configuration: CurlConfiguration
    private let clock: any Clock

    private var waiting: [Lane: FIFO<Submission>] = [:]
    private var activeCount: [Lane: Int] = [:]
    /// By the address of the easy handle.
    private var active: [UInt: Transfer] = [:]
    private var activeByID: [UInt64: UInt] = [:]
    private let sockets = SocketTable()
    private let book = AddressBook()
    /// A connection failed and none has been made since: names are looked up anew.
    private var looksUpAgain = false
    private var idleHandles: [CurlEasyHandle] = []
    /// No deadline passes before this; progress only moves deadlines away.
    private var nextExpiry = Instant.distantFuture

    /// Longest sleep; everything that matters wakes the loop earlier.
    private static let waitMillisecondsMax: Int64 = 60_000

    init(
        inbox: Inbox, multi: CurlMulti, configuration: CurlConfiguration, clock: any Clock
    ) {
        self.inbox = inbox
        self.multi = multi
        self.configuration = configuration
        self.clock = clock
    }

    /// Returns after a stop, when every completion has been called.
    func run() {
        while true {
            let asked = inbox.take()
            for submission in asked.submissions {
                waiting[submission.options.lane, default: FIFO()].append(submission)
            }
            for id in asked.cancelled { cancel(id) }
            if asked.stops {
                stop()
                return
            }
            admit()
            multi.perform()
            let roomWasMade = endTransfers()
            expireTransfers()
            if !roomWasMade, inbox.mayWait() { multi.wait(milliseconds: waitMilliseconds()) }
        }
    }

    // MARK: Beginning

    private func transfersMax(_ lane: Lane) -> Int {
        switch lane {
        case .metadata: configuration.metadataTransfersMax
        case .bulk: configuration.bulkTransfersMax
        }
    }

    private func admit() {
        for lane in Lane.allCases {
            while activeCount[lane, default: 0] < transfersMax(lane),
                let submission = waiting[lane]?.popFirst()
            {
                start(submission)
            }
        }
    }

    private func start(_ submission: Submission, isPatient: Bool = false) {
        guard let handle = idleHandles.popLast() ?? CurlEasyHandle(configuration) else {
            submission.completion(.failure(.unreachable("libcurl: out of memory")))
            return
        }
        let transfer = Transfer(
            submission, handle: handle, clock: clock,
            sockets: configuration.setsQuickAck ? sockets : nil, book: book,
            isPatient: isPatient)
        handle.prepare(submission.request, submission.options, looksUpAgain: looksUpAgain)
        handle.transfer = transfer
        guard multi.add(handle) else {
            handle.transfer = nil
            submission.completion(.failure(.unreachable("libcurl does not take the request")))
            return
        }
        active[handle.address] = transfer
        activeByID[submission.id] = handle.address
        activeCount[submission.options.lane, default: 0] += 1
        nextExpiry = min(nextExpiry, transfer.deadline)
    }

    // MARK: Ending

    /// True when transfers ended, which makes room in the lanes.
    private func endTransfers() -> Bool {
        var ended = false
        while let (address, code) = multi.nextEnded() {
            guard let transfer = active[address] else { continue }
            ended = true
            noteConnection(code)
            if transfer.deservesPatience(code) {
                let submission = transfer.submission
                takeOut(transfer)
                start(submission, isPatient: true)
            } else {
                end(transfer) { $0.finish(code) }
            }
        }
        return ended
    }

    /// The name may have a new address when the old one refuses or is silent.
    private func noteConnection(_ code: CURLcode) {
        switch code {
        case CURLE_OK: looksUpAgain = false
        case CURLE_COULDNT_CONNECT, CURLE_OPERATION_TIMEDOUT: looksUpAgain = true
        default: break
        }
    }

    private func takeOut(_ transfer: Transfer) {
        multi.remove(transfer.handle)
        transfer.handle.transfer = nil
        active[transfer.handle.address] = nil
        activeByID[transfer.submission.id] = nil
        activeCount[transfer.submission.options.lane, default: 1] -= 1
    }

    private func end(
        _ transfer: Transfer,
        _ result: (Transfer) -> Result<HTTPResponse, TransportError>
    ) {
        // The result asks the handle about the transfer, so it comes before the handle is removed.
        let result = result(transfer)
        takeOut(transfer)
        // libcurl 7.88 keeps the receive buffer of a handle whose transfer failed, and then refuses
        // to set its size again.
        if case .success = result, !transfer.isUnread { idleHandles.append(transfer.handle) }
        transfer.submission.completion(result)
    }

    private func cancel(_ id: UInt64) {
        if let address = activeByID[id], let transfer = active[address] {
            end(transfer) { .failure(.cancelled(sent: $0.wasSent)) }
            return
        }
        for lane in Lane.allCases {
            if let submission = waiting[lane]?.remove(where: { $0.id == id }) {
                submission.completion(.failure(.cancelled(sent: false)))
                return
            }
        }
    }

    private func expireTransfers() {
        let now = clock.now()
        guard now >= nextExpiry else { return }
        for transfer in Array(active.values) {
            transfer.lookAtConnection(now: now)
            if let error = transfer.expiry(now: now) { end(transfer) { _ in .failure(error) } }
        }
        nextExpiry = active.values.map(\.deadline).min() ?? .distantFuture
    }

    private func waitMilliseconds() -> Int32 {
        guard nextExpiry != .distantFuture else { return Int32(Self.waitMillisecondsMax) }
        let remaining = (nextExpiry - clock.now()).inNanoseconds / 1_000_000 + 1
        return Int32(min(max(remaining, 0), Self.waitMillisecondsMax))
    }

    private func stop() {
        for transfer in Array(active.values) {
            end(transfer) { .failure(.cancelled(sent: $0.wasSent)) }
        }
        for lane in Lane.allCases {
            while let submission = waiting[lane]?.popFirst() {
                submission.completion(.failure(.cancelled(sent: false)))
            }
        }
        idleHandles = []
    }
}
