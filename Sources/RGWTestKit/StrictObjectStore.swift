package import RGWBase
import RGWCrypto
package import RGWObject
import Synchronization

/// An object store in memory that is stricter than RGW: it refuses a wrong Content-MD5, stale
/// preconditions, sources that changed, and requests for two changes of one key at a time.
///
/// Answers come from `queue`, in order of submission per run of the queue, never inside the call.
package final class StrictObjectStore: ObjectStore {
    package struct Object: Equatable, Sendable {
        package var bytes: [UInt8]
        package var head: ObjectHead
    }

    /// One request as the server saw it.
    package struct Request: Equatable, Sendable, CustomStringConvertible {
        package var method: String
        package var key: String
        package var description: String { "\(method) \(key)" }
    }

    /// What a test makes go wrong; called for every request before it takes effect.
    package enum Fault: Sendable {
        /// Refused, nothing done.
        case refuse(ObjectStoreError.Kind)
        /// Done, but the answer is lost.
        case loseAnswer
        /// Nothing done, and nobody can tell.
        case loseRequest
        /// Nothing done yet, and nobody can tell: it takes effect after so long, on what is there then.
        case late(Duration)
        /// Done, and told after so long.
        case slow(Duration)
        /// A GET that is called a success and delivers half of its bytes.
        case deliverHalf
    }

    /// An upload in parts that was neither completed nor aborted.
    package struct Upload: Sendable {
        package var open: OpenUpload
        package var metadata: ObjectMetadata
        package var parts: [Int: [UInt8]] = [:]
    }

    /// How conditions of a PUT are treated, where that is not as RFC 9110 has it: what releases of RGW do in
    /// buckets that keep versions, or kept them, and what a client can do about it.
    package struct Habits: Equatable, Sendable {
        /// The client looks at the object and then sends the PUT without a condition.
        package var looksFirst = false
        /// `If-Match` is refused whatever it names (RGW 16 and 18 where versions are kept).
        package var refusesMatches = false
        /// `If-None-Match: *` lets all pass (the same).
        package var ignoresCreateOnly = false
        /// `If-None-Match: *` is refused where a name was deleted (suspended, every release).
        package var refusesDeletedNames = false
        package init() {}
    }

    struct State {
        var habits = Habits()
        /// Names that were deleted and not made again.
        var deleted: Set<ObjectAddress> = []
        var buckets: [String: [ObjectKey: Object]] = [:]
        var requests: [Request] = []
        var changing: [ObjectAddress: Int] = [:]
        var violations: [String] = []
        var fault: (@Sendable (Request) -> Fault?)?
        var watch: (@Sendable (ObjectAddress) -> Void)?
        var usageQuota: UInt64?
        var uploads: [UploadID: Upload] = [:]
        var uploadsMade = 0
        var partSizeMin: UInt64 = 5 << 20
        var bodyMax = Int.max
        var conditionalDeletes = true
        var denied: Set<ObjectKey> = []
    }

    let state: Mutex<State>
    let queue: any WorkQueue
    let clock: any Clock
    /// For faults that take effect late; nil: they never do.
    let timer: (any Timer)?

    package init(
        buckets: [BucketName], queue: any WorkQueue, clock: any Clock, timer: (any Timer)? = nil
    ) {
        var state = State()
        for bucket in buckets { state.buckets[bucket.description] = [:] }
        self.state = Mutex(state)
        self.queue = queue
        self.clock = clock
        self.timer = timer
    }

    // MARK: What tests look at and change

    package func object(_ bucket: BucketName, _ key: ObjectKey) -> Object? {
        state.withLock { $0.buckets[bucket.description]?[key] }
    }

    package func keys(_ bucket: BucketName) -> [String] {
        state.withLock { ($0.buckets[bucket.description] ?? [:]).keys.sorted().map(\.text) }
    }

    /// Another client's PUT.
    package func plant(
        _ bucket: BucketName, _ key: ObjectKey, _ bytes: [UInt8],
        metadata: ObjectMetadata = ObjectMetadata()
    ) {
        let object = Self.make(bytes, metadata, clock.wallTime())
        state.withLock { $0.buckets[bucket.description]?[key] = object }
    }

    /// Other bytes under the ETag that the key has: a server that is mistaken.
    package func misreport(_ bucket: BucketName, _ key: ObjectKey, _ bytes: [UInt8]) {
        let time = clock.wallTime()
        state.withLock {
            guard let old = $0.buckets[bucket.description]?[key] else { return }
            var object = Self.make(bytes, old.head.metadata, time)
            object.head.etag = old.head.etag
            $0.buckets[bucket.description]?[key] = object
        }
    }

    /// Another client's DELETE.
    package func uproot(_ bucket: BucketName, _ key: ObjectKey) {
        state.withLock { $0.buckets[bucket.description]?[key] = nil }
    }

    package var requests: [Request] { state.withLock { $0.requests } }
    package func clearRequests() { state.withLock { $0.requests = [] } }
    /// Rules that were broken: two changes of one key at once, malformed keys.
    package var violations: [String] { state.withLock { $0.violations } }

    /// Uploads that were neither completed nor aborted, by key and id.
    package var openUploads: [Upload] {
        state.withLock { Self.sorted(Array($0.uploads.values)) }
    }

    /// Bytes that a part must have unless it is the last: 5 MiB on servers, less where a test wants
    /// many parts of little data.
    package func setPartSizeMin(_ bytes: UInt64) { state.withLock { $0.partSizeMin = bytes } }

    /// A proxy's limit: larger bodies, of objects and of parts, are refused.
    package func setBodyMax(_ bytes: Int) { state.withLock { $0.bodyMax = bytes } }

    /// Keys that DeleteObjects may not delete.
    package func deny(_ keys: Set<ObjectKey>) { state.withLock { $0.denied = keys } }

    /// False: a DELETE of one version costs HEAD and DELETE, and has a race between them, as on RGW
    /// before 20.2.1.
    package func setConditionalDeletes(_ atomic: Bool) {
        state.withLock { $0.conditionalDeletes = atomic }
    }

    package func setHabits(_ habits: Habits) { state.withLock { $0.habits = habits } }

    var looksFirst: Bool { state.withLock { $0.habits.looksFirst } }

    var hasConditionalDeletes: Bool { state.withLock { $0.conditionalDeletes } }

    package func setFault(_ fault: (@Sendable (Request) -> Fault?)?) {
        state.withLock { $0.fault = fault }
    }

    /// The first request of a method meets the fault; all others do as they should.
    package func setFirstFault(_ method: String, _ fault: Fault) {
        let isFirst = Mutex(true)
        setFault { request in
            guard request.method == method else { return nil }
            return isFirst.withLock { first in
                defer { first = false }
                return first ? fault : nil
            }
        }
    }

    /// Called when a request may have changed a key, before it is answered.
    package func setWatch(_ watch: (@Sendable (ObjectAddress) -> Void)?) {
        state.withLock { $0.watch = watch }
    }

    // MARK: The machinery

    private func tell(_ changes: [ObjectAddress]) {
        guard let watch = state.withLock({ $0.watch }) else { return }
        for address in changes { watch(address) }
    }

    static func make(_ bytes: [UInt8], _ metadata: ObjectMetadata, _ time: WallTime) -> Object {
        let digest = Hexadecimal.encode(Hash.md5(bytes))
        return Object(
            bytes: bytes,
            head: ObjectHead(
                etag: ETag(digest), size: UInt64(bytes.count),
                lastModified: WallTime(seconds: time.seconds), metadata: metadata))
    }

    struct Ticket: Cancellable {
        func cancel() {}
    }

    static func error(_ kind: ObjectStoreError.Kind, _ request: Request) -> ObjectStoreError {
        ObjectStoreError(kind, operation: request.description)
    }

    /// Runs one request: fault, effect, answer. `changes` names the keys that the request changes.
    /// `begin` runs when the request arrives, also if it takes effect late.
    func serve<Answer: Sendable>(
        _ method: String, _ key: String, changes: [ObjectAddress] = [],
        completion: @escaping Completion<Answer>,
        begin: @escaping @Sendable (State) -> Void = { _ in },
        effect: @escaping @Sendable (inout State) -> Result<Answer, ObjectStoreError.Kind>
    ) -> any Cancellable {
        let request = Request(method: method, key: key)
        state.withLock { state in
            state.requests.append(request)
            for address in changes {
                state.changing[address, default: 0] += 1
                if state.changing[address, default: 0] > 1 {
                    state.violations.append("two changes of \(address) at once: \(request)")
                }
            }
        }
        queue.submit { [self] in
            var delay = Duration.zero
            let result: Result<Answer, ObjectStoreError> = state.withLock { state in
                for address in changes { state.changing[address, default: 1] -= 1 }
                let fault = state.fault?(request)
                if case .slow(let time) = fault { delay = time }
                if case .refuse(let kind) = fault { return .failure(Self.error(kind, request)) }
                if case .loseRequest = fault {
                    return .failure(Self.error(.unknownOutcome, request))
                }
                begin(state)
                if case .late(let delay) = fault {
                    timer?.schedule(at: clock.now() + delay) { [self] in
                        self.state.withLock { state in _ = effect(&state) }
                        tell(changes)
                    }
                    return .failure(Self.error(.unknownOutcome, request))
                }
                let result = effect(&state)
                if case .loseAnswer = fault {
                    return .failure(Self.error(.unknownOutcome, request))
                }
                return result.mapError { Self.error($0, request) }
            }
            tell(changes)
            guard delay > .zero, let timer else { return completion(result) }
            timer.schedule(at: clock.now() + delay) { completion(result) }
        }
        return Ticket()
    }

    /// The bytes of a body, as a server would receive them.
    static func bytes(_ body: ObjectBody, _ files: any BodyReading) -> [UInt8]? {
        switch body {
        case .bytes(let bytes): bytes
        case .file(let file, let offset, let length): files.read(file, offset, length)
        }
    }
}

/// So that an effect can say how it was refused.
extension ObjectStoreError.Kind: Error {}
