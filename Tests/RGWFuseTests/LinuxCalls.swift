import Glibc

/// System calls that Swift's Glibc module lacks, found by name; they return a negative errno.
// SAFETY, all of it: the types are those of the man pages, and arguments are passed for the call
// only.
enum LinuxCalls {
    private typealias Rename =
        @convention(c) (Int32, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, UInt32) -> Int32
    private typealias Set =
        @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeRawPointer?, Int, Int32)
        -> Int32
    private typealias Get =
        @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int)
        -> Int
    private typealias List =
        @convention(c) (UnsafePointer<CChar>, UnsafeMutableRawPointer?, Int) -> Int
    private typealias Remove = @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>) -> Int32

    private static func find<Function>(_ name: String, _: Function.Type) -> Function {
        guard let symbol = unsafe dlsym(nil, name) else { preconditionFailure("no \(name)") }
        return unsafe unsafeBitCast(symbol, to: Function.self)
    }

    static func rename(_ from: String, _ to: String, flags: Int = 0) -> Int {
        let call = unsafe find("renameat2", Rename.self)
        let result = unsafe call(AT_FDCWD, from, AT_FDCWD, to, UInt32(flags))
        return result < 0 ? Int(-errno) : 0
    }

    static func setxattr(_ path: String, _ name: String, _ value: [UInt8], flags: Int = 0) -> Int {
        let call = unsafe find("setxattr", Set.self)
        return unsafe call(path, name, value, value.count, Int32(flags)) < 0 ? Int(-errno) : 0
    }

    static func getxattr(_ path: String, _ name: String, room: inout [UInt8]) -> Int {
        let call = unsafe find("getxattr", Get.self)
        let result = unsafe call(path, name, &room, room.count)
        return result < 0 ? Int(-errno) : result
    }

    static func listxattr(_ path: String, room: inout [UInt8]) -> Int {
        let call = unsafe find("listxattr", List.self)
        let result = unsafe call(path, &room, room.count)
        return result < 0 ? Int(-errno) : result
    }

    private typealias Allocate = @convention(c) (Int32, Int32, Int, Int) -> Int32
    private typealias SetIDs = @convention(c) (Int, Int, Int, Int) -> Int

    static func fallocate(_ file: Int32, _ mode: Int32, _ offset: Int, _ length: Int) -> Int {
        let call = unsafe find("fallocate", Allocate.self)
        return call(file, mode, offset, length) < 0 ? Int(-errno) : 0
    }

    /// The calling thread alone loses root's capabilities: the system call itself, because glibc's
    /// wrapper changes every thread. Source: setresuid(2), "C library/kernel differences".
    static func becomeNobody() {
        let call = unsafe find("syscall", SetIDs.self)
        let result = call(117, -1, 65534, -1)
        precondition(result == 0, "setresuid: \(errno)")
    }

    static func removexattr(_ path: String, _ name: String) -> Int {
        let call = unsafe find("removexattr", Remove.self)
        return unsafe call(path, name) < 0 ? Int(-errno) : 0
    }
}
