/// Why a request through the socket was refused.
package struct ControlError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case badRequest = "bad-request"
        case unknownRequest = "unknown-request"
        /// Neither root nor the mount's owner.
        case denied
        /// Nothing waits at that path.
        case notFound = "not-found"
        /// Not possible in the state it is in, such as a handover while mounted.
        case wrongState = "wrong-state"
        case failed
    }

    package var code: Code
    /// One sentence.
    package var description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}

/// One line of an answer: any number of items and progress, then `done` or `error`.
package enum ControlReply: Equatable, Sendable {
    case item(JSONValue)
    case progress(JSONValue)
    case done(JSONValue)
    case failed(ControlError)

    /// Bytes of a line: a report names at most 100 failures of some kilobytes.
    package static let lengthMax = 1 << 20

    package var line: String {
        switch self {
        case .item(let value): JSONValue.object(["item": value]).line
        case .progress(let value): JSONValue.object(["progress": value]).line
        case .done(let value): JSONValue.object(["done": value]).line
        case .failed(let error):
            JSONValue.object([
                "error": .object([
                    "code": .string(error.code.rawValue), "text": .string(error.description),
                ])
            ]).line
        }
    }

    package init(parsing line: [UInt8]) throws(ControlError) {
        let malformed = ControlError(.failed, "the mount's answer cannot be understood")
        let document: JSONValue
        do throws(JSONValue.Malformed) {
            document = try JSONValue(parsing: line)
        } catch { throw malformed }
        if let value = document["item"] {
            self = .item(value)
        } else if let value = document["progress"] {
            self = .progress(value)
        } else if let value = document["done"] {
            self = .done(value)
        } else if let error = document["error"], let text = error["text"]?.text {
            // A code of a later program is a failure like any other.
            let code = error["code"]?.text.flatMap(ControlError.Code.init) ?? .failed
            self = .failed(ControlError(code, text))
        } else {
            throw malformed
        }
    }
}
