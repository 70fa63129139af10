import RGWBase
import RGWHost
import RGWMount

/// The machine as it is.
struct LiveEnvironment: MountEnvironment {
    let workingDirectory: String
    let hostName: String

    init() throws(HostError) {
        workingDirectory = try HostSurroundings.workingDirectory()
        hostName = try HostProcess.hostName()
    }

    func variable(_ name: String) -> String? { HostSurroundings.variable(name) }
    var userID: UInt32 { HostSurroundings.user }
    var groupID: UInt32 { HostSurroundings.group }

    func readFile(_ path: String, limit: Int) -> FileAnswer {
        do throws(HostError) {
            guard let contents = try HostFile.read(path, limit: limit) else { return .absent }
            return .content(
                FileContent(bytes: contents.bytes, permissions: contents.status.permissions))
        } catch {
            switch error.errno {
            // EFBIG and EINVAL as HostFile.read means them.
            case 27: return .tooLong
            case 22: return .failed("it is not a regular file")
            default: return .failed(error.reason)
            }
        }
    }

    func directory(_ path: String) -> DirectoryAnswer {
        do throws(HostError) {
            guard let status = try HostNames.status(path) else { return .absent }
            guard status.kind == .directory else { return .notDirectory }
            // The kernel remembers the attributes of a mount whose server has died; opening asks
            // it.
            if mount(at: path)?.isRGWFS == true { _ = try HostDescriptor(path, .directory) }
            return .directory(realPath: try HostSurroundings.realPath(path))
        } catch {
            // ENOTCONN, errno.h.
            return error.errno == 107 ? .dead : .failed(error.reason)
        }
    }

    func mount(at path: String) -> MountTableEntry? {
        guard let mount = try? HostMounts.mount(at: path) else { return nil }
        return MountTableEntry(type: mount.type, source: mount.source)
    }
}
