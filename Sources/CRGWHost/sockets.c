#define _GNU_SOURCE
#include "CRGWHostSocket.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// Fills in /proc/self/fd/DIRECTORY/NAME.
static int address(struct sockaddr_un *to, int directory, const char *name) {
    memset(to, 0, sizeof *to);
    to->sun_family = AF_UNIX;
    int length = snprintf(to->sun_path, sizeof to->sun_path, "/proc/self/fd/%d/%s", directory, name);
    return length < 0 || (size_t)length >= sizeof to->sun_path ? -ENAMETOOLONG : 0;
}

static int open_directory(const char *path) {
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

// Closes `fd` when `error` is one.
static int finish(int fd, int error) {
    if (error < 0) close(fd);
    return error < 0 ? error : fd;
}

int CRGWHost_listen(const char *directory, const char *name, int backlog) {
    int folder = open_directory(directory);
    if (folder < 0) return folder;
    struct sockaddr_un to;
    int error = address(&to, folder, name);
    int fd = -1;
    // Whatever else has the name belongs to somebody.
    struct stat there;
    if (!error && fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISSOCK(there.st_mode))
        error = -EEXIST;
    if (!error && unlinkat(folder, name, 0) < 0 && errno != ENOENT) error = -errno;
    if (!error && (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0) error = -errno;
    if (!error && bind(fd, (struct sockaddr *)&to, sizeof to) < 0) error = -errno;
    if (!error && fchmodat(folder, name, 0600, 0) < 0) error = -errno;
    if (!error && listen(fd, backlog) < 0) error = -errno;
    close(folder);
    return fd < 0 ? error : finish(fd, error);
}

int CRGWHost_listen_loopback(int version6, uint16_t port, int backlog) {
    struct sockaddr_in four = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 six = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    const struct sockaddr *to = version6 ? (void *)&six : (void *)&four;
    socklen_t size = version6 ? sizeof six : sizeof four;
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int yes = 1, error = 0;
    // Connections of a mount that has ended do not keep the next one off.
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0) error = -errno;
    if (!error && bind(fd, to, size) < 0) error = -errno;
    if (!error && listen(fd, backlog) < 0) error = -errno;
    return finish(fd, error);
}

int CRGWHost_connect(const char *directory, const char *name) {
    int folder = open_directory(directory);
    if (folder < 0) return folder;
    struct sockaddr_un to;
    int error = address(&to, folder, name);
    int fd = -1;
    if (!error && (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0) error = -errno;
    if (!error && connect(fd, (struct sockaddr *)&to, sizeof to) < 0) error = -errno;
    close(folder);
    return fd < 0 ? error : finish(fd, error);
}

int CRGWHost_accept(int listen_fd, int stop_fd) {
    struct pollfd waiting[2] = {
        {.fd = listen_fd, .events = POLLIN},
        {.fd = stop_fd, .events = POLLIN},
    };
    for (;;) {
        if (poll(waiting, 2, -1) < 0 && errno != EINTR) return -errno;
        if (waiting[1].revents) return -ECANCELED;
        if (!waiting[0].revents) continue;
        int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) return fd;
        if (errno == EINTR || errno == ECONNABORTED) continue;
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) return -errno;
        // It passes; meanwhile the connection waits.
        if (poll(&waiting[1], 1, 100) > 0) return -ECANCELED;
    }
}

int CRGWHost_peer_user(int fd, uint32_t *user) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return -errno;
    *user = peer.uid;
    return 0;
}

static int wait_for(int fd, short events, int milliseconds) {
    struct pollfd waiting = {.fd = fd, .events = events};
    int ready;
    do {
        ready = poll(&waiting, 1, milliseconds);
    } while (ready < 0 && errno == EINTR);
    if (ready < 0) return -errno;
    return ready == 0 ? -ETIMEDOUT : 0;
}

int64_t CRGWHost_receive(int fd, void *bytes, size_t size, int milliseconds) {
    int error = wait_for(fd, POLLIN, milliseconds);
    if (error) return error;
    ssize_t n;
    do {
        n = recv(fd, bytes, size, 0);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int CRGWHost_send(int fd, const void *bytes, size_t count, int milliseconds) {
    size_t done = 0;
    while (done < count) {
        ssize_t n = send(fd, (const char *)bytes + done, count - done, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            int error = wait_for(fd, POLLOUT, milliseconds);
            if (error) return error;
            continue;
        }
        if (n < 0) return -errno;
        done += (size_t)n;
    }
    return 0;
}

int CRGWHost_hang_up(int fd) { return shutdown(fd, SHUT_RDWR) < 0 ? -errno : 0; }

int CRGWHost_notify(const char *name, const char *text) {
    struct sockaddr_un to;
    memset(&to, 0, sizeof to);
    to.sun_family = AF_UNIX;
    size_t length = strlen(name);
    if (length == 0 || length >= sizeof to.sun_path) return -EINVAL;
    memcpy(to.sun_path, name, length);
    if (to.sun_path[0] == '@') to.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    ssize_t sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
    int error = sent < 0 ? -errno : 0;
    close(fd);
    return error;
}

int CRGWHost_resolve(const char *host) {
    struct addrinfo hints, *found;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    int error = getaddrinfo(host, NULL, &hints, &found);
    if (error == EAI_AGAIN) return -EAGAIN;
    if (error == EAI_SYSTEM) return -errno;
    if (error) return -ENOENT;
    int count = 0;
    for (struct addrinfo *one = found; one; one = one->ai_next) count++;
    freeaddrinfo(found);
    return count;
}
