// What RGWHost needs of Linux and Swift cannot call: variadic functions, macros, fork, and calls
// whose errno must be taken before anything else runs. Every function returns a negative errno on
// failure unless its comment says otherwise. No policy, no state, no allocation.
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CRGWHostProgram.h"
#include "CRGWHostSocket.h"

// Flags of CRGWHost_open; O_CLOEXEC is always added.
enum {
    CRGWHost_open_read = 0,
    CRGWHost_open_write = 1,
    CRGWHost_open_create = 2,
    CRGWHost_open_exclusive = 4,
    CRGWHost_open_truncate = 8,
    CRGWHost_open_folder = 16,
    CRGWHost_open_nonblocking = 32,
};

// One clock reading.
struct CRGWHost_time {
    int64_t seconds;
    int64_t nanoseconds;
};

// What RGWHost looks at in `struct stat`.
struct CRGWHost_status {
    uint32_t mode;
    uint32_t uid;
    uint32_t gid;
    uint32_t device_major;
    uint32_t device_minor;
    uint64_t inode;
    uint64_t size;
    uint64_t allocated;
    struct CRGWHost_time mtime;
};

// Files. `read` and `write` functions repeat until all is done, the file ends or an error comes.
int CRGWHost_open(const char *path, int flags, uint32_t mode);
int CRGWHost_close(int fd);
// !waits: what is there now; the descriptor does not wait afterwards either.
int64_t CRGWHost_read(int fd, void *bytes, size_t count, bool waits);
int64_t CRGWHost_write(int fd, const void *bytes, size_t count);
int64_t CRGWHost_pread(int fd, void *bytes, size_t count, int64_t offset);
int64_t CRGWHost_pwrite(int fd, const void *bytes, size_t count, int64_t offset);
int CRGWHost_fdatasync(int fd);
int CRGWHost_fsync(int fd);
int CRGWHost_syncfs(int fd);
int CRGWHost_ftruncate(int fd, int64_t size);
int CRGWHost_punch_hole(int fd, int64_t offset, int64_t length);
int CRGWHost_allocate(int fd, int64_t offset, int64_t length, int keep_size);
// The first `count` bytes of `from`, sharing them where the filesystem can.
int64_t CRGWHost_copy(int from, int to, int64_t count);
int64_t CRGWHost_seek_data(int fd, int64_t offset);
int64_t CRGWHost_seek_hole(int fd, int64_t offset);
int CRGWHost_fstat(int fd, struct CRGWHost_status *status);
int CRGWHost_stat(const char *path, struct CRGWHost_status *status);
int CRGWHost_lstat(const char *path, struct CRGWHost_status *status);
int CRGWHost_fchmod(int fd, uint32_t mode);
int CRGWHost_flock(int fd);
/// 1: another descriptor has it, with CRGWHost_flock.
int CRGWHost_is_locked(int fd);
int CRGWHost_flock_wait(int fd);
int CRGWHost_flock_release(int fd);
// Bytes that an ordinary user may still write on the filesystem of `fd`.
int64_t CRGWHost_free_bytes(int fd);
// Bytes of the whole filesystem.
int64_t CRGWHost_total_bytes(int fd);
// `f_type` of statfs(2).
int64_t CRGWHost_filesystem_type(int fd);

// Names.
int CRGWHost_rename(const char *from, const char *to);
int CRGWHost_rename_noreplace(const char *from, const char *to);
int CRGWHost_unlink(const char *path);
int CRGWHost_rmdir(const char *path);
int CRGWHost_mkdir(const char *path, uint32_t mode);
// Copies the next name (with its NUL) into `name` of `size` >= 256 bytes. 1: a name, 0: the end.
int CRGWHost_list_next(void *directory, char *name, size_t size);
// The stream, or null with the negative errno in `error`. It owns a descriptor until closed.
void *CRGWHost_list(const char *path, int *error);
void CRGWHost_list_end(void *directory);
int CRGWHost_unmount(const char *path, int lazily);

// Processes.
int CRGWHost_fork(void);
int CRGWHost_setsid(void);
int CRGWHost_chdir(const char *path);
// Both ends close on exec.
int CRGWHost_pipe(int *read_end, int *write_end);
int CRGWHost_dup2(int from, int to);
int CRGWHost_kill(int pid, int signal);
// The exit status, or 128 + signal.
int CRGWHost_wait(int pid);
_Noreturn void CRGWHost_exit(int status);
int CRGWHost_pid(void);
uint32_t CRGWHost_effective_uid(void);
int64_t CRGWHost_page_size(void);
// Lets the process open as many files as it may allow itself; returns how many.
int64_t CRGWHost_raise_descriptor_limit(void);
int CRGWHost_host_name(char *name, size_t size);

// Threads. The name is cut to 15 bytes, as pthread_setname_np(3) wants it.
void CRGWHost_name_thread(const char *name);
int CRGWHost_thread_name(char *name, size_t size);
// A condition variable on CLOCK_MONOTONIC.
int CRGWHost_condition_init(pthread_cond_t *condition);
// 0, or -ETIMEDOUT once the monotonic clock has reached `nanoseconds`.
int CRGWHost_condition_wait(
    pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t nanoseconds);

// Signals. `signals` are numbers; they stay blocked in the calling thread and those it starts.
int CRGWHost_block_signals(const int *signals, int count);
int CRGWHost_ignore_signal(int signal);
int CRGWHost_signal_descriptor(const int *signals, int count);
// The next signal's number; 0 when `stop` became readable first.
int CRGWHost_next_signal(int signal_fd, int stop_fd);

// Clocks and chance; these cannot fail (clock_gettime(2), getrandom(2) of at most 256 bytes).
int64_t CRGWHost_monotonic_nanoseconds(void);
struct CRGWHost_time CRGWHost_wall_time(void);
uint64_t CRGWHost_random(void);
