/// One change that waits, as `rgwfs queue` lists it.
package struct QueueItem: Equatable, Sendable {
    /// Below the mount.
    package var path: String
    package var key: String
    /// `put`, `metadata`, `delete` and the like.
    package var want: String
    /// `waiting`, `open`, `uploading`, `retrying`, `blocked` or `conflict`.
    package var state: String
    package var tries: UInt64
    package var error: String?
    package var age: Duration
    package var bytes: UInt64
    /// Until the next attempt, where time is what it waits for.
    package var next: Duration?
    /// How far it has come; nil: nothing of it is under way.
    package var sending: Sending?

    package struct Sending: Equatable, Sendable {
        /// Of the body, handed to the network.
        package var bytes: UInt64
        /// Of an upload in parts: how many the server has, and of how many.
        package var partsDone: UInt64?
        package var parts: UInt64?
        /// Since a byte moved last.
        package var idle: Duration

        package init(
            bytes: UInt64, partsDone: UInt64? = nil, parts: UInt64? = nil, idle: Duration
        ) {
            self.bytes = bytes
            self.partsDone = partsDone
            self.parts = parts
            self.idle = idle
        }
    }

    package init(
        path: String, key: String, want: String, state: String, tries: UInt64 = 0,
        error: String? = nil, age: Duration = .zero, bytes: UInt64 = 0, next: Duration? = nil,
        sending: Sending? = nil
    ) {
        self.path = path
        self.key = key
        self.want = want
        self.state = state
        self.tries = tries
        self.error = error
        self.age = age
        self.bytes = bytes
        self.next = next
        self.sending = sending
    }

    package var json: JSONValue {
        var members: [String: JSONValue] = [
            "path": .string(path), "key": .string(key), "want": .string(want),
            "state": .string(state), "tries": .integer(tries), "age_seconds": .seconds(age),
            "bytes": .integer(bytes),
        ]
        members["error"] = error.map { .string($0) } ?? .null
        members["next_seconds"] = next.map { .seconds($0) } ?? .null
        members["sent_bytes"] = sending.map { .integer($0.bytes) } ?? .null
        members["idle_seconds"] = sending.map { .seconds($0.idle) } ?? .null
        members["parts_done"] = (sending?.partsDone).map { .integer($0) } ?? .null
        members["parts"] = (sending?.parts).map { .integer($0) } ?? .null
        return .object(members)
    }

    /// Nil: not what `json` makes.
    package init?(_ json: JSONValue) {
        guard let path = json["path"]?.text, let key = json["key"]?.text,
            let want = json["want"]?.text, let state = json["state"]?.text
        else { return nil }
        self.init(
            path: path, key: key, want: want, state: state, tries: json["tries"]?.count ?? 0,
            error: json["error"]?.text, age: json["age_seconds"]?.seconds ?? .zero,
            bytes: json["bytes"]?.count ?? 0, next: json["next_seconds"]?.seconds)
        if let sent = json["sent_bytes"]?.count, let idle = json["idle_seconds"]?.seconds {
            sending = Sending(
                bytes: sent, partsDone: json["parts_done"]?.count, parts: json["parts"]?.count,
                idle: idle)
        }
    }
}
