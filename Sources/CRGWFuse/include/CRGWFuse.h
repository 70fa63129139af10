// The parts of libfuse's low-level API and of Linux that Swift cannot import: versioned macros,
// variadic calls, errno. Every function returns 0 or a count, or a negative errno. No state, no
// allocation.
#pragma once
#include "../../CFuse/shim.h"
#include <stdint.h>

/// rename(2) flags. Source: linux/fs.h.
enum { CRGWFuse_renameNoReplace = 1 << 0, CRGWFuse_renameExchange = 1 << 1 };

/// setxattr(2) flags. Source: linux/xattr.h.
enum { CRGWFuse_xattrCreate = 1, CRGWFuse_xattrReplace = 2 };

/// fallocate(2) flags. Source: linux/falloc.h.
enum { CRGWFuse_keepSize = 1, CRGWFuse_punchHole = 2, CRGWFuse_zeroRange = 16 };

/// lseek(2). Source: linux/fs.h.
enum { CRGWFuse_seekData = 3, CRGWFuse_seekHole = 4 };

/// The caller may not keep set-ID bits: `CRGWFuse_mount` moves the kernel's flag, which libfuse
/// 3.14 does not pass on, to a bit that nothing else uses in the flags of open and write and in the
/// mode of setattr.
enum { CRGWFuse_dropPrivileges = 1 << 30 };

/// umount2(2) flags. Source: sys/mount.h.
enum { CRGWFuse_unmountForce = 1, CRGWFuse_unmountDetach = 2 };

/// `fuse_session_new` with an argument vector of `count` strings, the first of which is ignored.
/// NULL when libfuse does not know an option.
struct fuse_session *_Nullable CRGWFuse_session(
    int count, char *_Nullable *_Nonnull arguments,
    const struct fuse_lowlevel_ops *_Nonnull operations, void *_Nonnull userdata);

/// `fuse_session_mount`.
int CRGWFuse_mount(struct fuse_session *_Nonnull session, const char *_Nonnull path);

/// `fuse_session_loop_mt`: returns when the filesystem is unmounted or the session was told to
/// exit and the calling thread was woken. Idle threads are kept; every thread has a descriptor of
/// its own.
int CRGWFuse_loop(struct fuse_session *_Nonnull session, unsigned threads_max);

/// Makes the wake signal harmless for the process and deliverable to the calling thread.
int CRGWFuse_wake_prepare(void);
/// Interrupts the blocking call of one thread.
int CRGWFuse_wake(unsigned long thread);

/// `umount2`.
int CRGWFuse_unmount(const char *_Nonnull path, int flags);

/// What is mounted at `path`: its mount ID and device number. Asks the filesystem nothing.
struct CRGWFuse_identity {
    uint64_t mount;
    uint32_t major;
    uint32_t minor;
    /// The mount ID is never used again (Linux 6.8); before that the next mount may get it.
    int unique;
};
int CRGWFuse_identify(const char *_Nonnull path, struct CRGWFuse_identity *_Nonnull identity);

/// 0 when `path` is a directory that can be mounted on.
int CRGWFuse_check_directory(const char *_Nonnull path);

/// Writes a short text to an existing file of sysfs.
int CRGWFuse_write_text(const char *_Nonnull path, const char *_Nonnull text, size_t size);

/// `pread` until `size` bytes or the end of the file.
int64_t CRGWFuse_read(int descriptor, void *_Nonnull buffer, size_t size, uint64_t offset);

/// 1 when open(2)'s flags have O_DIRECT, whose number depends on the machine.
int CRGWFuse_is_direct(int flags);

/// 1 when the thread has a fatal signal pending, which the kernel turns into SIGKILL; 0 also when
/// there is no such thread here.
int CRGWFuse_is_dying(int thread);
