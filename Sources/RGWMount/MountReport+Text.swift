package import RGWControl

/// A mount's report in words.
extension MountReport {
    /// What `rgwfs status` prints: the state in a line, then a line for everything worth knowing.
    package var summary: String {
        var lines = [headline]
        if pending > 0 {
            var line = "  waiting: \(Counted.changes(pending)) (\(ByteCount.text(pendingBytes)))"
            if let oldest { line += ", the oldest for \(AgeText.of(oldest))" }
            lines.append(line)
        }
        if let outage {
            lines.append("  \(outage)" + (silence.map { ": \(Shown.text($0))" } ?? ""))
        }
        if uploading > 0 { lines.append("  uploading: \(uploading)") }
        lines += uploads
        if open > 0 { lines.append("  open: \(open), sent when they are closed") }
        if retrying > 0 { lines.append("  failed and tried again: \(retrying)") }
        if conflicts > 0 {
            lines.append("  conflicts: \(conflicts), see rgwfs resolve")
        }
        for failure in failures {
            let reason = failure.error.map { ": \(Shown.text($0))" } ?? ""
            lines.append("  \(failure.state): \(Shown.text(failure.path))\(reason)")
        }
        if blocked > UInt64(failures.count) {
            lines.append("  and \(blocked - UInt64(failures.count)) more; see rgwfs queue")
        }
        if let doubt { lines.append("  \(doubt)") }
        if let writesRefused {
            let age = AgeText.of(writesRefused)
            lines.append(
                "  the server has refused what is written here for \(age): programs hear "
                    + "\"Permission denied\"")
        }
        if refused > 0 {
            lines.append("  \(Counted.changes(refused)) refused and taken back since the mount:")
            for change in refusals {
                let reason = change.error.map { ": \(Shown.text($0))" } ?? ""
                lines.append(
                    "    \(AgeText.of(change.age)) ago: \(change.want) "
                        + "\(Shown.text(change.path))\(reason)")
            }
            let named = UInt64(refusals.count)
            if refused > named { lines.append("    and \(refused - named) earlier; see the log") }
        }
        if let spoolFailure {
            let reason = Shown.text(spoolFailure)
            lines.append("  the spool failed, no more changes are accepted: \(reason)")
        }
        if lost > 0 { lines.append("  lost entries: \(lost), see rgwfs lost list") }
        lines += readRefusals
        if hidden > 0 {
            lines.append("  keys that cannot be paths: \(hidden), see rgwfs doctor")
        }
        if let spoolFree {
            let place = Shown.text(spool)
            lines.append("  spool: \(place), \(ByteCount.text(spoolFree)) free")
        }
        return lines.joined(separator: "\n")
    }

    /// The server does not answer; nil: it does as far as is known.
    private var outage: String? {
        silent.map { "the server has not answered for \(AgeText.of($0))" }
    }

    /// How many of a kind are named, of which `--json` has more.
    private static let namedMax = 5

    /// What is being sent and takes its time.
    private var uploads: [String] {
        let told = sending.filter { $0.way != nil || $0.error != nil }
        var lines = told.prefix(Self.namedMax).map { item in
            let way = item.way.map { "  (\($0))" } ?? ""
            return "    \(item.want) \(Shown.text(item.path))\(way)\(item.trouble)"
        }
        if told.count > lines.count { lines.append("    and more; see rgwfs queue") }
        return lines
    }

    /// What is in the bucket and was not to be read.
    private var readRefusals: [String] {
        guard unreadable > 0 else { return [] }
        var lines = ["  objects and directories that could not be read: \(unreadable)"]
        for read in refusedReads.prefix(Self.namedMax) {
            lines.append(
                "    \(AgeText.of(read.age)) ago: \(Shown.text(read.path)): \(Shown.text(read.error))"
            )
        }
        return lines
    }

    private var headline: String {
        let what = source.isEmpty ? "" : "\(Shown.text(source)) "
        let place: String
        switch life {
        case .mounted: place = "on \(Shown.text(mountPoint))"
        case .detached:
            place =
                "no longer on \(Shown.text(mountPoint)), but still in use (process \(process) "
                + "serves it)"
        case .draining: place = "unmounted, still uploading (process \(process))"
        case .stopped: place = "not mounted"
        }
        let text: String
        switch state {
        case .clean: text = "clean: everything is in the bucket"
        case .pending: text = "pending: \(Counted.changes(pending)) to upload"
        case .blocked: text = "blocked: \(Counted.changes(blocked)) cannot be uploaded"
        }
        return "\(what)\(place): \(text)"
    }

    /// The progress line of an unmount on a terminal.
    package var progress: String {
        var text = "\(Counted.changes(pending)) (\(ByteCount.text(pendingBytes))) to upload"
        if blocked > 0 { text += ", \(blocked) blocked" }
        if let outage { text += ", \(outage)" }
        return text
    }

    /// What is in the bucket and may not stay so; nil: nothing.
    package var doubt: String? {
        guard settling > 0 else { return nil }
        let (files, verb) = settling == 1 ? ("1 file", "is") : ("\(settling) files", "are")
        return
            "\(files) in doubt: uploaded, but an answer of the server was lost, and what was asked may yet "
            + "take effect; \(settling == 1 ? "it" : "they") \(verb) looked at again within two minutes"
    }

    /// What umount says when it could not wait for everything.
    package var leftover: String {
        let place = spool.isEmpty ? "the spool" : Shown.text(spool)
        let isOne = pending == 1
        var text = "\(Counted.changes(pending)) (\(pendingBytes) bytes) "
        text +=
            isOne
            ? "has not been uploaded and is kept in " : "have not been uploaded and are kept in "
        text += place
        if blocked > 0, let failure = failures.first {
            let reason = failure.error.map { Shown.text($0) } ?? failure.state
            text += " (\(Shown.text(failure.path)): \(reason))"
        }
        text +=
            isOne ? ". It is uploaded at the next mount" : ". They are uploaded at the next mount"
        guard !source.isEmpty else { return text }
        let object = isOne ? "it" : "them"
        return text + "; to upload \(object) now: rgwfs recover --upload \(Shown.text(source))"
    }
}

/// Numbers with their words.
enum Counted {
    static func changes(_ count: UInt64) -> String { count == 1 ? "1 change" : "\(count) changes" }
}

/// Sizes for people.
package enum ByteCount {
    /// Three digits or so: `1.4 GiB`.
    package static func text(_ bytes: UInt64) -> String {
        var unit = 0
        var tenths = Double(bytes) * 10
        while tenths >= 10_240, unit < 5 {
            tenths /= 1024
            unit += 1
        }
        if unit == 0 { return "\(bytes) B" }
        let rounded = UInt64(tenths.rounded())
        return "\(rounded / 10).\(rounded % 10) \(["", "K", "M", "G", "T", "P"][unit])iB"
    }
}

/// Ages for people.
package enum AgeText {
    /// One unit: `12 s`, `5 min`, `3 h`, `2 d`.
    package static func of(_ age: Duration) -> String {
        let seconds = max(0, age.components.seconds)
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800: return "\(seconds / 3600) h"
        default: return "\(seconds / 86_400) d"
        }
    }
}
