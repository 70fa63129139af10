import RGWBase
import RGWClient
import RGWObject
import RGWWire

/// Short texts from outside: what is read can be written and read again.
enum TextLaws {
    static func broken(by bytes: [UInt8]) -> String? {
        let encoded = URIEncoding.encodePath(bytes)
        guard URIEncoding.decode(Array(encoded.utf8)) == bytes else {
            return "a path is not what was encoded"
        }
        _ = URIEncoding.decode(bytes)
        let text = String(decoding: bytes, as: UTF8.self)
        let query = URIEncoding.encodeQuery(text)
        guard URIEncoding.decode(Array(query.utf8)) == Array(text.utf8) else {
            return "a query is not what was encoded"
        }
        if let time = CivilTime.parseHTTP(text), let law = date(time) { return law }
        if let time = CivilTime.parseISO8601(text), let law = date(time) { return law }
        if let endpoint = try? Endpoint(parsing: text) {
            let again = try? Endpoint(parsing: endpoint.description)
            guard again?.description == endpoint.description else {
                return "an endpoint is not what is shown: \(endpoint)"
            }
        }
        let tag = ETag(text)
        if tag.text.utf8.count > text.utf8.count { return "a tag grows" }
        if let key = try? ObjectKey(bytes), key.bytes != bytes { return "a key changes" }
        return nil
    }

    /// Leap seconds are read as the second behind; before 1970 nothing is written.
    private static func date(_ time: WallTime) -> String? {
        guard time.seconds >= 0, time.seconds <= 253_402_300_799 else { return nil }
        let written = CivilTime.formatHTTP(time)
        return CivilTime.parseHTTP(written)?.seconds == time.seconds ? nil : "date \(written)"
    }
}
