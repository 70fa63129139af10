import Glibc
import RGWFuzz

/// Which target an input is for: RGWFS_FUZZ_TARGET.
private let target: FuzzTarget = {
    let name = unsafe getenv("RGWFS_FUZZ_TARGET").map { unsafe String(cString: $0) }
    guard let target = name.flatMap(FuzzTarget.init(rawValue:)) else {
        preconditionFailure("RGWFS_FUZZ_TARGET is none of \(FuzzTarget.allCases)")
    }
    return target
}()

/// What libFuzzer calls with every input; stopping is how it learns of a finding.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    if let law = target.run(bytes) { fatalError("a law is broken: \(law)") }
    return 0
}
