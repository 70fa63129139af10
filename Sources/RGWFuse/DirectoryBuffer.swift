import CRGWFuse
import Glibc
import RGWBase
import RGWVFS

/// Directory entries in the form the kernel reads them.
enum DirectoryBuffer {
    /// Bytes of an entry besides its name, which is padded to 8. Source: linux/fuse.h,
    /// FUSE_NAME_OFFSET.
    static let fixedBytes = 24
    /// Source: linux/fuse.h, FUSE_NAME_OFFSET_DIRENTPLUS.
    static let fixedBytesPlus = 152

    /// Appends `entry` at `used`; the new end, or nil when it does not fit.
    static func append(
        _ entry: DirectoryEntry, plus: Bool, to buffer: UnsafeMutableRawBufferPointer, used: Int,
        _ request: fuse_req_t?
    ) -> Int? {
        guard let base = buffer.baseAddress else { return nil }
        let room = buffer.count - used
        // SAFETY: libfuse writes at most `room` bytes at `used`, and nothing when the entry needs
        // more.
        let start = unsafe (base + used).assumingMemoryBound(to: CChar.self)
        let size = unsafe withName(entry) { name in
            if plus {
                var parameters = entry.entry.map(fuse_entry_param.init) ?? fuse_entry_param()
                // Number 0 in the entry tells the kernel to take only the name, the file's number
                // and its type, which come from the attributes. Source: linux fs/fuse/readdir.c.
                if entry.entry == nil { parameters.attr = stat(entry.inode, entry.kind) }
                return unsafe fuse_add_direntry_plus(
                    request, start, room, name, &parameters, off_t(entry.next))
            }
            var attributes = stat(entry.inode, entry.kind)
            return unsafe fuse_add_direntry(
                request, start, room, name, &attributes, off_t(entry.next))
        }
        return size <= room ? used + size : nil
    }

    /// The entry's name as a C string.
    private static func withName(
        _ entry: DirectoryEntry, _ body: (UnsafePointer<CChar>) -> Int
    ) -> Int {
        let bytes = entry.name?.bytes ?? Array(repeating: UInt8(ascii: "."), count: entry.dots)
        // SAFETY: names have at most 255 bytes and no NUL, so the copy is a C string.
        return unsafe withUnsafeTemporaryAllocation(
            of: CChar.self, capacity: EntryName.lengthMax + 1
        ) { text in
            for (index, byte) in bytes.enumerated() {
                unsafe text.initializeElement(at: index, to: CChar(bitPattern: byte))
            }
            unsafe text.initializeElement(at: bytes.count, to: 0)
            guard let start = text.baseAddress else { return 0 }
            return unsafe body(start)
        }
    }
}

extension FuseAnswers {
    /// Entries that do not fit, or that the kernel did not take, were not looked up: their counts
    /// go back.
    static func directory(
        _ reply: consuming FuseReply, _ entries: [DirectoryEntry], _ context: FuseContext,
        room: Int, plus: Bool
    ) {
        var pending: FuseReply? = consume reply
        var taken = 0
        // SAFETY: the buffer is ours during the closure.
        unsafe context.buffers.withBuffer { whole in
            let buffer = unsafe UnsafeMutableRawBufferPointer(rebasing: whole.prefix(room))
            var used = 0
            for entry in entries {
                let end = unsafe DirectoryBuffer.append(
                    entry, plus: plus, to: buffer, used: used, nil)
                guard let end else { break }
                used = end
                taken += 1
            }
            guard let reply = pending.take() else { return }
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<used])
            if unsafe !reply.buffer(bytes) { taken = 0 }
        }
        for entry in entries[taken...] {
            if let lost = entry.entry { context.fileSystem.forget(lost.inode, count: 1) }
        }
    }
}
