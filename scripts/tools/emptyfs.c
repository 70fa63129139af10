/* An empty FUSE filesystem: every call goes to a local directory, and nothing is added.
 *
 *   emptyfs DIRECTORY MOUNTPOINT [FAULTS]
 *
 * What a program pays for FUSE alone: scripts/bench measures rgwfs beside it. Serves one request at a
 * time, in the foreground.
 *
 * With FAULTS it is a disk that fails: that file has lines "CALL ERRNO PATTERN", and each "write", "sync"
 * or "create" of a path that matches PATTERN (fnmatch(3), without the first slash; a "*" also matches "/")
 * fails with that number while the line is there. It then ends with the process that started it. */
#define FUSE_USE_VERSION 314
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <fuse.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

static int root;
static const char *faults;

static const char *below(const char *path) { return path[1] ? path + 1 : "."; }

static int answer(int result) { return result < 0 ? -errno : 0; }

/* 0, or the error that the call is to fail with. */
static int fault(const char *call, const char *path) {
    FILE *rules = faults ? fopen(faults, "r") : NULL;
    if (!rules) return 0;
    char wanted[16], pattern[256];
    int number, found = 0;
    while (!found && fscanf(rules, "%15s %d %255s", wanted, &number, pattern) == 3)
        if (!strcmp(wanted, call) && !fnmatch(pattern, below(path), 0)) found = -number;
    fclose(rules);
    return found;
}

static int get_attributes(const char *path, struct stat *status, struct fuse_file_info *file) {
    (void)file;
    return answer(fstatat(root, below(path), status, AT_SYMLINK_NOFOLLOW));
}

static int list(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
                struct fuse_file_info *file, enum fuse_readdir_flags flags) {
    (void)offset, (void)file, (void)flags;
    int descriptor = openat(root, below(path), O_RDONLY | O_DIRECTORY);
    if (descriptor < 0) return -errno;
    DIR *directory = fdopendir(descriptor);
    if (!directory) return -errno;
    struct dirent *entry;
    while ((entry = readdir(directory))) fill(buffer, entry->d_name, NULL, 0, 0);
    closedir(directory);
    return 0;
}

static int make_directory(const char *path, mode_t mode) {
    return answer(mkdirat(root, below(path), mode));
}

static int remove_file(const char *path) { return answer(unlinkat(root, below(path), 0)); }

static int remove_directory(const char *path) {
    return answer(unlinkat(root, below(path), AT_REMOVEDIR));
}

static int move(const char *from, const char *to, unsigned flags) {
    return answer(renameat2(root, below(from), root, below(to), flags));
}

static int set_mode(const char *path, mode_t mode, struct fuse_file_info *file) {
    (void)file;
    return answer(fchmodat(root, below(path), mode, 0));
}

static int set_owner(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *file) {
    (void)file;
    return answer(fchownat(root, below(path), uid, gid, AT_SYMLINK_NOFOLLOW));
}

static int set_times(const char *path, const struct timespec times[2],
                     struct fuse_file_info *file) {
    (void)file;
    return answer(utimensat(root, below(path), times, AT_SYMLINK_NOFOLLOW));
}

static int set_size(const char *path, off_t size, struct fuse_file_info *file) {
    if (file) return answer(ftruncate((int)file->fh, size));
    int descriptor = openat(root, below(path), O_WRONLY);
    if (descriptor < 0) return -errno;
    int result = answer(ftruncate(descriptor, size));
    close(descriptor);
    return result;
}

static int opened(int descriptor, struct fuse_file_info *file) {
    if (descriptor < 0) return -errno;
    file->fh = (uint64_t)descriptor;
    return 0;
}

static int create_file(const char *path, mode_t mode, struct fuse_file_info *file) {
    int failure = fault("create", path);
    if (failure) return failure;
    return opened(openat(root, below(path), file->flags | O_CREAT, mode), file);
}

static int open_file(const char *path, struct fuse_file_info *file) {
    return opened(openat(root, below(path), file->flags), file);
}

static int read_file(const char *path, char *bytes, size_t count, off_t offset,
                     struct fuse_file_info *file) {
    (void)path;
    ssize_t got = pread((int)file->fh, bytes, count, offset);
    return got < 0 ? -errno : (int)got;
}

static int write_file(const char *path, const char *bytes, size_t count, off_t offset,
                      struct fuse_file_info *file) {
    int failure = fault("write", path);
    if (failure) return failure;
    ssize_t put = pwrite((int)file->fh, bytes, count, offset);
    return put < 0 ? -errno : (int)put;
}

static int close_file(const char *path, struct fuse_file_info *file) {
    (void)path;
    return answer(close((int)file->fh));
}

/* Nothing is kept back. */
static int flush(const char *path, struct fuse_file_info *file) {
    (void)path, (void)file;
    return 0;
}

static int sync_file(const char *path, int data_only, struct fuse_file_info *file) {
    int failure = fault("sync", path);
    if (failure) return failure;
    return answer(data_only ? fdatasync((int)file->fh) : fsync((int)file->fh));
}

static int sync_directory(const char *path, int data_only, struct fuse_file_info *file) {
    (void)data_only, (void)file;
    return fault("sync", path);
}

static int get_size(const char *path, struct statvfs *status) {
    (void)path;
    return answer(fstatvfs(root, status));
}

static struct fuse_operations operations = {
    .getattr = get_attributes,
    .readdir = list,
    .mkdir = make_directory,
    .unlink = remove_file,
    .rmdir = remove_directory,
    .rename = move,
    .chmod = set_mode,
    .chown = set_owner,
    .utimens = set_times,
    .truncate = set_size,
    .create = create_file,
    .open = open_file,
    .read = read_file,
    .write = write_file,
    .flush = flush,
    .release = close_file,
};

int main(int count, char **words) {
    if (count != 3 && count != 4) {
        fprintf(stderr, "usage: emptyfs DIRECTORY MOUNTPOINT [FAULTS]\n");
        return 1;
    }
    root = open(words[1], O_RDONLY | O_DIRECTORY);
    if (root < 0) {
        fprintf(stderr, "emptyfs: %s: %s\n", words[1], strerror(errno));
        return 1;
    }
    if (count == 4) {
        faults = words[3];
        operations.fsync = sync_file;
        operations.fsyncdir = sync_directory;
        operations.statfs = get_size;
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    }
    umask(0);
    char *arguments[] = {words[0], "-f", "-s", words[2], NULL};
    return fuse_main(4, arguments, &operations, NULL);
}
