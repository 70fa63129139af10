#define _GNU_SOURCE
#include "CRGWHostProgram.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

const char *CRGWHost_variable(const char *name) { return getenv(name); }
uint32_t CRGWHost_real_uid(void) { return getuid(); }
uint32_t CRGWHost_real_gid(void) { return getgid(); }

int CRGWHost_user(uint32_t uid, char *home, size_t home_size, char *name, size_t name_size) {
    char text[4096];
    struct passwd entry, *found = NULL;
    int error = getpwuid_r(uid, &entry, text, sizeof text, &found);
    if (error) return -error;
    if (!found) return -ENOENT;
    if (strlen(entry.pw_dir) >= home_size || strlen(entry.pw_name) >= name_size) return -ERANGE;
    strcpy(home, entry.pw_dir);
    strcpy(name, entry.pw_name);
    return 0;
}

int CRGWHost_working_directory(char *path, size_t size) {
    return getcwd(path, size) ? 0 : -errno;
}

int CRGWHost_real_path(const char *path, char *real) { return realpath(path, real) ? 0 : -errno; }

int64_t CRGWHost_attribute(const char *path, const char *name, void *value, size_t size) {
    ssize_t length = getxattr(path, name, value, size);
    return length < 0 ? -errno : length;
}

int CRGWHost_unmount_with(const char *path, int forced, int lazily) {
    int flags = UMOUNT_NOFOLLOW | (forced ? MNT_FORCE : 0) | (lazily ? MNT_DETACH : 0);
    return umount2(path, flags) < 0 ? -errno : 0;
}

int CRGWHost_remount(const char *path, uint64_t flags) {
    return mount("none", path, NULL, MS_REMOUNT | (unsigned long)flags, NULL) < 0 ? -errno : 0;
}

int CRGWHost_spawn(
    int quiet, const char *program, const char *one, const char *two, const char *three,
    const char *four, const char *five) {
    // posix_spawn(3) takes non-const strings and does not change them.
    char *const arguments[] = {(char *)program, (char *)one,  (char *)two, (char *)three,
                               (char *)four,    (char *)five, NULL};
    posix_spawn_file_actions_t streams;
    int error = posix_spawn_file_actions_init(&streams);
    if (error) return -error;
    for (int stream = 0; quiet && !error && stream <= 2; stream++)
        error = posix_spawn_file_actions_addopen(&streams, stream, "/dev/null", O_RDWR, 0);
    pid_t pid = 0;
    if (!error) error = posix_spawnp(&pid, program, &streams, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&streams);
    return error ? -error : pid;
}

int CRGWHost_spawn_words(const char *words, size_t size, int output) {
    enum { words_max = 64 };
    char *arguments[words_max + 1];
    int count = 0;
    for (size_t at = 0; at < size; at += strlen(words + at) + 1) {
        if (count == words_max) return -E2BIG;
        arguments[count++] = (char *)words + at;
    }
    if (!count) return -EINVAL;
    arguments[count] = NULL;
    posix_spawn_file_actions_t streams;
    posix_spawnattr_t manner;
    int error = posix_spawn_file_actions_init(&streams);
    if (error) return -error;
    error = posix_spawnattr_init(&manner);
    if (error) {
        posix_spawn_file_actions_destroy(&streams);
        return -error;
    }
    // Signals as a program expects them: our threads block some, and SIGPIPE is ignored here.
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_setsigmask(&manner, &none);
    posix_spawnattr_setsigdefault(&manner, &usual);
    // A group of its own, so that what it has started can be ended with it.
    posix_spawnattr_setpgroup(&manner, 0);
    posix_spawnattr_setflags(
        &manner, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    error = posix_spawn_file_actions_addopen(&streams, 0, "/dev/null", O_RDONLY, 0);
    if (!error) error = posix_spawn_file_actions_adddup2(&streams, output, 1);
    if (!error) error = posix_spawn_file_actions_addopen(&streams, 2, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    if (!error) error = posix_spawnp(&pid, arguments[0], &streams, &manner, arguments, environ);
    posix_spawnattr_destroy(&manner);
    posix_spawn_file_actions_destroy(&streams);
    return error ? -error : pid;
}

int CRGWHost_poll_child(int pid) {
    int status;
    pid_t found;
    do {
        found = waitpid(pid, &status, WNOHANG);
    } while (found < 0 && errno == EINTR);
    if (found < 0) return -errno;
    if (found == 0) return -EAGAIN;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int CRGWHost_is_terminal(int fd) { return isatty(fd) == 1; }

void CRGWHost_log(int severity, const char *message) {
    openlog("rgwfs", LOG_PID, LOG_DAEMON);
    syslog(severity, "%s", message);
}

void CRGWHost_set_allocator(int arenas, int block, int top) {
    mallopt(M_ARENA_MAX, arenas);
    mallopt(M_MMAP_THRESHOLD, block);
    mallopt(M_TRIM_THRESHOLD, top);
}

int64_t CRGWHost_allocated_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    return (int64_t)(info.uordblks + info.hblkhd);
}

void CRGWHost_trim_memory(void) { malloc_trim(0); }

int64_t CRGWHost_processor_nanoseconds(void) {
    struct timespec used;
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) < 0) return 0;
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}
