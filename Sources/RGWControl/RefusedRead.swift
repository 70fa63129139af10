/// An object that the server did not show or hand over when it was last asked for.
package struct RefusedRead: Equatable, Sendable {
    /// Below the mount.
    package var path: String
    package var error: String
    /// Since then.
    package var age: Duration

    package init(path: String, error: String, age: Duration) {
        self.path = path
        self.error = error
        self.age = age
    }

    package var json: JSONValue {
        .object([
            "path": .string(path), "error": .string(error), "age_seconds": .seconds(age),
        ])
    }

    /// Nil: not what `json` makes.
    package init?(_ json: JSONValue) {
        guard let path = json["path"]?.text, let error = json["error"]?.text,
            let age = json["age_seconds"]?.seconds
        else { return nil }
        self.init(path: path, error: error, age: age)
    }
}
