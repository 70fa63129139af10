import Logging
import RGWClient
import RGWHost
import RGWMount
import RGWObject
import Synchronization

/// The mount's credentials, read again when the server refuses them or on SIGHUP.
///
/// Guarded by `state`.
final class FileCredentials: CredentialsProvider {
    private let bucket: BucketName
    private let environment: LiveEnvironment
    private let log: Logger
    private let state: Mutex<CredentialsChoice>

    init(_ choice: CredentialsChoice, bucket: BucketName, environment: LiveEnvironment, log: Logger)
    {
        self.bucket = bucket
        self.environment = environment
        self.log = log
        state = Mutex(choice)
    }

    func current() -> Credentials { state.withLock { $0.credentials } }

    func refresh() -> Bool {
        let old = state.withLock { $0 }
        do throws(CredentialsError) {
            let new = try CredentialsSearch.reread(old, bucket: bucket, in: environment)
            guard new != old else { return false }
            state.withLock { $0 = new }
            log.info("credentials were read again")
            return true
        } catch {
            // The old ones may still be good.
            log.warning("credentials could not be read again", metadata: ["reason": "\(error)"])
            return false
        }
    }
}
