/// Other options for a mount that serves, as its socket gets them.
package struct RemountRequest: Equatable, Sendable {
    /// The texts after each -o, in order.
    package var options: [String]
    /// Unknown options are warnings.
    package var isSloppy: Bool
    /// Say whether it can be done, and change nothing.
    package var isTrial = false

    package init(options: [String], isSloppy: Bool) {
        self.options = options
        self.isSloppy = isSloppy
    }

    var members: [String: JSONValue] {
        [
            "options": .array(options.map { .string($0) }), "sloppy": .boolean(isSloppy),
            "trial": .boolean(isTrial),
        ]
    }

    init?(_ document: JSONValue) {
        guard case .array(let values)? = document["options"] else { return nil }
        let texts = values.compactMap(\.text)
        guard texts.count == values.count else { return nil }
        options = texts
        isSloppy = document["sloppy"] == .boolean(true)
        isTrial = document["trial"] == .boolean(true)
    }

    /// Of the answer.
    package static func answer(changed: [String], warnings: [String]) -> JSONValue {
        .object([
            "changed": .array(changed.map { .string($0) }),
            "warnings": .array(warnings.map { .string($0) }),
        ])
    }

    package static func warnings(in answer: JSONValue) -> [String] {
        guard case .array(let values)? = answer["warnings"] else { return [] }
        return values.compactMap(\.text)
    }
}
