/// One step of a run with several writers: two mounts (0 and 1) and another client. Drawn before the run; `tag`
/// and `count` are its own, so that a failing run can be made shorter.
package enum WritersOperation: Sendable, CustomStringConvertible {
    package enum Opening: Sendable { case save, append, read }

    case open(client: Int, slot: Int, String, Opening)
    case write(client: Int, slot: Int, tag: UInt8, count: Int)
    case read(client: Int, slot: Int)
    case fsync(client: Int, slot: Int)
    case close(client: Int, slot: Int)
    case save(client: Int, String, tag: UInt8, count: Int)
    case append(client: Int, String, tag: UInt8, count: Int)
    case patch(client: Int, String, offset: Int, tag: UInt8, count: Int)
    case truncate(client: Int, String, size: Int)
    case load(client: Int, String)
    case stat(client: Int, String)
    case list(client: Int)
    case rename(client: Int, String, String)
    case unlink(client: Int, String)
    case mark(client: Int, String, tag: UInt8)
    case mode(client: Int, String, permissions: UInt32)
    case shrink(client: Int)
    case kill(client: Int)
    case put(String, tag: UInt8, count: Int)
    case delete(String)
    case copy(String, String)
    case wait(milliseconds: Int)
    case step(Int)

    static func draw(_ random: inout ModelRandom, tag: UInt8, names: [String]) -> WritersOperation {
        let client = random.below(2)
        let slot = random.below(2)
        let name = names[random.below(names.count)]
        let other = names[random.below(names.count)]
        // Of many lengths, so that a size tells its version.
        let count = 1 + random.below(60)
        switch random.below(100) {
        case 0..<6:
            return .open(
                client: client, slot: slot, name, [.save, .append, .read][random.below(3)])
        case 6..<12: return .write(client: client, slot: slot, tag: tag, count: count)
        case 12..<15: return .read(client: client, slot: slot)
        case 15..<18: return .fsync(client: client, slot: slot)
        case 18..<23: return .close(client: client, slot: slot)
        case 23..<31: return .save(client: client, name, tag: tag, count: count)
        case 31..<38: return .append(client: client, name, tag: tag, count: count)
        case 38..<41:
            return .patch(
                client: client, name, offset: random.below(40), tag: tag, count: count)
        case 41..<44: return .truncate(client: client, name, size: random.below(60))
        case 44..<52: return .load(client: client, name)
        case 52..<54:
            return .mode(client: client, name, permissions: [0o600, 0o640, 0o755][random.below(3)])
        case 54..<58: return .stat(client: client, name)
        case 58..<62: return .list(client: client)
        case 62..<66: return .rename(client: client, name, other)
        case 66..<69: return .unlink(client: client, name)
        case 69..<72: return .mark(client: client, name, tag: tag)
        case 72..<73: return .shrink(client: client)
        case 73..<74: return .kill(client: client)
        case 74..<82: return .put(name, tag: tag, count: count)
        case 82..<85: return .delete(name)
        case 85..<87: return .copy(name, other)
        case 87..<90: return .step(1 + random.below(6))
        default:
            return .wait(milliseconds: [10, 200, 400, 1500, 4000, 35_000, 70_000][random.below(7)])
        }
    }

    package var description: String {
        switch self {
        case .open(let client, let slot, let name, let opening):
            "\(client): open #\(slot) \(name) to \(opening)"
        case .write(let client, let slot, let tag, let count):
            "\(client): write #\(slot) \(count)x\(tag)"
        case .read(let client, let slot): "\(client): read #\(slot)"
        case .fsync(let client, let slot): "\(client): fsync #\(slot)"
        case .close(let client, let slot): "\(client): close #\(slot)"
        case .save(let client, let name, let tag, let count):
            "\(client): save \(name) \(count)x\(tag)"
        case .append(let client, let name, let tag, let count):
            "\(client): append \(name) \(count)x\(tag)"
        case .patch(let client, let name, let offset, let tag, let count):
            "\(client): patch \(name) at \(offset) \(count)x\(tag)"
        case .truncate(let client, let name, let size): "\(client): truncate \(name) to \(size)"
        case .load(let client, let name): "\(client): load \(name)"
        case .stat(let client, let name): "\(client): stat \(name)"
        case .list(let client): "\(client): list"
        case .rename(let client, let old, let new): "\(client): rename \(old) \(new)"
        case .unlink(let client, let name): "\(client): unlink \(name)"
        case .mark(let client, let name, let tag): "\(client): mark \(name) \(tag)"
        case .mode(let client, let name, let permissions):
            "\(client): chmod \(String(permissions, radix: 8)) \(name)"
        case .shrink(let client): "\(client): forget names"
        case .kill(let client): "\(client): kill"
        case .put(let name, let tag, let count): "other: put \(name) \(count)x\(tag)"
        case .delete(let name): "other: delete \(name)"
        case .copy(let old, let new): "other: copy \(old) \(new)"
        case .wait(let milliseconds): "wait \(milliseconds) ms"
        case .step(let count): "step \(count)"
        }
    }
}
