package import RGWBase
package import RGWObject

/// A failed attempt: the error as it would be reported, and what it permits.
package struct S3Failure: Error, Equatable, Sendable {
    package var error: ObjectStoreError
    package var retry: RetryClass
    /// The answer's Date, whole seconds: for the correction of the clock.
    package var serverTime: WallTime?
    /// `Retry-After` in seconds.
    package var retryAfter: Duration?

    package init(
        _ error: ObjectStoreError, retry: RetryClass, serverTime: WallTime? = nil,
        retryAfter: Duration? = nil
    ) {
        self.error = error
        self.retry = retry
        self.serverTime = serverTime
        self.retryAfter = retryAfter
    }
}
