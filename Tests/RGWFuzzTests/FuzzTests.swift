import Foundation
import RGWFuzz
import Testing

/// Mutants of real inputs, always the same ones; scripts/fuzz looks for others, guided by coverage.
@Suite struct FuzzTests {
    private static func files(_ directory: String) throws -> [(name: String, bytes: [UInt8])] {
        let base = try #require(Bundle.module.resourceURL).appendingPathComponent(directory)
        return try FileManager.default.contentsOfDirectory(atPath: base.path).sorted().map { name in
            (name, Array(try Data(contentsOf: base.appendingPathComponent(name))))
        }
    }

    /// 4 seeds of so many mutants for each target take about 20 s of one core in a debug build.
    private static let mutants = 1500

    @Test(arguments: FuzzTarget.allCases, 0..<4)
    func mutantsBreakNoLaw(target: FuzzTarget, seed: UInt64) throws {
        let seeds = try Self.files("Seeds/\(target)").map(\.bytes)
        var mutator = Mutator(seed: seed)
        for number in 0..<Self.mutants {
            let other = seeds.randomElement(using: &mutator) ?? []
            let input = mutator.mutate(seeds[number % seeds.count], other: other)
            if let law = target.run(input) {
                Issue.record("\(law): \(Data(input).base64EncodedString())")
                return
            }
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func theSeedsThemselvesBreakNoLaw(target: FuzzTarget) throws {
        for (name, bytes) in try Self.files("Seeds/\(target)") {
            #expect(target.run(bytes) == nil, "\(name)")
        }
    }

    @Test func whatWasFoundStaysFixed() throws {
        for (name, bytes) in try Self.files("Found") {
            let target = name.split(separator: "-").first.flatMap { FuzzTarget(rawValue: "\($0)") }
            if let target { #expect(target.run(bytes) == nil, "\(name)") }
        }
    }

    /// A mutator whose output is always refused tests nothing; one that changes nothing neither.
    @Test func theMutatorChangesWhatItIsGiven() {
        var mutator = Mutator(seed: 1)
        let input = Array("<a>x</a>".utf8)
        let mutants = (0..<100).map { _ in mutator.mutate(input, other: input) }
        #expect(Set(mutants).count > 80)
        #expect(mutants.contains { $0.count > input.count })
        #expect(mutants.contains { $0.count < input.count })
    }
}
