#define _GNU_SOURCE
#include "CRGWCurl.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

CURLcode CRGWCurl_set_long(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

CURLcode CRGWCurl_set_offset(CURL *easy, CURLoption option, int64_t value) {
    return curl_easy_setopt(easy, option, (curl_off_t)value);
}

CURLcode CRGWCurl_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

CURLcode CRGWCurl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

CURLcode CRGWCurl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}

CURLcode CRGWCurl_set_data_callback(
    CURL *easy, CURLoption option, CRGWCurl_data_callback callback) {
    return curl_easy_setopt(easy, option, callback);
}

CURLcode CRGWCurl_set_prereq_callback(CURL *easy, CRGWCurl_prereq_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, callback);
}

CURLcode CRGWCurl_set_sockopt_callback(CURL *easy, CRGWCurl_sockopt_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, callback);
}

CURLcode CRGWCurl_set_seek_callback(CURL *easy, CRGWCurl_seek_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, callback);
}

CURLcode CRGWCurl_get_long(CURL *easy, CURLINFO info, long *value) {
    return curl_easy_getinfo(easy, info, value);
}

CURLcode CRGWCurl_get_offset(CURL *easy, CURLINFO info, int64_t *value) {
    curl_off_t offset = 0;
    CURLcode code = curl_easy_getinfo(easy, info, &offset);
    *value = offset;
    return code;
}

CURLcode CRGWCurl_get_pointer(CURL *easy, CURLINFO info, void **value) {
    return curl_easy_getinfo(easy, info, value);
}

CURLMcode CRGWCurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

int CRGWCurl_quickack(int socket) {
    int on = 1;
    return setsockopt(socket, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on) == 0 ? 0 : -errno;
}

int CRGWCurl_local_port(int socket) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getsockname(socket, (struct sockaddr *)&address, &length) != 0) return -errno;
    if (address.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&address)->sin_port);
    if (address.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
    return -EAFNOSUPPORT;
}

ssize_t CRGWCurl_pread(int descriptor, void *buffer, size_t count, int64_t offset) {
    ssize_t done;
    do {
        done = pread(descriptor, buffer, count, offset);
    } while (done < 0 && errno == EINTR);
    return done < 0 ? -errno : done;
}

int CRGWCurl_name_thread(const char *name) { return -pthread_setname_np(pthread_self(), name); }
