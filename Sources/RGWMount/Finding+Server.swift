package import RGWClient

extension Finding {
    /// What a server's abilities mean for a mount that writes.
    package static func abilities(_ found: ServerCapabilities) -> [Finding] {
        switch found.writable {
        case .absent:
            return [
                Finding(
                    "permissions", .fail,
                    "the keys may not write into the bucket: mount with ro, "
                        + "or have the policy changed")
            ]
        case .unknown:
            // Nothing was written, so nothing was found out.
            return [Finding("permissions", .ok, "writing was not tried")] + versioning(found)
        case .present: break
        }
        return [Finding("permissions", .ok, "the keys may write into the bucket")]
            + versioning(found) + [
                condition(
                    "PUT If-None-Match", found.createOnly,
                    without: "two clients that create one file do not notice each other"),
                condition(
                    "PUT If-Match", found.conditionalPut,
                    without: "another client's change can be overwritten unnoticed"),
                copy(found), deletion(found),
            ]
    }

    private static func versioning(_ found: ServerCapabilities) -> [Finding] {
        switch found.versioning {
        case .unknown:
            [Finding("versioning", .ok, "the keys may not ask for it; the first answers tell")]
        case .off: [Finding("versioning", .ok, "off: what is replaced or deleted is gone")]
        case .enabled:
            [
                Finding(
                    "versioning", .ok,
                    "on: every upload and change of attributes leaves a version, every removal a "
                        + "marker; conflicts are found by comparing versions")
            ]
        case .suspended:
            [
                Finding(
                    "versioning", .ok,
                    "suspended: two clients that make a deleted file again do not notice each other"
                )
            ]
        }
    }

    private static func copy(_ found: ServerCapabilities) -> Finding {
        found.conditionalCopy == .present
            ? Finding("COPY of one version", .ok, "the server honours it")
            : Finding(
                "COPY of one version", .warn,
                "the server does not honour it; rgwfs looks at an object before it copies it: "
                    + "a change that another client makes between the two can be lost")
    }

    private static func condition(
        _ name: String, _ support: ServerCapabilities.Support, without: String
    ) -> Finding {
        switch support {
        case .present: Finding(name, .ok, "the server honours it")
        case .absent: Finding(name, .warn, "the server ignores it: \(without)")
        case .unknown: Finding(name, .warn, "it could not be found out")
        }
    }

    /// Releases before 20.2.1 lack it, so it is no reason to worry.
    private static func deletion(_ found: ServerCapabilities) -> Finding {
        found.conditionalDelete == .present
            ? Finding("DELETE If-Match", .ok, "the server honours it")
            : Finding(
                "DELETE If-Match", .ok,
                "the server ignores it; rgwfs looks at an object before it "
                    + "deletes it")
    }
}
