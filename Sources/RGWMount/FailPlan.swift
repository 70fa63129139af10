package import RGWVFS

/// Where a test wants the daemon to die or to stop: `RGWFS_FAIL`, for tests of crashes only.
///
/// `POINT:ACTION[@N]`, several separated by commas: `put-sent:kill@2` kills the daemon when it comes to
/// `put-sent` for the second time. Without `@N`: the first time.
package struct FailPlan: Equatable, Sendable {
    package enum Action: String, Equatable, Sendable, CaseIterable {
        /// SIGKILL to itself.
        case kill
        /// The thread that comes there goes no further; everything else goes on.
        case pause
    }

    package struct Trap: Equatable, Sendable {
        package var action: Action
        /// At which of the visits to the point; from 1.
        package var visit: Int
    }

    package private(set) var traps: [FailPoint: Trap] = [:]

    package static let variable = "RGWFS_FAIL"

    package struct Invalid: Error, Equatable, Sendable, CustomStringConvertible {
        package var text: String
        package var description: String {
            "the variable \(FailPlan.variable) is wrong at '\(text)': expected POINT:ACTION[@N] with "
                + "ACTION kill or pause and POINT one of "
                + FailPoint.allCases.map(\.name).joined(separator: " ")
        }
    }

    package init(parsing text: String) throws(Invalid) {
        for item in text.split(separator: ",") {
            let invalid = Invalid(text: String(item))
            let parts = item.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 2, let point = FailPoint(name: String(parts[0])) else {
                throw invalid
            }
            let words = parts[1].split(separator: "@", omittingEmptySubsequences: false)
            guard let action = Action(rawValue: String(words[0])), words.count <= 2 else {
                throw invalid
            }
            let visit = words.count == 2 ? Int(words[1]) : 1
            guard let visit, visit > 0, traps[point] == nil else { throw invalid }
            traps[point] = Trap(action: action, visit: visit)
        }
    }
}
