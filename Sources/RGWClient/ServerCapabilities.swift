package import RGWWire

/// What a server does of what releases differ in, for one bucket; a closed value.
///
/// Measured by `CapabilityProbe`, told by the bucket's settings, or learnt on the way; nothing is concluded
/// from a server's name.
package struct ServerCapabilities: Equatable, Sendable {
    package enum Support: String, Hashable, Sendable, CaseIterable {
        /// Not tried, or the answer did not tell.
        case unknown
        case absent
        case present
    }

    /// What the bucket does with versions that are replaced or deleted.
    package enum Versioning: String, Hashable, Sendable, CaseIterable {
        case unknown
        /// It never kept any.
        case off
        /// Object lock and replication imply it.
        case enabled
        /// It has some, and makes no more.
        case suspended

        /// From the bucket's setting; nil: none.
        init(status: String?) {
            switch status {
            case nil: self = .off
            case "Enabled": self = .enabled
            case "Suspended": self = .suspended
            default: self = .unknown
            }
        }
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
    /// COPY of one version leaves another alone.
    package var conditionalCopy = Support.unknown
    /// CompleteMultipartUpload honours conditions.
    package var conditionalComplete = Support.unknown
    /// DeleteObjects may be used: it crashes radosgw 16 where somebody is notified of removals.
    package var multiObjectDelete = Support.unknown
    /// Where old versions are kept, nothing is written to find out.
    package var versioning = Versioning.unknown
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
            ("writable", writable.rawValue), ("versioning", versioning.rawValue),
            ("PUT If-None-Match", createOnly.rawValue), ("PUT If-Match", ifMatch),
            ("COPY of one version", conditionalCopy.rawValue),
            ("DELETE If-Match", conditionalDelete.rawValue),
            ("conditional CompleteMultipartUpload", conditionalComplete.rawValue),
            ("DeleteObjects", multiObjectDelete.rawValue),
            ("server", server ?? "not told"),
        ]
    }
}
