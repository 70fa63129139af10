package import RGWClient

extension Endpoint {
    /// What `url=` wants, for messages.
    static let optionForm = "[https://]host[:port] or http://host[:port]"

    /// The value of `url=`; https where no scheme is given. A user name or password is refused
    /// without repeating it.
    init(option: String, text: String) throws(OptionError) {
        guard !text.utf8.contains(0x40) else {
            throw .secretInValue(name: option, advice: "use credentials=FILE")
        }
        let invalid = OptionError.valueInvalid(
            name: option, value: text, expected: Self.optionForm)
        do throws(Invalid) {
            try self.init(parsing: text)
        } catch { throw invalid }
        // Names are compared without regard to case, and the spool's identity must not depend on
        // it.
        host = host.lowercased()
    }

    /// Whether the value of `url=` says by itself how to connect.
    static func hasScheme(_ text: String) -> Bool {
        let lowered = text.lowercased()
        return lowered.utf8.starts(with: "http://".utf8)
            || lowered.utf8.starts(with: "https://".utf8)
    }

    /// The port, also where it is the scheme's own.
    package var effectivePort: UInt16 { port ?? (scheme == .http ? 80 : 443) }

    /// An address such as 10.0.0.1 or [::1], for which RGW never looks for a bucket in the Host
    /// header.
    package var isNumeric: Bool {
        host.utf8.contains(0x3A) || host.utf8.allSatisfy { ByteText.isDigit($0) || $0 == 0x2E }
    }
}
