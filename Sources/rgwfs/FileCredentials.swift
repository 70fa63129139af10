import Logging
import RGWBase
import RGWClient
import RGWHost
import RGWMount
import RGWObject
import Synchronization

/// The mount's credentials, read again when their file changes, when the server refuses them, and on
/// SIGHUP.
///
/// Guarded by `state`; files are read outside it.
final class FileCredentials: CredentialsProvider {
    /// What tells a file that was written again or replaced from the one that was read.
    private struct Stamp: Equatable {
        let inode: UInt64
        /// A file that others could read was refused; chmod(1) cures that.
        let permissions: UInt32
        let size: UInt64
        let mtime: WallTime
    }

    private struct State {
        var choice: CredentialsChoice
        /// Of the file when it was looked at last.
        var stamp: Stamp?
        /// The credentials are others than when `look` was called last.
        var isNew = false
    }

    private let bucket: BucketName
    private let environment: LiveEnvironment
    private let log: Logger
    private let state: Mutex<State>

    init(_ choice: CredentialsChoice, bucket: BucketName, environment: LiveEnvironment, log: Logger)
    {
        self.bucket = bucket
        self.environment = environment
        self.log = log
        // No stamp: the file may have changed since it was read.
        state = Mutex(State(choice: choice))
    }

    func current() -> Credentials { state.withLock { $0.choice.credentials } }

    func refresh(refused: Credentials) -> Bool {
        if current() != refused { return true }
        _ = refresh()
        return current() != refused
    }

    /// Reads the source again; true when the credentials changed.
    func refresh() -> Bool {
        let old = state.withLock(\.choice)
        let stamp = stamp(of: old)
        do throws(CredentialsError) {
            let new = try CredentialsSearch.reread(old, bucket: bucket, in: environment)
            let changed = state.withLock { state in
                state.stamp = stamp
                guard new != state.choice else { return false }
                (state.choice, state.isNew) = (new, true)
                return true
            }
            if changed { log.info("credentials were read again") }
            return changed
        } catch {
            // The old ones may still be good. The same file is not complained of again.
            let isKnown = state.withLock { state in
                defer { state.stamp = stamp }
                return stamp != nil && state.stamp == stamp
            }
            if !isKnown {
                log.warning("credentials could not be read again", metadata: ["reason": "\(error)"])
            }
            return false
        }
    }

    /// Called now and then: reads a file that has changed; true when the credentials are new since
    /// the last call, whoever read them.
    func look() -> Bool {
        let (choice, known) = state.withLock { ($0.choice, $0.stamp) }
        if let stamp = stamp(of: choice), stamp != known { _ = refresh() }
        return state.withLock { state in
            defer { state.isNew = false }
            return state.isNew
        }
    }

    /// Nil when there is no file, or it cannot be looked at: then there is nothing to read either.
    private func stamp(of choice: CredentialsChoice) -> Stamp? {
        guard case .file(let path, _) = choice.origin else { return nil }
        do throws(HostError) {
            guard let status = try HostNames.status(path) else { return nil }
            return Stamp(
                inode: status.inode, permissions: status.permissions, size: status.size,
                mtime: status.mtime)
        } catch { return nil }
    }
}
