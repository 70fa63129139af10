import HeapModule
import RGWBase
import RGWObject

/// Objects that the server refused to show or to hand over when they were last asked for, so that `rgwfs status` can
/// tell of what a listing shows and nobody can read. Pure; guarded by the volume's state.
struct UnreadableKeys: Sendable {
    private struct Refusal: Sendable {
        var reason: String
        var time: WallTime
        /// The attributes are known, the bytes are not.
        var isContent: Bool
    }
    private var refusals: [ObjectAddress: Refusal] = [:]

    /// More are not kept: a bucket of which nothing may be read fills no memory.
    static let countMax = 1000

    var count: Int { refusals.count }

    /// What the server says of an object, and not of the way there, stays so until somebody changes that.
    mutating func note(
        _ address: ObjectAddress, _ error: ObjectStoreError, isContent: Bool, time: WallTime
    ) {
        guard error.isAnswer || error.kind == .malformedAnswer,
            refusals.count < Self.countMax || refusals[address] != nil
        else { return }
        switch error.kind {
        case .noSuchKey: refusals[address] = nil
        case .preconditionFailed, .noSuchBucket: break
        default:
            refusals[address] = Refusal(
                reason: error.description, time: time, isContent: isContent)
        }
    }

    /// It was read, made anew, or is gone. `isContent`: its bytes too, not only its attributes.
    mutating func forget(_ address: ObjectAddress, isContent: Bool) {
        // Nearly always: every answer asks.
        if refusals.isEmpty { return }
        if !isContent, refusals[address]?.isContent == true { return }
        refusals[address] = nil
    }

    /// The latest, at most `max`, the newest first.
    func latest(_ max: Int) -> [(address: ObjectAddress, reason: String, time: WallTime)] {
        let all = refusals.sorted { ($1.value.time, $0.key.key) < ($0.value.time, $1.key.key) }
        return all.prefix(max).map { ($0.key, $0.value.reason, $0.value.time) }
    }
}
