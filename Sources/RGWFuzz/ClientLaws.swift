import RGWBase
import RGWClient
import RGWObject
import RGWWire
import Synchronization

/// The client over answers that an input describes: every call ends once, no read delivers bytes
/// that the server did not send for it, and nothing that may have taken effect is repeated.
///
/// The input is a sequence of answers: a byte for what happens, two for the length, the answer.
enum ClientLaws {
    static func broken(by bytes: [UInt8]) -> String? {
        let script = ScriptedTransport(bytes)
        var configuration = S3Configuration(endpoint: Endpoint(scheme: .http, host: "h"))
        configuration.retrans = 3
        let store = S3ObjectStore(
            configuration: configuration, transport: script,
            credentials: FixedCredentials(.keys(accessKey: "a", secret: Secret("s"))),
            clock: script, timer: script, entropy: script)
        let ends = Ends()
        let address = ObjectAddress(bucket: "b", key: "k")
        let delivered = Mutex(0)
        switch bytes.first.map({ $0 % 6 }) ?? 0 {
        case 0: store.head(address, completion: ends.end)
        case 1:
            store.get(
                address, range: 3..<20, matching: nil, lane: .bulk, blockSize: 4,
                onBlock: { block in delivered.withLock { $0 += block.count } }
            ) { result in
                ends.end(result)
                if case .success(let head) = result {
                    let count = delivered.withLock { $0 }
                    let expected = Int(clamping: min(head.size, 20)) - 3
                    if count != max(0, expected) { ends.note("\(count) of \(head.size) bytes") }
                }
            }
        case 2:
            store.list(
                "b", prefix: nil, delimited: true, after: nil, limit: 1000, completion: ends.end)
        case 3:
            store.put(
                address, body: .bytes([1, 2, 3]), md5: Array(repeating: 7, count: 16),
                metadata: ObjectMetadata(), precondition: .none, completion: ends.end)
        case 4: store.delete(["k", "l"], in: "b", completion: ends.end)
        default: store.headBucket("b", completion: ends.end)
        }
        script.run()
        return ends.law ?? script.law
    }
}

/// Counts completions of one call.
private final class Ends: Sendable {
    private let state = Mutex((count: 0, note: String?.none))

    func end<Answer>(_ result: Result<Answer, ObjectStoreError>) {
        state.withLock { $0.count += 1 }
    }
    func note(_ text: String) { state.withLock { $0.note = text } }
    var law: String? {
        state.withLock { state in
            state.note ?? (state.count == 1 ? nil : "\(state.count) completions")
        }
    }
}
