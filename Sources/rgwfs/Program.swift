/// One binary under several names: mount(8) and umount(8) call it as their helper.
enum Program {
    static let version = "0.1.0"

    /// The exit status.
    static func run(_ arguments: [String]) -> Int32 {
        let path = arguments.first ?? "rgwfs"
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let words = Array(arguments.dropFirst())
        switch name {
        case "mount.rgwfs", "mount.fuse.rgwfs":
            return MountCommand.run(words, program: name)
        case "umount.rgwfs", "umount.fuse.rgwfs":
            return UnmountCommand.run(words, program: name)
        default: break
        }
        // These two have mount(8)'s grammar, not the one of the other commands.
        switch words.first {
        case "mount": return MountCommand.run(Array(words.dropFirst()), program: "rgwfs mount")
        case "umount": return UnmountCommand.run(Array(words.dropFirst()), program: "rgwfs umount")
        default: return Commands.run(words)
        }
    }
}
