package import RGWControl

/// One line of `rgwfs doctor`: what was looked at, how it is, and one sentence of advice.
package struct Finding: Equatable, Sendable {
    package enum Level: String, Sendable, CaseIterable {
        case ok
        /// It works, and something deserves a look.
        case warn
        /// A mount would fail or misbehave.
        case fail
    }

    package var subject: String
    package var level: Level
    package var text: String

    package init(_ subject: String, _ level: Level, _ text: String) {
        self.subject = subject
        self.level = level
        self.text = text
    }

    package var line: String { "\(level.rawValue)  \(subject): \(Shown.text(text))" }

    package var json: JSONValue {
        .object([
            "subject": .string(subject), "level": .string(level.rawValue), "text": .string(text),
        ])
    }

    /// Clocks of S3 may differ by 15 minutes. Source: RGW, RGW_AUTH_GRACE_MINS.
    package static func clock(aheadSeconds: Int64) -> Finding {
        let apart = abs(aheadSeconds)
        let text =
            "this machine's clock is \(apart) s \(aheadSeconds < 0 ? "behind" : "ahead of") the "
            + "server's"
        if apart >= 15 * 60 {
            return Finding(
                "clock", .fail, text + ", and signatures are refused from 900 s on: set the clock")
        }
        if apart > 60 { return Finding("clock", .warn, text + ": set the clock") }
        return Finding("clock", .ok, "it agrees with the server's")
    }

    /// Connections, threads and the journal need about 80; each file that waits needs one.
    private static let descriptorsMin = 128

    /// Nil: they are enough. Source: getrlimit(2), RLIMIT_NOFILE.
    package static func tooFewDescriptors(_ most: Int) -> String? {
        guard most < descriptorsMin else { return nil }
        return "this process may have only \(most) files open, and rgwfs needs at least "
            + "\(descriptorsMin): raise the limit (ulimit -n, LimitNOFILE=)"
    }

    /// Each file that waits for its upload keeps a descriptor.
    package static func descriptors(_ most: Int) -> Finding {
        if let sentence = tooFewDescriptors(most) { return Finding("open files", .fail, sentence) }
        let text = "this process may have \(most) files open"
        guard most < 4096 else { return Finding("open files", .ok, text) }
        return Finding(
            "open files", .warn,
            text + ", and each file that waits for its upload needs one: raise the limit "
                + "(ulimit -n, LimitNOFILE=)")
    }

    /// Free space of the spool's file system.
    package static func space(_ spool: String, free: UInt64) -> Finding {
        let text = "\(ByteCount.text(free)) free in the file system of \(spool)"
        if free < 256 << 20 {
            return Finding(
                "spool space", .fail, text + ": make room, or choose another with spool=")
        }
        if free < 4 << 30 {
            return Finding("spool space", .warn, text + ": larger files cannot be written")
        }
        return Finding("spool space", .ok, text)
    }
}
