// What the program around a mount needs of Linux: its surroundings, children, unmounting, logs.
// The rules are those of CRGWHost.h.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Null when it is not set; the text lives as long as the environment stays as it is, and rgwfs never
// changes it.
const char *_Nullable CRGWHost_variable(const char *_Nonnull name);
uint32_t CRGWHost_real_uid(void);
uint32_t CRGWHost_real_gid(void);
// Both fill a buffer of at least PATH_MAX (4096) bytes, with a NUL.
int CRGWHost_working_directory(char *_Nonnull path, size_t size);
int CRGWHost_real_path(const char *_Nonnull path, char *_Nonnull real);
// The value's length, not NUL-terminated.
int64_t CRGWHost_attribute(
    const char *_Nonnull path, const char *_Nonnull name, void *_Nonnull value, size_t size);
// umount2(2) with MNT_FORCE and MNT_DETACH as told, and never through a symlink.
int CRGWHost_unmount_with(const char *_Nonnull path, int forced, int lazily);
// Starts a program found in PATH with up to five arguments; null ends them. `quiet`: its standard streams
// lead to /dev/null. The process id.
int CRGWHost_spawn(
    int quiet, const char *_Nonnull program, const char *_Nullable one, const char *_Nullable two,
    const char *_Nullable three, const char *_Nullable four, const char *_Nullable five);
// The exit status, or 128 + signal; -EAGAIN while it runs.
int CRGWHost_poll_child(int pid);
// 1 or 0.
int CRGWHost_is_terminal(int fd);
// syslog(3) under the name rgwfs; `severity` is 3 (error), 4, 6 or 7 (debug).
void CRGWHost_log(int severity, const char *_Nonnull message);
