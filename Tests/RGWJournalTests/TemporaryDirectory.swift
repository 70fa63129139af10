import FoundationEssentials

/// Runs `body` with an empty directory that is gone afterwards, also when `body` throws.
@discardableResult
func withTemporaryDirectory<Answer>(_ body: (String) throws -> Answer) throws -> Answer {
    let path = FileManager.default.temporaryDirectory
        .appending(path: "rgwfs-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: false,
        attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try body(path)
}

/// As above, for bodies that wait.
@discardableResult
func withTemporaryDirectory<Answer>(
    isolation: isolated (any Actor)? = #isolation, _ body: (String) async throws -> Answer
) async throws -> Answer {
    let path = FileManager.default.temporaryDirectory
        .appending(path: "rgwfs-test-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: false,
        attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}
