import RGWBase
package import RGWControl

/// A change in words.
extension QueueItem {
    /// A line for people; a path with control characters in it stays one line.
    package var line: String {
        var line = "\(state)  \(want)  \(ByteCount.text(bytes))  \(AgeText.of(age))  "
        line += Shown.text(path.isEmpty ? "/" : path)
        if let way { line += "  (\(way))" }
        return line + trouble
    }

    /// How often it failed and with what, to be put behind what failed.
    package var trouble: String {
        let count = tries > 0 ? "  (tried \(tries) \(tries == 1 ? "time" : "times"))" : ""
        return count + (error.map { ": \(Shown.text($0))" } ?? "")
    }

    /// From this age on the last byte is worth a word.
    private static let idleMin = Duration.seconds(5)

    /// What of it has been sent; nil: nothing is to be said of that.
    package var way: String? {
        guard let sending else { return nil }
        var words: [String] = []
        if bytes > 0 {
            words.append("sent \(ByteCount.text(sending.bytes)) of \(ByteCount.text(bytes))")
        }
        if let parts = sending.parts {
            words.append("\(sending.partsDone ?? 0) of \(parts) parts")
        }
        if sending.idle >= Self.idleMin {
            words.append("nothing has moved for \(AgeText.of(sending.idle))")
        }
        return words.isEmpty ? nil : words.joined(separator: ", ")
    }
}
