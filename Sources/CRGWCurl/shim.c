#define _GNU_SOURCE
#include "CRGWCurl.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
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

CURLcode CRGWCurl_set_opensocket_callback(CURL *easy, CRGWCurl_opensocket_callback callback) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, callback);
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

curl_socket_t CRGWCurl_open_socket(const struct curl_sockaddr *address) {
    int socket_ = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    return socket_ < 0 ? CURL_SOCKET_BAD : socket_;
}

int CRGWCurl_address_text(const struct curl_sockaddr *address, char *text, size_t size) {
    char host[NI_MAXHOST], port[NI_MAXSERV];
    // libcurl's structure is longer than its type says where the address is.
    if (getnameinfo(&address->addr, address->addrlen, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return -1;
    int count = snprintf(text, size, "%s %s", host, port);
    return count > 0 && (size_t)count < size ? 0 : -1;
}

uint64_t CRGWCurl_socket_identity(int socket) {
    struct stat status;
    return fstat(socket, &status) == 0 && S_ISSOCK(status.st_mode) ? status.st_ino : 0;
}

int CRGWCurl_give_up_connecting(int socket, uint64_t identity) {
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (CRGWCurl_socket_identity(socket) != identity) return 0;
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return 0;
    // Linux drops the attempt at once and reports ECONNRESET. Source: linux, net/ipv4/af_inet.c, inet_shutdown.
    return info.tcpi_state == TCP_SYN_SENT && shutdown(socket, SHUT_RDWR) == 0;
}

ssize_t CRGWCurl_pread(int descriptor, void *buffer, size_t count, int64_t offset) {
    ssize_t done;
    do {
        done = pread(descriptor, buffer, count, offset);
    } while (done < 0 && errno == EINTR);
    return done < 0 ? -errno : done;
}

int CRGWCurl_name_thread(const char *name) { return -pthread_setname_np(pthread_self(), name); }
