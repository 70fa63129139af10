/// A command line that umount cannot follow.
package enum UnmountUsageError: Error, Equatable, Sendable, CustomStringConvertible {
    case mountPointMissing
    case tooManyOperands(String)
    case unknownFlag(String)
    case flagValueMissing(String)
    case namespaceUnsupported

    package var description: String {
        switch self {
        case .mountPointMissing:
            "the mount point is missing; usage: \(UnmountArguments.synopsis)"
        case .tooManyOperands(let operand):
            "one argument too many: '\(Shown.path(operand))'; usage: \(UnmountArguments.synopsis)"
        case .unknownFlag(let flag):
            "unknown option '\(Shown.text(String(flag.prefix(12))))'; usage: "
                + UnmountArguments.synopsis
        case .flagValueMissing(let flag): "'\(flag)' needs a value"
        case .namespaceUnsupported:
            "unmounting in another namespace (-N) is not supported yet"
        }
    }
}

/// The command line of an unmount helper. Source: umount(8), EXTERNAL HELPERS: `DIR [-flnrv] [-N
/// ns] [-t type]`.
package struct UnmountArguments: Equatable, Sendable {
    package static let synopsis = "umount.rgwfs DIR [-flnrv] [--strict]"

    package enum Request: Equatable, Sendable {
        case unmount
        case help
        case version
    }

    package var request = Request.unmount
    package var mountPoint = ""
    /// MNT_FORCE: give up requests under way; nothing is drained.
    package var isForced = false
    /// MNT_DETACH: take the mount out of the tree now, end it when nobody uses it any more.
    package var isLazy = false
    package var isVerbose = false
    /// Do not unmount when changes remain that could not be uploaded.
    package var isStrict = false

    package init(parsing arguments: [String]) throws(UnmountUsageError) {
        var operands: [String] = []
        var index = 0
        var operandsOnly = false
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            if operandsOnly || !argument.utf8.starts(with: "-".utf8) || argument == "-" {
                operands.append(argument)
                continue
            }
            switch argument {
            case "--": operandsOnly = true
            case "--help": request = .help
            case "--version": request = .version
            case "--strict": isStrict = true
            case "--force": isForced = true
            case "--lazy": isLazy = true
            default: try readShort(argument, arguments, &index)
            }
        }
        if request != .unmount { return }
        guard operands.count <= 1 else { throw .tooManyOperands(operands[1]) }
        guard let mountPoint = operands.first else { throw .mountPointMissing }
        self.mountPoint = mountPoint
    }

    private mutating func readShort(
        _ argument: String, _ arguments: [String], _ index: inout Int
    ) throws(UnmountUsageError) {
        guard !argument.utf8.starts(with: "--".utf8) else { throw .unknownFlag(argument) }
        var letters = argument.dropFirst()
        while let letter = letters.popFirst() {
            switch letter {
            case "f": isForced = true
            case "l": isLazy = true
            case "v": isVerbose = true
            // No mtab; a mount that cannot be unmounted is not made read-only instead.
            case "n", "r": break
            case "h": request = .help
            case "V": request = .version
            case "t", "N":
                guard !letters.isEmpty || index < arguments.count else {
                    throw .flagValueMissing("-\(letter)")
                }
                if letter == "N" { throw .namespaceUnsupported }
                if letters.isEmpty { index += 1 }
                letters = ""
            default: throw .unknownFlag("-\(letter)")
            }
        }
    }
}
