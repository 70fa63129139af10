// libcurl for Swift: one function per argument type of the variadic setopt and getinfo, and the
// two system calls that the transport's callbacks make. No policy, no state, no allocation.
#pragma once

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

CURLcode CRGWCurl_set_long(CURL *_Nonnull easy, CURLoption option, long value);
CURLcode CRGWCurl_set_offset(CURL *_Nonnull easy, CURLoption option, int64_t value);
// libcurl copies the text.
CURLcode CRGWCurl_set_text(CURL *_Nonnull easy, CURLoption option, const char *_Nullable value);
CURLcode CRGWCurl_set_pointer(CURL *_Nonnull easy, CURLoption option, void *_Nullable value);
CURLcode CRGWCurl_set_list(
    CURL *_Nonnull easy, CURLoption option, struct curl_slist *_Nullable value);

// CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION and CURLOPT_READFUNCTION share this shape.
typedef size_t (*CRGWCurl_data_callback)(
    char *_Nonnull buffer, size_t size, size_t count, void *_Nonnull context);
CURLcode CRGWCurl_set_data_callback(
    CURL *_Nonnull easy, CURLoption option, CRGWCurl_data_callback _Nonnull callback);
typedef int (*CRGWCurl_prereq_callback)(
    void *_Nonnull context, char *_Nullable primary_ip, char *_Nullable local_ip,
    int primary_port, int local_port);
CURLcode CRGWCurl_set_prereq_callback(
    CURL *_Nonnull easy, CRGWCurl_prereq_callback _Nonnull callback);
typedef int (*CRGWCurl_sockopt_callback)(
    void *_Nonnull context, curl_socket_t socket, curlsocktype purpose);
CURLcode CRGWCurl_set_sockopt_callback(
    CURL *_Nonnull easy, CRGWCurl_sockopt_callback _Nonnull callback);
typedef curl_socket_t (*CRGWCurl_opensocket_callback)(
    void *_Nonnull context, curlsocktype purpose, struct curl_sockaddr *_Nonnull address);
CURLcode CRGWCurl_set_opensocket_callback(
    CURL *_Nonnull easy, CRGWCurl_opensocket_callback _Nonnull callback);
typedef int (*CRGWCurl_seek_callback)(void *_Nonnull context, curl_off_t offset, int origin);
CURLcode CRGWCurl_set_seek_callback(
    CURL *_Nonnull easy, CRGWCurl_seek_callback _Nonnull callback);

CURLcode CRGWCurl_get_long(CURL *_Nonnull easy, CURLINFO info, long *_Nonnull value);
CURLcode CRGWCurl_get_offset(CURL *_Nonnull easy, CURLINFO info, int64_t *_Nonnull value);
CURLcode CRGWCurl_get_pointer(
    CURL *_Nonnull easy, CURLINFO info, void *_Nullable *_Nonnull value);

CURLMcode CRGWCurl_multi_set_long(CURLM *_Nonnull multi, CURLMoption option, long value);

// setsockopt(TCP_QUICKACK, 1); 0 or -errno.
int CRGWCurl_quickack(int socket);
// The local port of an IPv4 or IPv6 socket (0: none yet) or -errno.
int CRGWCurl_local_port(int socket);
// socket(2) for the address, close-on-exec; CURL_SOCKET_BAD: none.
curl_socket_t CRGWCurl_open_socket(const struct curl_sockaddr *_Nonnull address);
// The address and port in digits, as one text; 0 or -1.
int CRGWCurl_address_text(
    const struct curl_sockaddr *_Nonnull address, char *_Nonnull text, size_t size);
// What tells one socket from a later one with its number; 0: it is closed.
uint64_t CRGWCurl_socket_identity(int socket);
// Ends the connecting of the socket of that identity, so that whoever polls it sees an error; 1: done, 0: it
// does not wait for the peer's first answer (any more).
int CRGWCurl_give_up_connecting(int socket, uint64_t identity);
// pread(2), repeated on EINTR; bytes read or -errno.
ssize_t CRGWCurl_pread(int descriptor, void *_Nonnull buffer, size_t count, int64_t offset);

// pthread_setname_np(3) on the calling thread; 0 or -errno.
int CRGWCurl_name_thread(const char *_Nonnull name);
