/// What /etc/fuse.conf lets ordinary users do. Source: fuse(8), CONFIGURATION.
enum FuseRights {
    static let path = "/etc/fuse.conf"
    private static let lengthMax = 1 << 20

    /// fusermount3 refuses these options without a line `user_allow_other`, and libfuse says only that the mount
    /// failed.
    static func check(
        _ settings: MountSettings, in environment: some MountEnvironment
    ) throws(MountFailure) {
        let allowsOther = settings.allowsOther(mountingUser: environment.userID)
        guard environment.userID != 0, allowsOther || settings.allowsRoot else { return }
        if case .content(let content) = environment.readFile(path, limit: lengthMax) {
            for (_, line) in ByteText.lines(content.bytes) {
                if ByteText.trimmed(line) == "user_allow_other" { return }
            }
        }
        let option = allowsOther ? "allow_other" : "allow_root"
        throw .refused(
            "option '\(option)' needs the line user_allow_other in \(path), which root can write")
    }
}
