// Sockets of AF_UNIX, found by a directory and a name in it. Every function returns a negative errno
// on failure. No policy, no state, no allocation.
#pragma once

#include <stddef.h>
#include <stdint.h>

// A listening socket; a socket that had the name before is gone, anything else is -EEXIST. The name is reached through the directory's
// descriptor, because a path in sockaddr_un has at most 107 bytes (unix(7)).
int CRGWHost_listen(const char *directory, const char *name, int backlog);

// A listening TCP socket on 127.0.0.1, or on ::1.
int CRGWHost_listen_loopback(int version6, uint16_t port, int backlog);
int CRGWHost_connect(const char *directory, const char *name);
// The next connection; -ECANCELED when `stop_fd` became readable first.
int CRGWHost_accept(int listen_fd, int stop_fd);
// The effective user of the process that connected. Source: unix(7), SO_PEERCRED.
int CRGWHost_peer_user(int fd, uint32_t *user);
// What there is, at most `size` bytes; 0 at the end, -ETIMEDOUT after so many milliseconds (-1: never).
int64_t CRGWHost_receive(int fd, void *bytes, size_t size, int milliseconds);
// All of it; -ETIMEDOUT when the reader takes nothing for so many milliseconds.
int CRGWHost_send(int fd, const void *bytes, size_t count, int milliseconds);
// Both directions end; who waits on it returns.
int CRGWHost_hang_up(int fd);
// How many addresses a host name has; -ENOENT: no such name, -EAGAIN: the name server does not answer.
// Source: getaddrinfo(3).
int CRGWHost_resolve(const char *host);
// One datagram to a socket's address as the service manager gives it: a path, or '@' and an abstract
// name. Source: sd_notify(3).
int CRGWHost_notify(const char *address, const char *text);
