/// What is wrong with one mount option: one sentence, naming the option and its value.
package enum OptionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// `nearest` is a known option that the user may have meant.
    case unknown(name: String, nearest: String?)
    /// Planned, or known from other programs, and not built.
    case unsupported(name: String, reason: String?)
    case valueMissing(name: String, expected: String)
    case valueUnexpected(name: String)
    case valueInvalid(name: String, value: String, expected: String)
    case contradiction(String, String)
    /// A value that must not be shown, such as a URL with a password.
    case secretInValue(name: String, advice: String)
    /// A required option was not given; `example` shows it.
    case missing(name: String, example: String)
    /// A remount cannot change it; without a reason: because nothing but a few things can be changed.
    case fixed(name: String, reason: String?)

    package var description: String {
        switch self {
        case .unknown(let name, let nearest):
            let known = nearest.map { "did you mean '\($0)'?" } ?? "see mount.rgwfs --help"
            return "unknown option \(Shown.optionName(name)) (\(known))"
        case .unsupported(let name, let reason):
            return "option '\(name)' is not supported yet" + (reason.map { ": \($0)" } ?? "")
        case .valueMissing(let name, let expected):
            return "option '\(name)' needs a value: \(expected)"
        case .valueUnexpected(let name):
            return "option '\(name)' takes no value"
        case .valueInvalid(let name, let value, let expected):
            return "option '\(name)=\(Shown.text(value))' is wrong: expected \(expected)"
        case .contradiction(let one, let other):
            return "options '\(Shown.text(one))' and '\(Shown.text(other))' contradict each other"
        case .secretInValue(let name, let advice):
            return "option '\(name)' must not contain a key or password: \(advice)"
        case .missing(let name, let example):
            return "option '\(name)' is missing, for example -o \(example)"
        case .fixed(let name, let reason):
            return "option '\(Shown.text(name))' cannot be changed while mounted"
                + (reason.map { " (\($0))" } ?? "") + ": unmount and mount again"
        }
    }
}
