package import RGWBase
package import RGWObject
import RGWWire

/// Whether the server answers, from how requests end; pure. What is to be told is told once: when it stops
/// answering and when it answers again.
package struct ServerWatch: Sendable {
    package struct Silence: Sendable {
        /// The last answer, or when the first request without one was sent.
        package var since: Instant
        /// What the latest request failed with.
        package var error: ObjectStoreError
    }

    package enum Event: Sendable {
        case silent(ObjectStoreError)
        /// After how long.
        case answers(after: Duration)
    }

    /// Nil: the last request was answered.
    package private(set) var silence: Silence?
    private var answeredAt = Instant.distantPast
    /// The silence was told.
    private var isTold = false
    private var toldAt: Instant?
    private var pause = Self.pauseMin

    /// A server that now answers and now does not is told about with a pause that grows.
    private static let pauseMin = Duration.seconds(60)
    private static let pauseMax = Duration.seconds(3600)
    /// A broken connection or a 503 is no outage while others are served; for so long without an answer it is.
    private static let doubtMax = Duration.seconds(10)

    package init() {}

    /// A request that was sent at `started` ended. Returns what to tell.
    mutating func ended(
        _ result: Result<HTTPResponse, TransportError>, _ operation: S3Operation, subject: String,
        started: Instant, now: Instant
    ) -> Event? {
        let (error, doubt): (TransportError, Duration)
        switch Self.verdict(result) {
        case .neither: return nil
        case .answer: return answered(now)
        case .unsure(let failure): (error, doubt) = (failure, Self.doubtMax)
        case .silent(let failure): (error, doubt) = (failure, .zero)
        }
        let failure = S3Failure(error, operation, subject: subject).error
        let since = silence?.since ?? max(answeredAt, started)
        silence = Silence(since: since, error: failure)
        if doubt > .zero, now - since < doubt { return nil }
        return told(failure, now)
    }

    private enum Verdict {
        case answer
        /// The next request may well be answered.
        case unsure(TransportError)
        case silent(TransportError)
        /// It says nothing of the server.
        case neither
    }

    private static func verdict(_ result: Result<HTTPResponse, TransportError>) -> Verdict {
        switch result {
        // Bad gateway, unavailable, gateway timeout: what is in front of the server, or it itself, does not
        // serve. Source: RFC 9110, 15.6.
        case .success(let response) where [502, 503, 504].contains(response.status):
            .unsure(.unreachable("HTTP \(response.status)"))
        case .success: .answer
        case .failure(let error):
            switch error {
            case .timedOut, .unreachable: .silent(error)
            case .broken, .malformed: .unsure(error)
            case .bodyUnreadable, .cancelled: .neither
            }
        }
    }

    private mutating func answered(_ now: Instant) -> Event? {
        answeredAt = now
        guard let silence else { return nil }
        self.silence = nil
        guard isTold else { return nil }
        isTold = false
        return .answers(after: now - silence.since)
    }

    private mutating func told(_ error: ObjectStoreError, _ now: Instant) -> Event? {
        guard !isTold else { return nil }
        if let toldAt {
            guard now >= toldAt + pause else { return nil }
            let isOften = now < toldAt + pause * 2
            pause = isOften ? min(pause * 2, Self.pauseMax) : Self.pauseMin
        }
        isTold = true
        toldAt = now
        return .silent(error)
    }
}
