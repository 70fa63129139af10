#define _GNU_SOURCE
#include "CRGWHost.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

_Static_assert(sizeof(off_t) == 8, "offsets are 64 bits wide");

// The call's value, or -errno; repeated when a signal interrupted it.
#define RETRY(call)                                                                                \
    do {                                                                                           \
        __typeof__(call) result;                                                                   \
        do {                                                                                       \
            result = (call);                                                                       \
        } while (result < 0 && errno == EINTR);                                                    \
        return result < 0 ? -errno : result;                                                       \
    } while (0)

int CRGWHost_open(const char *path, int flags, uint32_t mode) {
    int native = O_CLOEXEC | ((flags & CRGWHost_open_write) ? O_RDWR : O_RDONLY);
    if (flags & CRGWHost_open_create) native |= O_CREAT;
    if (flags & CRGWHost_open_exclusive) native |= O_EXCL;
    if (flags & CRGWHost_open_truncate) native |= O_TRUNC;
    if (flags & CRGWHost_open_folder) native |= O_DIRECTORY;
    if (flags & CRGWHost_open_nonblocking) native |= O_NONBLOCK | O_NOCTTY;
    RETRY(openat(AT_FDCWD, path, native, (mode_t)mode));
}

// Not repeated: on Linux the descriptor is gone after EINTR, too (close(2)).
int CRGWHost_close(int fd) { return close(fd) < 0 ? -errno : 0; }

int64_t CRGWHost_read(int fd, void *bytes, size_t count, bool waits) {
    int flags = waits ? 0 : fcntl(fd, F_GETFL);
    if (!waits && (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)) return -errno;
    size_t done = 0;
    while (done < count) {
        ssize_t n = read(fd, (char *)bytes + done, count - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN && !waits) break;
        if (n < 0) return -errno;
        if (n == 0) break;
        done += (size_t)n;
    }
    return (int64_t)done;
}

int64_t CRGWHost_write(int fd, const void *bytes, size_t count) {
    size_t done = 0;
    while (done < count) {
        ssize_t n = write(fd, (const char *)bytes + done, count - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        if (n == 0) return -EIO;
        done += (size_t)n;
    }
    return (int64_t)done;
}

int64_t CRGWHost_pread(int fd, void *bytes, size_t count, int64_t offset) {
    size_t done = 0;
    while (done < count) {
        ssize_t n = pread(fd, (char *)bytes + done, count - done, offset + (int64_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        if (n == 0) break;
        done += (size_t)n;
    }
    return (int64_t)done;
}

int64_t CRGWHost_pwrite(int fd, const void *bytes, size_t count, int64_t offset) {
    size_t done = 0;
    while (done < count) {
        ssize_t n = pwrite(fd, (const char *)bytes + done, count - done, offset + (int64_t)done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        if (n == 0) return -EIO;
        done += (size_t)n;
    }
    return (int64_t)done;
}

int CRGWHost_fdatasync(int fd) { RETRY(fdatasync(fd)); }
int CRGWHost_fsync(int fd) { RETRY(fsync(fd)); }
int CRGWHost_syncfs(int fd) { RETRY(syncfs(fd)); }
int CRGWHost_ftruncate(int fd, int64_t size) { RETRY(ftruncate(fd, size)); }

int CRGWHost_punch_hole(int fd, int64_t offset, int64_t length) {
    RETRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length));
}

int CRGWHost_allocate(int fd, int64_t offset, int64_t length, int keep_size) {
    RETRY(fallocate(fd, keep_size ? FALLOC_FL_KEEP_SIZE : 0, offset, length));
}

int64_t CRGWHost_copy(int from, int to, int64_t count) {
    off64_t source = 0, target = 0;
    while (target < count) {
        ssize_t n = copy_file_range(from, &source, to, &target, (size_t)(count - target), 0);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        if (n == 0) return -ENODATA;
    }
    return target;
}

int64_t CRGWHost_seek_data(int fd, int64_t offset) { RETRY(lseek(fd, offset, SEEK_DATA)); }
int64_t CRGWHost_seek_hole(int fd, int64_t offset) { RETRY(lseek(fd, offset, SEEK_HOLE)); }

static void convert(const struct stat *from, struct CRGWHost_status *to) {
    to->mode = from->st_mode;
    to->uid = from->st_uid;
    to->gid = from->st_gid;
    to->device_major = major(from->st_dev);
    to->device_minor = minor(from->st_dev);
    to->inode = from->st_ino;
    to->size = (uint64_t)from->st_size;
    // st_blocks counts 512 bytes whatever st_blksize says. Source: stat(3type).
    to->allocated = (uint64_t)from->st_blocks * 512;
    to->mtime.seconds = from->st_mtim.tv_sec;
    to->mtime.nanoseconds = from->st_mtim.tv_nsec;
}

int CRGWHost_fstat(int fd, struct CRGWHost_status *status) {
    struct stat native;
    if (fstat(fd, &native) < 0) return -errno;
    convert(&native, status);
    return 0;
}

int CRGWHost_stat(const char *path, struct CRGWHost_status *status) {
    struct stat native;
    if (stat(path, &native) < 0) return -errno;
    convert(&native, status);
    return 0;
}

int CRGWHost_lstat(const char *path, struct CRGWHost_status *status) {
    struct stat native;
    if (lstat(path, &native) < 0) return -errno;
    convert(&native, status);
    return 0;
}

int CRGWHost_fchmod(int fd, uint32_t mode) { RETRY(fchmod(fd, (mode_t)mode)); }
// Who only asks whether somebody has it (CRGWHost_is_locked) has it for a moment: that is waited for.
int CRGWHost_flock(int fd) {
    for (int round = 0;; round++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) return 0;
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK || round >= 10) return -errno;
        usleep(1000);
    }
}

int CRGWHost_is_locked(int fd) {
    int result;
    do {
        result = flock(fd, LOCK_SH | LOCK_NB);
    } while (result < 0 && errno == EINTR);
    if (result < 0) return errno == EWOULDBLOCK ? 1 : -errno;
    flock(fd, LOCK_UN);
    return 0;
}

int CRGWHost_flock_wait(int fd) { RETRY(flock(fd, LOCK_EX)); }
int CRGWHost_flock_release(int fd) { RETRY(flock(fd, LOCK_UN)); }

int64_t CRGWHost_free_bytes(int fd) {
    struct statvfs native;
    if (fstatvfs(fd, &native) < 0) return -errno;
    uint64_t unit = native.f_frsize;
    uint64_t bytes;
    if (__builtin_mul_overflow(native.f_bavail, unit, &bytes)) return INT64_MAX;
    if (bytes > INT64_MAX) return INT64_MAX;
    return (int64_t)bytes;
}

int64_t CRGWHost_total_bytes(int fd) {
    struct statvfs native;
    if (fstatvfs(fd, &native) < 0) return -errno;
    uint64_t bytes;
    if (__builtin_mul_overflow((uint64_t)native.f_blocks, (uint64_t)native.f_frsize, &bytes))
        return INT64_MAX;
    if (bytes > INT64_MAX) return INT64_MAX;
    return (int64_t)bytes;
}

int64_t CRGWHost_filesystem_type(int fd) {
    struct statfs native;
    if (fstatfs(fd, &native) < 0) return -errno;
    // f_type is signed and some magic numbers have the top bit of 32 set.
    return (int64_t)(uint32_t)native.f_type;
}

int CRGWHost_rename(const char *from, const char *to) { RETRY(rename(from, to)); }
int CRGWHost_rename_noreplace(const char *from, const char *to) {
    RETRY(renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE));
}
int CRGWHost_unlink(const char *path) { RETRY(unlink(path)); }
int CRGWHost_rmdir(const char *path) { RETRY(rmdir(path)); }
int CRGWHost_mkdir(const char *path, uint32_t mode) { RETRY(mkdir(path, (mode_t)mode)); }

int CRGWHost_list_next(void *directory, char *name, size_t size) {
    errno = 0;
    struct dirent *entry = readdir(directory);
    if (!entry) return -errno;
    size_t length = strlen(entry->d_name) + 1;
    if (length > size) return -ENAMETOOLONG;
    memcpy(name, entry->d_name, length);
    return 1;
}

void *CRGWHost_list(const char *path, int *error) {
    DIR *directory = opendir(path);
    *error = directory ? 0 : -errno;
    return directory;
}

void CRGWHost_list_end(void *directory) { closedir(directory); }

int CRGWHost_unmount(const char *path, int lazily) {
    RETRY(umount2(path, lazily ? MNT_DETACH : 0));
}
