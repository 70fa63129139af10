import Glibc

/// The system calls the tests make, with errno as an error.
// SAFETY, all of it: buffers and strings are passed for the duration of the call only.
enum Posix {
    struct Failure: Error, Equatable {
        var errno: Int32
    }

    @discardableResult
    static func check<Number: SignedInteger>(_ result: Number) throws(Failure) -> Number {
        if result < 0 { throw Failure(errno: Glibc.errno) }
        return result
    }

    static func open(
        _ path: String, _ flags: Int32, _ mode: mode_t = 0o644
    ) throws(Failure)
        -> Int32
    {
        try check(unsafe Glibc.open(path, flags | O_CLOEXEC, mode))
    }

    static func close(_ descriptor: Int32) throws(Failure) { try check(Glibc.close(descriptor)) }

    static func write(_ descriptor: Int32, _ bytes: [UInt8]) throws(Failure) -> Int {
        try check(unsafe Glibc.write(descriptor, bytes, bytes.count))
    }

    static func read(_ descriptor: Int32, _ count: Int) throws(Failure) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = try check(unsafe Glibc.read(descriptor, &bytes, count))
        return Array(bytes[..<got])
    }

    static func readFile(_ path: String) throws(Failure) -> [UInt8] {
        let descriptor = try open(path, O_RDONLY)
        defer { Glibc.close(descriptor) }
        var all: [UInt8] = []
        while true {
            let part = try read(descriptor, 1 << 20)
            if part.isEmpty { return all }
            all += part
        }
    }

    static func writeFile(_ path: String, _ bytes: [UInt8], flags: Int32 = O_CREAT) throws(Failure)
    {
        let descriptor = try open(path, O_WRONLY | flags)
        var done = 0
        while done < bytes.count {
            done += try write(descriptor, Array(bytes[done...].prefix(1 << 20)))
        }
        try close(descriptor)
    }

    static func stat(_ path: String) throws(Failure) -> stat {
        var status = Glibc.stat()
        try check(unsafe lstat(path, &status))
        return status
    }

    /// A name that need not be UTF-8.
    static func stat(bytes: [UInt8]) throws(Failure) -> stat {
        var status = Glibc.stat()
        let path = (bytes + [0]).map { CChar(bitPattern: $0) }
        try check(unsafe lstat(path, &status))
        return status
    }

    static func errno(_ body: () throws -> Void) -> Int32 {
        do {
            try body()
            return 0
        } catch let failure as Failure {
            return failure.errno
        } catch {
            return -1
        }
    }

    /// The names of a directory and the inode numbers and types that readdir(3) gave with them.
    static func list(_ path: String) throws(Failure) -> [(name: String, inode: UInt, type: Int32)] {
        guard let directory = unsafe opendir(path) else { throw Failure(errno: Glibc.errno) }
        defer { unsafe closedir(directory) }
        var found: [(name: String, inode: UInt, type: Int32)] = []
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            unsafe found.append((name, entry.pointee.d_ino, Int32(entry.pointee.d_type)))
        }
        return found
    }
}
