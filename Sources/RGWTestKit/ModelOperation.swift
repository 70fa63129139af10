/// One step of a random run. Its numbers are drawn before the run and mean the same whatever was left out
/// before it, so that a failing run can be made shorter.
package enum ModelOperation: Sendable, CustomStringConvertible {
    case create(String)
    case open(String, write: Bool, truncate: Bool)
    case write(handle: Int, offset: Int, count: Int, fill: UInt8)
    case append(handle: Int, count: Int, fill: UInt8)
    case cut(handle: Int, size: Int)
    case read(handle: Int)
    case fsync(handle: Int)
    case close(handle: Int)
    case save(String, count: Int, fill: UInt8)
    case truncate(String, size: Int)
    case chmod(String, UInt32)
    case touch(String)
    case mkdir(String)
    case rmdir(String)
    case unlink(String)
    case rename(String, String, noReplace: Bool)
    case symlink(String, String)
    case forget
    case wait(milliseconds: Int)
    case step(Int)
    case kill
    case look

    private static let directories = ["", "d", "d", "e", "d/e"]
    private static let names = ["a", "b", "c", "d", "e"]

    private static func path(_ random: inout ModelRandom) -> String {
        let directory = directories[random.below(directories.count)]
        let name = names[random.below(names.count)]
        return directory.isEmpty ? name : directory + "/" + name
    }

    package static func draw(_ random: inout ModelRandom) -> ModelOperation {
        let fill = UInt8(97 + random.below(26))
        let count = 1 + random.below(6)
        let handle = random.below(4)
        switch random.below(100) {
        case 0..<7: return .create(path(&random))
        case 7..<15:
            let write = random.below(3) > 0
            return .open(path(&random), write: write, truncate: write && random.below(3) == 0)
        case 15..<22:
            return .write(handle: handle, offset: random.below(8), count: count, fill: fill)
        case 22..<25: return .append(handle: handle, count: count, fill: fill)
        case 25..<28: return .cut(handle: handle, size: random.below(3) == 0 ? 0 : random.below(9))
        case 28..<31: return .read(handle: handle)
        case 31..<33: return .fsync(handle: handle)
        case 33..<41: return .close(handle: handle)
        case 41..<50: return .save(path(&random), count: count, fill: fill)
        case 50..<53:
            return .truncate(path(&random), size: random.below(3) == 0 ? 0 : random.below(9))
        case 53..<57: return .chmod(path(&random), [0o600, 0o640, 0o755, 0o400][random.below(4)])
        case 57..<58: return .touch(path(&random))
        case 58..<64: return .mkdir(path(&random))
        case 64..<67: return .rmdir(path(&random))
        case 67..<73: return .unlink(path(&random))
        case 73..<79:
            let trees = ["d", "e", "a", "d/e", "e/d"]
            return .rename(
                trees[random.below(5)], trees[random.below(5)], noReplace: random.below(8) == 0)
        case 79..<85:
            return .rename(path(&random), path(&random), noReplace: random.below(8) == 0)
        case 85..<87: return .symlink(path(&random), "t\(fill)")
        case 87..<89: return .forget
        case 89..<95:
            return .wait(milliseconds: [10, 200, 400, 1500, 5000, 40_000, 70_000][random.below(7)])
        case 95..<97: return .step(1 + random.below(4))
        case 97..<98: return .kill
        default: return .look
        }
    }

    package var description: String {
        switch self {
        case .create(let path): "create \(path)"
        case .open(let path, let write, let truncate):
            "open \(path)\(write ? " write" : "")\(truncate ? " truncate" : "")"
        case .write(let handle, let offset, let count, let fill):
            "write #\(handle) at \(offset) \(count) * \(Unicode.Scalar(fill))"
        case .append(let handle, let count, let fill):
            "append #\(handle) \(count) * \(Unicode.Scalar(fill))"
        case .cut(let handle, let size): "ftruncate #\(handle) \(size)"
        case .read(let handle): "read #\(handle)"
        case .fsync(let handle): "fsync #\(handle)"
        case .close(let handle): "close #\(handle)"
        case .save(let path, let count, let fill): "save \(path) \(count) * \(Unicode.Scalar(fill))"
        case .truncate(let path, let size): "truncate \(path) \(size)"
        case .chmod(let path, let mode): "chmod \(path) \(String(mode, radix: 8))"
        case .touch(let path): "touch \(path)"
        case .mkdir(let path): "mkdir \(path)"
        case .rmdir(let path): "rmdir \(path)"
        case .unlink(let path): "unlink \(path)"
        case .rename(let old, let new, let noReplace):
            "rename \(old) \(new)\(noReplace ? " noreplace" : "")"
        case .symlink(let path, let target): "symlink \(path) -> \(target)"
        case .forget: "forget"
        case .wait(let milliseconds): "wait \(milliseconds) ms"
        case .step(let count): "step \(count)"
        case .kill: "kill"
        case .look: "look"
        }
    }
}

/// SplitMix64.
package struct ModelRandom: Sendable {
    private var state: UInt64
    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    package mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
