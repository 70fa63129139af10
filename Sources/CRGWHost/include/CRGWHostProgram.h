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
// A user's home directory and name, each with a NUL. -ENOENT: there is no such user. Source: getpwuid_r(3).
int CRGWHost_user(
    uint32_t uid, char *_Nonnull home, size_t home_size, char *_Nonnull name, size_t name_size);
// Both fill a buffer of at least PATH_MAX (4096) bytes, with a NUL.
int CRGWHost_working_directory(char *_Nonnull path, size_t size);
int CRGWHost_real_path(const char *_Nonnull path, char *_Nonnull real);
// The value's length, not NUL-terminated.
int64_t CRGWHost_attribute(
    const char *_Nonnull path, const char *_Nonnull name, void *_Nonnull value, size_t size);
// umount2(2) with MNT_FORCE and MNT_DETACH as told, and never through a symlink.
int CRGWHost_unmount_with(const char *_Nonnull path, int forced, int lazily);
// mount(2) with MS_REMOUNT and the given flags.
int CRGWHost_remount(const char *_Nonnull path, uint64_t flags);
// Starts a program found in PATH with up to five arguments; null ends them. `quiet`: its standard streams
// lead to /dev/null. The process id.
int CRGWHost_spawn(
    int quiet, const char *_Nonnull program, const char *_Nullable one, const char *_Nullable two,
    const char *_Nullable three, const char *_Nullable four, const char *_Nullable five);
// Starts a program found in PATH: its words, each ended by NUL, together `size` bytes, at most 64 of them. Its standard
// output goes to `output`, input and errors to /dev/null; it leads a process group. The process id.
int CRGWHost_spawn_words(const char *_Nonnull words, size_t size, int output);
// The exit status, or 128 + signal; -EAGAIN while it runs.
int CRGWHost_poll_child(int pid);
// How malloc(3) keeps memory: at most `arenas` heaps, blocks from `block` bytes on mapped by themselves, no
// more than `top` free bytes kept at a heap's end. Before any thread is started. Source: mallopt(3).
void CRGWHost_set_allocator(int arenas, int block, int top);
// Bytes that the program has allocated and not freed. Source: mallinfo2(3).
int64_t CRGWHost_allocated_bytes(void);
// Gives whole free pages of all heaps back to the system. Source: malloc_trim(3).
void CRGWHost_trim_memory(void);
// Processor time of all threads so far, in nanoseconds. Source: clock_gettime(2).
int64_t CRGWHost_processor_nanoseconds(void);
// 1 or 0.
int CRGWHost_is_terminal(int fd);
// syslog(3) under the name rgwfs; `severity` is 3 (error), 4, 6 or 7 (debug).
void CRGWHost_log(int severity, const char *_Nonnull message);
