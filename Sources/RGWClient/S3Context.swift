import RGWBase
import RGWCrypto
import RGWObject
import RGWWire
import Synchronization

/// What all calls of one store share: ports, configuration, and what was learnt from the server.
///
/// The learnt values are guarded by their mutex, which is held for a read or a write only.
final class S3Context: Sendable {
    let configuration: S3Configuration
    let builder: S3RequestBuilder
    let transport: any HTTPTransport
    let credentials: any CredentialsProvider
    let clock: any Clock
    let timer: any Timer
    let entropy: any Entropy
    let removalNotices = RemovalNotices()
    let habits = BucketHabits()

    private struct Learnt {
        /// Server's clock minus ours, in seconds.
        var clockOffset: Int64 = 0
        /// Known once a PUT with If-Match succeeded.
        var quoting: IfMatchQuoting?
    }
    private let learnt = Mutex(Learnt())

    private struct DerivedKey {
        /// Days since 1970.
        let day: Int64
        let key: SigningKey
        let bytes: [UInt8]
    }
    private let derived = Mutex<DerivedKey?>(nil)

    init(
        configuration: S3Configuration, transport: any HTTPTransport,
        credentials: any CredentialsProvider, clock: any Clock, timer: any Timer,
        entropy: any Entropy
    ) {
        self.configuration = configuration
        builder = S3RequestBuilder(
            origin: configuration.endpoint.origin, style: configuration.endpoint.style)
        self.transport = transport
        self.credentials = credentials
        self.clock = clock
        self.timer = timer
        self.entropy = entropy
    }

    /// Wall clock as the server has it.
    func serverTime() -> WallTime {
        let offset = learnt.withLock(\.clockOffset)
        var time = clock.wallTime()
        time.seconds += offset
        return time
    }

    func correctClock(by serverTime: WallTime) {
        let own = clock.wallTime()
        learnt.withLock { $0.clockOffset = serverTime.seconds - own.seconds }
    }

    var ifMatchQuoting: IfMatchQuoting? { learnt.withLock(\.quoting) }

    func learn(_ quoting: IfMatchQuoting) { learnt.withLock { $0.quoting = quoting } }

    /// What a probe found in a bucket. The form of If-Match is the server's.
    func learn(_ found: ServerCapabilities, of bucket: BucketName) {
        habits.learn(found, of: bucket)
        if let form = IfMatchQuoting.preferred.first(where: found.ifMatchForms.contains) {
            learn(form)
        }
    }

    func sign(_ request: HTTPRequest, as credentials: Credentials) -> HTTPRequest {
        guard let key = credentials.signingKey else { return request }
        switch configuration.signatureVersion {
        case .v4:
            var request = request
            request.payload = payload(of: request)
            let time = serverTime()
            let signature = SignatureV4(key: key, region: configuration.region)
            return signature.sign(
                request, at: time, derived: derivedKey(signature, at: time))
        case .v2:
            return SignatureV2(key: key).sign(request, at: serverTime())
        }
    }

    /// What is signed of the body. A file was hashed by whoever made the request (`digest(of:)`),
    /// because this runs on threads that must not wait for a disk.
    private func payload(of request: HTTPRequest) -> PayloadSigning {
        guard configuration.signsPayload else { return .unsigned }
        switch request.body {
        case nil: return .sha256(Hash.sha256([]))
        case .bytes(let bytes): return .sha256(Hash.sha256(bytes))
        case .file: return request.payload
        }
    }

    /// The signature's digest of a body from a file, where one is needed: reads all of it.
    func digest(
        of body: ObjectBody, _ operation: String
    ) throws(ObjectStoreError) -> PayloadSigning {
        guard configuration.signsPayload, configuration.signatureVersion == .v4,
            case .file(let file, let start, let length) = body
        else { return .unsigned }
        var digest = SHA256Digest()
        var done: UInt64 = 0
        while done < length {
            let wanted = Int(min(length - done, Self.digestChunk))
            guard let bytes = file.contents(at: start + done, count: wanted),
                bytes.count == wanted
            else {
                throw ObjectStoreError(
                    .bodyUnreadable, operation: operation,
                    message: "the body cannot be read for its signature")
            }
            digest.update(bytes.span)
            done += UInt64(wanted)
        }
        return .sha256(digest.finalize())
    }

    /// Bytes read at once for a digest, so that memory does not grow with the body.
    private static let digestChunk: UInt64 = 1 << 20

    /// Kept for the day: making it costs more than the rest of a signature.
    private func derivedKey(_ signature: SignatureV4, at time: WallTime) -> [UInt8] {
        let day = time.seconds / 86_400
        if let kept = derived.withLock({ $0 }), kept.day == day, kept.key == signature.key {
            return kept.bytes
        }
        let bytes = signature.derivedKey(at: time)
        derived.withLock { $0 = DerivedKey(day: day, key: signature.key, bytes: bytes) }
        return bytes
    }

    /// Deadlines of a request that moves `length` bytes either way. A server that drips a byte now
    /// and then keeps the stall limit quiet, so there is a total limit too.
    func options(
        _ operation: S3Operation, lane: Lane, length: UInt64? = 0
    ) -> TransferOptions {
        let timeo = configuration.timeo
        let total = length.map {
            timeo * 4 + .seconds(Int64(clamping: $0 / Self.bytesPerSecondMin))
        }
        return TransferOptions(
            lane: lane, connectTimeout: configuration.connectTimeout, stallTimeout: timeo,
            totalTimeout: total, isIdempotent: operation.isRead)
    }

    /// A transfer slower than this is broken: 32 at a time share a link of 2 Mbit/s with some to spare.
    private static let bytesPerSecondMin: UInt64 = 4 << 10
}
