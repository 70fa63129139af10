#define _GNU_SOURCE
#include "CRGWFuse.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

// The layouts that RGWFuse fills in; a libfuse that differs must not compile.
_Static_assert(sizeof(struct fuse_entry_param) == 176, "fuse_entry_param changed");
_Static_assert(sizeof(struct fuse_file_info) == 40, "fuse_file_info changed");
_Static_assert(sizeof(struct fuse_forget_data) == 16, "fuse_forget_data changed");
_Static_assert(sizeof(struct fuse_ctx) == 16, "fuse_ctx changed");
_Static_assert(sizeof(struct stat) == 144, "struct stat changed");

_Static_assert(CRGWFuse_renameNoReplace == RENAME_NOREPLACE, "rename flag");
_Static_assert(CRGWFuse_renameExchange == RENAME_EXCHANGE, "rename flag");
_Static_assert(CRGWFuse_xattrCreate == XATTR_CREATE, "setxattr flag");
_Static_assert(CRGWFuse_xattrReplace == XATTR_REPLACE, "setxattr flag");
_Static_assert(CRGWFuse_keepSize == FALLOC_FL_KEEP_SIZE, "fallocate flag");
_Static_assert(CRGWFuse_punchHole == FALLOC_FL_PUNCH_HOLE, "fallocate flag");
_Static_assert(CRGWFuse_zeroRange == FALLOC_FL_ZERO_RANGE, "fallocate flag");
_Static_assert(CRGWFuse_seekData == SEEK_DATA, "lseek whence");
_Static_assert(CRGWFuse_seekHole == SEEK_HOLE, "lseek whence");
_Static_assert(CRGWFuse_unmountForce == MNT_FORCE, "umount2 flag");
_Static_assert(CRGWFuse_unmountDetach == MNT_DETACH, "umount2 flag");

struct fuse_session *CRGWFuse_session(
    int count, char **arguments, const struct fuse_lowlevel_ops *operations, void *userdata)
{
    struct fuse_args args = FUSE_ARGS_INIT(count, arguments);
    struct fuse_session *session =
        fuse_session_new(&args, operations, sizeof(*operations), userdata);
    fuse_opt_free_args(&args);
    return session;
}

// Puts the kernel's "kill set-ID bits" where libfuse hands it to the operation.
static void move_drop_flag(void *buffer, size_t size)
{
    const struct fuse_in_header *header = buffer;
    void *argument = (char *)buffer + sizeof(*header);
    size_t room = size - sizeof(*header);
    if (header->opcode == FUSE_WRITE && room >= sizeof(struct fuse_write_in)) {
        struct fuse_write_in *write = argument;
        if (write->write_flags & FUSE_WRITE_KILL_SUIDGID)
            write->flags |= CRGWFuse_dropPrivileges;
    } else if (header->opcode == FUSE_OPEN && room >= sizeof(struct fuse_open_in)) {
        struct fuse_open_in *open = argument;
        if (open->open_flags & FUSE_OPEN_KILL_SUIDGID)
            open->flags |= CRGWFuse_dropPrivileges;
    } else if (header->opcode == FUSE_SETATTR && room >= sizeof(struct fuse_setattr_in)) {
        struct fuse_setattr_in *change = argument;
        if (change->valid & FATTR_KILL_SUIDGID)
            change->mode |= CRGWFuse_dropPrivileges;
    }
}

static ssize_t receive(int descriptor, void *buffer, size_t size, void *userdata)
{
    (void)userdata;
    ssize_t received = read(descriptor, buffer, size);
    if (received >= (ssize_t)sizeof(struct fuse_in_header))
        move_drop_flag(buffer, (size_t)received);
    return received;
}

// Adds to the answer to INIT what libfuse 3.14 does not know or pass on:
// - PARALLEL_DIROPS (forgotten; later ones do not): without it the kernel lets only one lookup at a
//   time into a directory.
// - HANDLE_KILLPRIV_V2 (unknown): without it the kernel asks for security.capability before writes,
//   and reads the mode again before it takes set-ID bits away. Kernels before 5.12 ignore it.
// The answer to INIT is known by its shape
// and by being the first: requests count up from 2 (from 1 before Linux 4.20). Source: linux
// fs/fuse/dev.c.
static ssize_t send_vector(int descriptor, struct iovec *vector, int count, void *userdata)
{
    (void)userdata;
    if (count == 2 && vector[1].iov_len == sizeof(struct fuse_init_out)) {
        const struct fuse_out_header *header = vector[0].iov_base;
        struct fuse_init_out *init = vector[1].iov_base;
        if (header->unique <= 2 && header->error == 0 && init->major == FUSE_KERNEL_VERSION)
            init->flags |= FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV_V2;
    }
    return writev(descriptor, vector, count);
}

int CRGWFuse_mount(struct fuse_session *session, const char *path)
{
    static const struct fuse_custom_io io = {.writev = send_vector, .read = receive};
    errno = 0;
    if (fuse_session_mount(session, path) == 0)
        return fuse_session_custom_io(session, &io, fuse_session_fd(session));
    // libfuse checks some options itself and then leaves errno alone.
    return errno != 0 ? -errno : -EINVAL;
}

int CRGWFuse_loop(struct fuse_session *session, unsigned threads_max)
{
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    if (config == NULL)
        return -ENOMEM;
    fuse_loop_cfg_set_clone_fd(config, 1);
    fuse_loop_cfg_set_max_threads(config, threads_max);
    // A thread ends when more than this many are idle: never.
    fuse_loop_cfg_set_idle_threads(config, threads_max);
    int result = fuse_session_loop_mt(session, config);
    fuse_loop_cfg_destroy(config);
    return result;
}

// SIGURG: ignored by default, so that a stray one does no harm, and sent by the kernel only to
// owners of sockets who asked for it.
static void ignore(int signal) { (void)signal; }

int CRGWFuse_wake_prepare(void)
{
    // No SA_RESTART: sem_wait(3), where the loop waits, must return EINTR.
    struct sigaction action = {.sa_handler = ignore};
    sigset_t wake;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGURG, &action, NULL) != 0)
        return -errno;
    sigemptyset(&wake);
    sigaddset(&wake, SIGURG);
    return -pthread_sigmask(SIG_UNBLOCK, &wake, NULL);
}

int CRGWFuse_wake(unsigned long thread) { return -pthread_kill(thread, SIGURG); }

// As an ordinary user, whose mount only the set-user-ID program may take away.
static int unmount_by_helper(const char *path, int flags)
{
    const char *const lazy[] = {"fusermount3", "-u", "-q", "-z", "--", path, NULL};
    const char *const busy[] = {"fusermount3", "-u", "-q", "--", path, NULL};
    char *const *arguments = (char *const *)(flags & MNT_DETACH ? lazy : busy);
    pid_t child;
    int status;
    if (posix_spawnp(&child, arguments[0], NULL, NULL, arguments, environ) != 0)
        return -EPERM;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EBUSY;
}

int CRGWFuse_unmount(const char *path, int flags)
{
    if (umount2(path, flags) == 0)
        return 0;
    return errno == EPERM ? unmount_by_helper(path, flags) : -errno;
}

int CRGWFuse_identify(const char *path, struct CRGWFuse_identity *identity)
{
    struct statx status;
    // DONT_SYNC: a FUSE filesystem answers from what the kernel knows, without a request.
    unsigned unique = 0x4000;  // STATX_MNT_ID_UNIQUE: Linux 6.8, newer than many headers.
    int flags = AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
    if (statx(AT_FDCWD, path, flags, STATX_MNT_ID | unique, &status) != 0)
        return -errno;
    if (!(status.stx_mask & (STATX_MNT_ID | unique)))
        return -EOPNOTSUPP;
    identity->unique = (status.stx_mask & unique) != 0;
    identity->mount = status.stx_mnt_id;
    identity->major = status.stx_dev_major;
    identity->minor = status.stx_dev_minor;
    return 0;
}

int CRGWFuse_check_directory(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return -errno;
    return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

int CRGWFuse_write_text(const char *path, const char *text, size_t size)
{
    int descriptor = open(path, O_WRONLY | O_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    ssize_t written = write(descriptor, text, size);
    int result = written < 0 ? -errno : 0;
    close(descriptor);
    return result;
}

int64_t CRGWFuse_read(int descriptor, void *buffer, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pread(descriptor, (char *)buffer + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (int64_t)done;
}

// Whether the line of /proc/PID/status named `name` (its mask is hexadecimal) has SIGKILL.
static int mask_has_kill(const char *status, const char *name)
{
    const char *line = strstr(status, name);
    return line != NULL && (strtoull(line + strlen(name), NULL, 16) >> (SIGKILL - 1) & 1);
}

int CRGWFuse_is_direct(int flags)
{
    return (flags & O_DIRECT) != 0;
}

int CRGWFuse_is_dying(int thread)
{
    char path[32], status[4096];
    snprintf(path, sizeof(path), "/proc/%d/status", thread);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return 0;
    int64_t size = CRGWFuse_read(descriptor, status, sizeof(status) - 1, 0);
    close(descriptor);
    if (size < 0)
        return 0;
    status[size] = 0;
    return mask_has_kill(status, "\nSigPnd:") || mask_has_kill(status, "\nShdPnd:");
}
