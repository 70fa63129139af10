import RGWObject
import RGWWire
import Synchronization

/// The storage class of one upload or copy: where the bucket has none of that name (a file moved to another
/// bucket, a class that was taken away), the object gets the bucket's default rather than no place at all.
///
/// One request's state, guarded by its mutex.
final class ClassFallback: Sendable {
    private let state: Mutex<(storage: StorageTraits, mayChange: Bool)>

    init(_ storage: StorageTraits, _ context: S3Context) {
        // InvalidArgument is also what RGW says of a session token that it cannot read.
        let hasToken = context.credentials.current().signingKey?.sessionToken != nil
        state = Mutex((storage, storage.storageClass != nil && !hasToken))
    }

    var storage: StorageTraits { state.withLock(\.storage) }

    /// RGW 16 to 20 answer InvalidArgument, S3 InvalidStorageClass.
    func adjusts(to failure: S3Failure) -> Bool {
        guard ["InvalidArgument", "InvalidStorageClass"].contains(failure.error.code) else {
            return false
        }
        return state.withLock { state in
            guard state.mayChange else { return false }
            state.mayChange = false
            state.storage.storageClass = nil
            return true
        }
    }
}
