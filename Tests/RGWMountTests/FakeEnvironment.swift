import RGWMount

/// A machine made of dictionaries.
struct FakeEnvironment: MountEnvironment {
    var variables = ["HOME": "/home/ann"]
    var files: [String: FileAnswer] = [:]
    var directories: [String: DirectoryAnswer] = [
        "/mnt/photos": .directory(realPath: "/mnt/photos")
    ]
    var mounts: [String: MountTableEntry] = [:]
    var userID: UInt32 = 1000
    var groupID: UInt32 = 1001
    var workingDirectory = "/home/ann"
    var hostName = "desk"

    func variable(_ name: String) -> String? { variables[name] }
    func readFile(_ path: String, limit: Int) -> FileAnswer { files[path] ?? .absent }
    func directory(_ path: String) -> DirectoryAnswer { directories[path] ?? .absent }
    func mount(at path: String) -> MountTableEntry? { mounts[path] }

    mutating func addFile(_ path: String, _ text: String, permissions: UInt32 = 0o600) {
        files[path] = .content(FileContent(bytes: Array(text.utf8), permissions: permissions))
    }

    /// A machine on which the mount of `arguments` below succeeds.
    static var working: FakeEnvironment {
        var environment = FakeEnvironment()
        environment.addFile(
            "/home/ann/.aws/credentials",
            """
            [default]
            aws_access_key_id = testkey
            aws_secret_access_key = \(theSecret)
            """)
        return environment
    }
}

/// Never to be seen in any output.
let theSecret = "s3cr3tS3cr3tS3cr3t"

/// The failure of a whole mount command line, nil when it would go on to the server.
func failure(_ arguments: [String], in environment: FakeEnvironment = .working) -> MountFailure? {
    do throws(UsageError) {
        let parsed = try MountArguments(parsing: arguments)
        do throws(MountFailure) {
            _ = try MountPlan(parsed, in: environment)
            return nil
        } catch { return error }
    } catch { return .usage(error) }
}

/// The plan of a command line that must be right.
func plan(_ arguments: [String], in environment: FakeEnvironment = .working) throws -> MountPlan {
    try MountPlan(try MountArguments(parsing: arguments), in: environment)
}

func plan(options: String, in environment: FakeEnvironment = .working) throws -> MountPlan {
    try plan(
        ["photos", "/mnt/photos", "-o", "url=http://127.0.0.1:7480," + options], in: environment)
}
