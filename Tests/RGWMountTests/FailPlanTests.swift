import RGWSpool
import RGWVFS
import Testing

@testable import RGWMount

@Suite struct FailPlanTests {
    @Test func everyPointHasANameOfItsOwn() throws {
        for point in FailPoint.allCases {
            let plan = try FailPlan(parsing: "\(point.name):kill")
            #expect(plan.traps == [point: FailPlan.Trap(action: .kill, visit: 1)])
        }
        #expect(FailPoint.sent(.put).name == "put-sent")
        #expect(FailPoint.answered(.makeDirectory).name == "make-directory-answered")
    }

    @Test func severalTrapsWithTheirVisits() throws {
        let plan = try FailPlan(parsing: "sealed:pause@3,put-starting:kill")
        #expect(
            plan.traps == [
                .sealed: FailPlan.Trap(action: .pause, visit: 3),
                .starting(.put): FailPlan.Trap(action: .kill, visit: 1),
            ])
    }

    @Test(arguments: [
        "sealed", "sealed:die", "nowhere:kill", "sealed:kill@0", "sealed:kill@x", "sealed:kill@1@2",
        "sealed:kill:1", "sealed:kill,sealed:pause", ":kill",
    ])
    func aMistakeIsNamed(text: String) {
        let error = #expect(throws: FailPlan.Invalid.self) { try FailPlan(parsing: text) }
        #expect(error?.description.contains("RGWFS_FAIL") == true)
    }
}
