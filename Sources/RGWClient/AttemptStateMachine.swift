import RGWBase
import RGWObject
import RGWWire

/// Decides after each failed attempt of one request what comes next; pure.
///
/// Law: a request that may have taken effect is sent again only if repeating it changes nothing;
/// otherwise it ends as `unknownOutcome`, never as a failure.
struct AttemptStateMachine {
    enum Action: Equatable {
        case retry(after: Duration)
        /// Set the clock's offset by the server's time, then try again at once.
        case correctClock(WallTime)
        /// Read the credentials again; try again at once if they changed, else fail.
        case refreshCredentials(orFail: ObjectStoreError)
        case fail(ObjectStoreError)
    }

    private let operation: S3Operation
    private let policy: RetryPolicy
    private var retries = 0
    private var hopelessRetries = 0
    private var progressSeen: UInt64 = 0
    private var clockCorrected = false
    private var credentialsRefreshed = false

    init(_ operation: S3Operation, policy: RetryPolicy) {
        self.operation = operation
        self.policy = policy
    }

    /// `progress`: bytes delivered so far; more of them than last time renew the number of retries.
    mutating func failed(_ failure: S3Failure, progress: UInt64, random: UInt64) -> Action {
        if progress > progressSeen {
            progressSeen = progress
            retries = 0
        }
        switch failure.retry {
        case .never:
            return .fail(final(failure.error))
        case .clockSkew:
            guard !clockCorrected, let time = failure.serverTime else {
                return .fail(final(failure.error))
            }
            clockCorrected = true
            return .correctClock(time)
        case .credentials:
            guard !credentialsRefreshed else { return .fail(final(failure.error)) }
            credentialsRefreshed = true
            return .refreshCredentials(orFail: final(failure.error))
        case .perhapsDone where !operation.isRepeatable:
            return .fail(final(failure.error))
        case .notDone, .perhapsDone:
            // What is waited for may outlive the keys that were new before.
            credentialsRefreshed = false
            return retryOrFail(failure, random: random)
        }
    }

    /// The keys were refused, and whoever gives others cannot be asked now. The request was refused, so that it may
    /// be sent again whatever it is.
    mutating func lacksCredentials(_ failure: S3Failure, random: UInt64) -> Action {
        credentialsRefreshed = false
        return retryOrFail(failure, random: random)
    }

    private mutating func retryOrFail(_ failure: S3Failure, random: UInt64) -> Action {
        if failure.error.kind == .badDigest || failure.error.kind == .malformedAnswer {
            guard hopelessRetries < policy.hopelessRetriesMax else {
                return .fail(final(failure.error))
            }
            hopelessRetries += 1
        }
        if let max = policy.retriesMax, retries >= max { return .fail(final(failure.error)) }
        let delay = policy.delay(
            retry: retries, busy: failure.error.kind == .busy, retryAfter: failure.retryAfter,
            random: random)
        retries += 1
        return .retry(after: delay)
    }

    /// What the caller is told: a read has no outcome that could be unknown, and a change with a
    /// broken answer has no other.
    private func final(_ error: ObjectStoreError) -> ObjectStoreError {
        var error = error
        if operation.isRepeatable {
            if error.kind == .unknownOutcome {
                error.kind = error.status == nil ? .unreachable : .busy
            }
        } else if error.kind == .malformedAnswer {
            error.kind = .unknownOutcome
        }
        return error
    }
}
