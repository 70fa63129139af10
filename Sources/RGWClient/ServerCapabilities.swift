package import RGWWire

/// What a server does of what releases differ in, for one bucket; a closed value.
///
/// Measured by `CapabilityProbe`, or learnt on the way; nothing is concluded from a server's name.
package struct ServerCapabilities: Equatable, Sendable {
    package enum Support: String, Hashable, Sendable, CaseIterable {
        /// Not tried, or the answer did not tell.
        case unknown
        case absent
        case present
    }

    /// PUT with `If-None-Match: *` refuses to replace.
    package var createOnly = Support.unknown
    /// PUT with If-Match refuses to replace another version.
    package var conditionalPut = Support.unknown
    /// The forms of a tag that the server takes in If-Match of a PUT: RGW 16 wants no quotes,
    /// RFC 9110 wants them.
    package var ifMatchForms: Set<IfMatchQuoting> = []
    /// DELETE with If-Match leaves another version. RGW before 20.2.1 ignores it.
    package var conditionalDelete = Support.unknown
    /// The form of a tag that works in If-Match of a DELETE.
    package var deleteForm: IfMatchQuoting?
    /// CompleteMultipartUpload honours conditions.
    package var conditionalComplete = Support.unknown
    /// DeleteObjects may be used: it crashes radosgw 16 where somebody is notified of removals.
    package var multiObjectDelete = Support.unknown
    /// The bucket keeps old versions; then nothing is written to find out.
    package var versioned = Support.unknown
    /// The keys may write into the bucket.
    package var writable = Support.unknown
    /// The Server header, where there is one. RGW sends none.
    package var server: String?

    package init() {}

    /// One line for each, for people: name and finding.
    package var lines: [(name: String, finding: String)] {
        let forms = ifMatchForms.map { $0 == .quoted ? "quoted" : "unquoted" }.sorted()
        let ifMatch =
            conditionalPut == .present
            ? "present (tags \(forms.joined(separator: " or ")))" : conditionalPut.rawValue
        return [
            ("writable", writable.rawValue), ("versioned", versioned.rawValue),
            ("PUT If-None-Match", createOnly.rawValue), ("PUT If-Match", ifMatch),
            ("DELETE If-Match", conditionalDelete.rawValue),
            ("conditional CompleteMultipartUpload", conditionalComplete.rawValue),
            ("DeleteObjects", multiObjectDelete.rawValue),
            ("server", server ?? "not told"),
        ]
    }
}
