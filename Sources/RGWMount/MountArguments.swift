/// A command line that mount cannot follow.
package enum UsageError: Error, Equatable, Sendable, CustomStringConvertible {
    case sourceMissing
    case mountPointMissing
    case tooManyOperands(String)
    case unknownFlag(String)
    case flagValueMissing(String)
    case namespaceUnsupported

    package var description: String {
        switch self {
        case .sourceMissing:
            "the source is missing; usage: \(MountArguments.synopsis)"
        case .mountPointMissing:
            "the mount point is missing; usage: \(MountArguments.synopsis)"
        case .tooManyOperands(let operand):
            "one argument too many: '\(Shown.path(operand))'; usage: \(MountArguments.synopsis)"
        case .unknownFlag(let flag):
            "unknown option '\(Shown.text(String(flag.prefix(12))))'; see mount.rgwfs --help"
        case .flagValueMissing(let flag):
            "'\(flag)' needs a value; see mount.rgwfs --help"
        case .namespaceUnsupported:
            "mounting in another namespace (-N) is not supported yet"
        }
    }
}

/// The command line of a mount helper, taken apart. Source: mount(8), EXTERNAL HELPERS.
package struct MountArguments: Equatable, Sendable {
    package static let synopsis = "mount.rgwfs SOURCE DIR [-fnsvhV] [-o OPTION,...]"

    package enum Request: Equatable, Sendable {
        case mount
        /// Check the arguments and mount nothing: mount(8)'s --fake.
        case pretend
        case help
        case version
    }

    package var request = Request.mount
    package var source = ""
    package var mountPoint = ""
    /// The texts after each -o, in order.
    package var optionTexts: [String] = []
    package var isForeground = false
    package var isSloppy = false
    package var isVerbose = false

    /// `arguments` does not include the program's name.
    ///
    /// `-f` means foreground, as with s3fs and sshfs. mount(8) passes its own `-f` (fake) to
    /// helpers too, always in one form: `SOURCE DIR` first, then `-f` among the flags, then an
    /// option list that begins with `rw` or `ro`. Exactly that form is a fake mount; `--foreground`
    /// always means foreground.
    /// Source: util-linux, libmount/src/context_mount.c, `exec_helper`.
    package init(parsing arguments: [String]) throws(UsageError) {
        var operands: [String] = []
        var operandsOnly = false
        var hasShortForeground = false
        var flagsBeforeOperands = false
        var flagsPrecedeOptions = false
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            if operandsOnly || !argument.utf8.starts(with: "-".utf8) || argument == "-" {
                operands.append(argument)
                continue
            }
            if operands.count < 2 { flagsBeforeOperands = true }
            if argument == "--" {
                operandsOnly = true
                continue
            }
            if argument.utf8.starts(with: "--".utf8) {
                try readLong(argument, arguments, &index)
                continue
            }
            let hasOptions = !optionTexts.isEmpty
            let hadForeground = hasShortForeground
            try readShort(argument, arguments, &index, &hasShortForeground)
            if hasShortForeground, !hadForeground { flagsPrecedeOptions = !hasOptions }
        }
        if request == .help || request == .version { return }
        if hasShortForeground {
            let isFake = !flagsBeforeOperands && flagsPrecedeOptions && beginsWithAccessMode
            if isFake { request = .pretend } else { isForeground = true }
        }
        guard operands.count <= 2 else { throw .tooManyOperands(operands[2]) }
        guard let source = operands.first else { throw .sourceMissing }
        guard operands.count == 2 else { throw .mountPointMissing }
        self.source = source
        mountPoint = operands[1]
    }

    /// mount(8) always puts `rw` or `ro` in front of the options that it passes on.
    private var beginsWithAccessMode: Bool {
        let first = optionTexts.first.flatMap { OptionList.items($0).first?.name }
        return first == "rw" || first == "ro"
    }

    private mutating func readLong(
        _ argument: String, _ arguments: [String], _ index: inout Int
    ) throws(UsageError) {
        let (name, value) = ByteText.assignment(argument)
        switch name {
        case "--help": request = .help
        case "--version": if request != .help { request = .version }
        case "--foreground": isForeground = true
        case "--verbose": isVerbose = true
        case "--options":
            guard let text = value ?? Self.next(arguments, &index) else {
                throw .flagValueMissing("--options")
            }
            optionTexts.append(text)
        default: throw .unknownFlag(name)
        }
    }

    /// One cluster such as `-sv` or `-oro`.
    private mutating func readShort(
        _ argument: String, _ arguments: [String], _ index: inout Int, _ foreground: inout Bool
    ) throws(UsageError) {
        var letters = argument.dropFirst()
        while let letter = letters.popFirst() {
            switch letter {
            case "f": foreground = true
            case "s": isSloppy = true
            case "v": isVerbose = true
            // There is no mtab to leave alone.
            case "n": break
            case "h": request = .help
            case "V": if request != .help { request = .version }
            case "o", "t", "N":
                let rest = letters.isEmpty ? Self.next(arguments, &index) : String(letters)
                guard let text = rest else { throw .flagValueMissing("-\(letter)") }
                if letter == "N" { throw .namespaceUnsupported }
                if letter == "o" { optionTexts.append(text) }
                letters = ""
            default: throw .unknownFlag("-\(letter)")
            }
        }
    }

    private static func next(_ arguments: [String], _ index: inout Int) -> String? {
        guard index < arguments.count else { return nil }
        defer { index += 1 }
        return arguments[index]
    }
}
