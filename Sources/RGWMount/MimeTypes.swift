/// The system's table of Content-Types. Source: mime.types(5).
package enum MimeTypes {
    package static let path = "/etc/mime.types"
    package static let lengthMax = 4 << 20

    /// Lines `type/subtype ext ext...`; the first line that names an extension wins. Extensions are
    /// in lower case. A line that is none of that is skipped: a Content-Type is no reason to refuse
    /// a mount.
    package static func parse(_ bytes: [UInt8]) -> [String: String] {
        var types: [String: String] = [:]
        for line in bytes.split(separator: 0x0A) {
            let words = line.split { ByteText.isBlank($0) }
            guard let type = words.first, type.first != 0x23, type.contains(0x2F) else { continue }
            for word in words.dropFirst() {
                if word.first == 0x23 { break }
                let name = String(decoding: word, as: UTF8.self).lowercased()
                if types[name] == nil { types[name] = String(decoding: type, as: UTF8.self) }
            }
        }
        return types
    }
}
