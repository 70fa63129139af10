import Foundation
import RGWControl
import RGWMount
import Testing

/// The manual page and the table say the same.
@Suite struct ManualPageTests {
    private func manual(_ name: String = "mount.rgwfs.8") throws -> String {
        let directory = String(
            #filePath.prefix(
                upTo: try #require(
                    #filePath.range(of: "Tests/RGWMountTests")
                ).lowerBound))
        return try String(contentsOfFile: directory + "man/" + name, encoding: .utf8)
    }

    // To update the page: rgwfs manual-options, between the two marker lines.
    @Test func theManualPageListsExactlyTheTable() throws {
        let page = try manual()
        let parts = page.components(between: ".\\\" options begin\n", and: ".\\\" options end\n")
        #expect(parts == HelpText.manualOptions)
    }

    @Test func theManualPageListsWhatARemountCanChange() throws {
        let part = try #require(
            try manual().components(
                between: ".\\\" changeable begin\n", and: ".\\\" changeable end\n"))
        let words = part.split { !($0.isLetter || $0 == "_") }.map(String.init)
        #expect(words.filter { $0 != "BR" } == Remount.changeable.sorted())
    }

    // To update the page: rgwfs manual-metrics, between the two marker lines.
    @Test func theManualPageListsExactlyTheMetrics() throws {
        let page = try manual("rgwfs-metrics.7")
        let parts = page.components(between: ".\\\" metrics begin\n", and: ".\\\" metrics end\n")
        #expect(parts == MetricsTable.manual)
    }

    @Test func helpNamesEveryOption() {
        let help = HelpText.mount
        for option in OptionTable.all { #expect(help.contains("  \(option.synopsis)\n")) }
        #expect(help.split(separator: "\n").allSatisfy { $0.utf8.count <= 90 })
    }
}

extension String {
    fileprivate func components(between start: String, and end: String) -> String? {
        guard let from = firstRange(of: start)?.upperBound else { return nil }
        let rest = self[from...]
        guard let to = rest.firstRange(of: end)?.lowerBound else { return nil }
        return String(rest[..<to])
    }
}
