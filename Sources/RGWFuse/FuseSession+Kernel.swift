import CRGWFuse
package import RGWBase

/// Telling the kernel that what it remembers is out of date.
///
/// The kernel takes locks for these that it also holds while it waits for answers (the directory's
/// for names, the pages' for content). Called outside a request, by a thread that no answer
/// depends on, they end; called by a thread that has a request of the same inode or directory to
/// answer, they deadlock. Each returns false when the kernel did not know the thing, which is as
/// good.
// SAFETY, all of them: `withContext` holds the session, and the name is read during the call only.
extension FuseSession {
    /// Drops cached pages and attributes.
    @discardableResult
    package func invalidateContent(of inode: InodeNumber) -> Bool {
        unsafe notify { unsafe fuse_lowlevel_notify_inval_inode($0, inode.value, 0, 0) }
    }

    /// Drops cached attributes only. A negative offset means no pages. Source: fuse_lowlevel.h.
    @discardableResult
    package func invalidateAttributes(of inode: InodeNumber) -> Bool {
        unsafe notify { unsafe fuse_lowlevel_notify_inval_inode($0, inode.value, -1, 0) }
    }

    /// Drops a name, so that its next use is a lookup.
    @discardableResult
    package func invalidateEntry(_ parent: InodeNumber, _ name: EntryName) -> Bool {
        unsafe notify { session in
            unsafe name.bytes.withUnsafeBytes { bytes in
                let text = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                return unsafe fuse_lowlevel_notify_inval_entry(
                    session, parent.value, text, bytes.count)
            }
        }
    }

    private func notify(_ send: (OpaquePointer) -> Int32) -> Bool {
        let result = withContext { context in unsafe context.withSession { unsafe send($0) } }
        return result == 0
    }
}
