import RGWMount
import RGWObject

/// Files that people write: a key or a sentence of one line.
enum FileLaws {
    static func broken(by bytes: [UInt8]) -> String? {
        do throws(CredentialsError) {
            let file = try CredentialsFile(parsing: bytes, path: "/keys")
            _ = try file.source(bucket: "photos", profile: nil)
            _ = try file.source(bucket: "photos", profile: "work")
        } catch { if let law = sentence("\(error)") { return law } }
        do throws(ConfigurationError) {
            let file = try ConfigurationFile(parsing: bytes, path: "/etc/rgwfs.conf")
            var settings = MountSettings()
            let source = try? MountSource(parsing: "photos/2024")
            if let source { try file.apply(for: source, to: &settings) }
        } catch { if let law = sentence("\(error)") { return law } }
        do throws(SourceError) {
            _ = try MountSource(parsing: String(decoding: bytes, as: UTF8.self))
        } catch { if let law = sentence("\(error)") { return law } }
        return nil
    }

    private static func sentence(_ text: String) -> String? {
        if text.isEmpty || text.utf8.count > 2000 {
            return "a sentence of \(text.utf8.count) bytes"
        }
        let clean = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        return clean ? nil : "a sentence with control characters"
    }
}
