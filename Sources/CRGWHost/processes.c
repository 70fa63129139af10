#define _GNU_SOURCE
#include "CRGWHost.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int result(int value) { return value < 0 ? -errno : value; }

int CRGWHost_fork(void) { return result(fork()); }
int CRGWHost_setsid(void) { return result(setsid()); }
int CRGWHost_chdir(const char *path) { return result(chdir(path)); }

int CRGWHost_pipe(int *read_end, int *write_end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0) return -errno;
    *read_end = ends[0];
    *write_end = ends[1];
    return 0;
}

int CRGWHost_dup2(int from, int to) {
    int value;
    do {
        value = dup2(from, to);
    } while (value < 0 && (errno == EINTR || errno == EBUSY));
    return result(value);
}

int CRGWHost_kill(int pid, int signal) { return result(kill(pid, signal)); }

int CRGWHost_wait(int pid) {
    int status;
    pid_t found;
    do {
        found = waitpid(pid, &status, 0);
    } while (found < 0 && errno == EINTR);
    if (found < 0) return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

_Noreturn void CRGWHost_exit(int status) { _exit(status); }
int CRGWHost_pid(void) { return getpid(); }
uint32_t CRGWHost_effective_uid(void) { return geteuid(); }
int64_t CRGWHost_page_size(void) { return sysconf(_SC_PAGESIZE); }

int64_t CRGWHost_raise_descriptor_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
  struct rlimit hard = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  // EPERM where fs.nr_open is lower than the hard limit: the soft one stays.
  if (limit.rlim_cur < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &hard) == 0) limit = hard;
  return limit.rlim_cur > INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur;
}

int CRGWHost_host_name(char *name, size_t size) {
    if (gethostname(name, size) < 0) return -errno;
    // gethostname(2) need not terminate a name that it cut.
    name[size - 1] = 0;
    return 0;
}

void CRGWHost_name_thread(const char *name) {
    char cut[16] = {0};
    strncpy(cut, name, sizeof cut - 1);
    pthread_setname_np(pthread_self(), cut);
}

int CRGWHost_thread_name(char *name, size_t size) {
    return -pthread_getname_np(pthread_self(), name, size);
}

int CRGWHost_condition_init(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (error) return -error;
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (!error) error = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return -error;
}

int CRGWHost_condition_wait(
    pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t nanoseconds) {
    // A time before the clock's start is long past; timespec may not be negative.
    if (nanoseconds < 0) nanoseconds = 0;
    struct timespec deadline = {
        .tv_sec = nanoseconds / 1000000000,
        .tv_nsec = nanoseconds % 1000000000,
    };
    return -pthread_cond_timedwait(condition, mutex, &deadline);
}

static void fill(sigset_t *set, const int *signals, int count) {
    sigemptyset(set);
    for (int i = 0; i < count; i++) sigaddset(set, signals[i]);
}

int CRGWHost_block_signals(const int *signals, int count) {
    sigset_t set;
    fill(&set, signals, count);
    return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int CRGWHost_ignore_signal(int number) {
    return signal(number, SIG_IGN) == SIG_ERR ? -errno : 0;
}

int CRGWHost_signal_descriptor(const int *signals, int count) {
    sigset_t set;
    fill(&set, signals, count);
    return result(signalfd(-1, &set, SFD_CLOEXEC));
}

int CRGWHost_next_signal(int signal_fd, int stop_fd) {
    struct pollfd waiting[2] = {
        {.fd = signal_fd, .events = POLLIN},
        {.fd = stop_fd, .events = POLLIN},
    };
    for (;;) {
        if (poll(waiting, 2, -1) < 0) {
            if (errno == EINTR) continue;
            return -errno;
        }
        if (waiting[0].revents) {
            struct signalfd_siginfo info;
            ssize_t n = read(signal_fd, &info, sizeof info);
            if (n < 0 && errno == EINTR) continue;
            if (n != sizeof info) return n < 0 ? -errno : -EIO;
            return (int)info.ssi_signo;
        }
        if (waiting[1].revents) return 0;
    }
}

int64_t CRGWHost_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct CRGWHost_time CRGWHost_wall_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (struct CRGWHost_time){now.tv_sec, now.tv_nsec};
}

uint64_t CRGWHost_random(void) {
    uint64_t value;
    while (getrandom(&value, sizeof value, 0) != sizeof value) continue;
    return value;
}
