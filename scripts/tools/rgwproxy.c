// Counting and latency proxy in front of a local RGW.
//
//   rgwproxy UPSTREAM_PORT LOG PORT:DELAY_MS[:503|rst|mix:N|hold|lost|late:PATTERN] ...
//
// To its client it behaves like RGW's beast frontend: header and body are separate writes with
// Nagle's algorithm on, so a client that does not acknowledge at once waits about 40 ms, as with a
// real RGW. Towards RGW it sets TCP_QUICKACK, so that only the client's own behaviour counts.
// Each request waits DELAY_MS before it is passed on. "503:N" answers every Nth request
// 503 SlowDown; "rst:N" resets the connection half way through every Nth response; "mix:N" does to every
// Nth request one of three things in turn: 503, an answer cut in its body, or none at all though RGW has
// carried the request out (the connection ends at once); after SIGUSR1 it does nothing any more. Requests whose
// "METHOD TARGET" matches PATTERN (fnmatch(3)) are never passed on with "hold", and never answered with
// "lost", though RGW has carried them out: the client waits until it gives up or dies. "late" holds them
// with their bodies (of 200 KiB at most). After SIGUSR1 others pass; after SIGUSR2 those that are held
// arrive at RGW too, each as soon as its client has given up.
//
// It prints "ready" when every port listens, and ends with the process that started it.
// Log line: port method status request_bytes response_bytes target began now, the last two in seconds of
// CLOCK_MONOTONIC. It is written before the answer's last byte goes to the client: who has an answer finds
// it in the log. The status of a held request is 0; a late one has another line when RGW has answered it.
//
// One thread a connection: benchmarks and tests have a few hundred at most.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fnmatch.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum fault { FAULT_NONE, FAULT_SLOW_DOWN, FAULT_RESET, FAULT_MIX, FAULT_HOLD, FAULT_LOST, FAULT_LATE };

struct listener {
  int port, delay_ms, socket;
  enum fault fault;
  int every;
  const char *pattern;
};

struct connection {
  int client;
  const struct listener *listener;
};

// What the log says of a request; `received` counts the bytes of its answer so far.
struct record {
  int port, status;
  const char *method, *target;
  long long sent, received;
};

struct buffer {
  size_t count;
  char data[256 << 10];
};

// What a message's header says about its body.
struct framing {
  long long length;
  int chunked;
};

static int upstream_port;
static FILE *log_file;
static atomic_long sequence;
static atomic_int lets_pass, delivers;
// When the request that this thread serves came.
static _Thread_local double began;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void log_request(int port, const char *method, int status, long long sent,
                        long long received, const char *target) {
  flockfile(log_file);
  fprintf(log_file, "%d %s %d %lld %lld %s %.6f %.6f\n", port, method, status, sent, received, target,
          began, now());
  fflush(log_file);
  funlockfile(log_file);
}

static void log_record(const struct record *record) {
  log_request(record->port, record->method, record->status, record->sent, record->received,
              record->target);
}

static void acknowledge_at_once(int fd) {
  int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
}

static int write_all(int fd, const char *bytes, size_t count) {
  while (count) {
    ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return -1;
    bytes += sent;
    count -= sent;
  }
  return 0;
}

// Receives more into the buffer. `quick` is for the side of RGW.
static ssize_t fill(int fd, struct buffer *b, int quick) {
  ssize_t received;
  do received = recv(fd, b->data + b->count, sizeof b->data - b->count, 0);
  while (received < 0 && errno == EINTR);
  if (quick) acknowledge_at_once(fd);
  if (received > 0) b->count += received;
  return received;
}

static void drop(struct buffer *b, size_t count) {
  memmove(b->data, b->data + count, b->count - count);
  b->count -= count;
}

// Bytes of the header that stands at the front of the buffer, received as far as necessary.
static long header_length(int fd, struct buffer *b, int quick) {
  for (;;) {
    char *end = b->count >= 4 ? memmem(b->data, b->count, "\r\n\r\n", 4) : NULL;
    if (end) return end + 4 - b->data;
    if (b->count == sizeof b->data || fill(fd, b, quick) <= 0) return -1;
  }
}

// The value of a header field, or NULL. It ends in CR, not in NUL.
static const char *field(const char *header, size_t count, const char *name) {
  size_t length = strlen(name);
  for (const char *p = header; p + length + 3 < header + count; p++) {
    if (p[0] != '\r' || p[1] != '\n' || strncasecmp(p + 2, name, length) || p[2 + length] != ':')
      continue;
    for (p += 3 + length; *p == ' '; p++) {}
    return p;
  }
  return NULL;
}

static struct framing framing_of(const char *header, size_t count) {
  const char *length = field(header, count, "Content-Length");
  const char *encoding = field(header, count, "Transfer-Encoding");
  return (struct framing){
    .length = length ? atoll(length) : 0,
    .chunked = encoding && !strncasecmp(encoding, "chunked", 7),
  };
}

// Passes `left` bytes on; `to` < 0 throws them away. The number of bytes, or -1. The last of them are
// those of a whole answer when there is a record of it.
static long long pass_bytes(int from, int to, struct buffer *b, long long left, int quick,
                            struct record *answer) {
  long long total = 0;
  while (left > 0) {
    if (!b->count && fill(from, b, quick) <= 0) return -1;
    size_t part = b->count < (size_t)left ? b->count : (size_t)left;
    left -= part;
    total += part;
    if (answer && !left) {
      answer->received += total;
      log_record(answer);
    }
    if (to >= 0 && write_all(to, b->data, part)) return -1;
    drop(b, part);
  }
  return total;
}

static long long pass_chunks(int from, int to, struct buffer *b, int quick, struct record *answer) {
  long long total = 0;
  for (;;) {
    char *end;
    while (!(end = b->count >= 2 ? memmem(b->data, b->count, "\r\n", 2) : NULL))
      if (b->count == sizeof b->data || fill(from, b, quick) <= 0) return -1;
    long size = strtol(b->data, NULL, 16);
    long long chunk = end + 2 - b->data + size + 2;
    long long passed = pass_bytes(from, to, b, chunk, quick, size ? NULL : answer);
    if (passed < 0) return -1;
    if (answer && size) answer->received += passed;
    total += passed;
    if (!size) return total;
  }
}

static long long pass_request(int from, int to, struct buffer *b, struct framing f) {
  return f.chunked ? pass_chunks(from, to, b, 0, NULL) : pass_bytes(from, to, b, f.length, 0, NULL);
}

static long long pass_answer(int from, int to, struct buffer *b, struct framing f, struct record *record) {
  return f.chunked ? pass_chunks(from, to, b, 1, record) : pass_bytes(from, to, b, f.length, 1, record);
}

static int connect_upstream(void) {
  struct sockaddr_in address = {
    .sin_family = AF_INET,
    .sin_port = htons(upstream_port),
    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
  if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
    close(fd);
    return -1;
  }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  acknowledge_at_once(fd);
  return fd;
}

// What "mix" does to this request: each of the three comes with the same share.
static enum fault mixed(const struct listener *l, long number) {
  static const enum fault kinds[] = {FAULT_SLOW_DOWN, FAULT_LOST, FAULT_RESET};
  return lets_pass ? FAULT_NONE : kinds[number / l->every % 3];
}

static int is_due(const struct listener *l, enum fault fault, long number) {
  if (l->every <= 0 || number % l->every != l->every - 1) return 0;
  return l->fault == fault || (l->fault == FAULT_MIX && mixed(l, number) == fault);
}

static int is_meant(const struct listener *l, enum fault fault, const char *method,
                    const char *target) {
  char line[16 + 4096];
  if (l->fault != fault) return 0;
  snprintf(line, sizeof line, "%s %s", method, target);
  return !fnmatch(l->pattern, line, 0);
}

// Until the client is gone.
static void leave_waiting(int client) {
  char bytes[4096];
  while (recv(client, bytes, sizeof bytes, 0) > 0) {}
}

// Holds a request until its client has given up and SIGUSR2 has come. Nobody reads the answer.
static void deliver_late(const struct connection *c, struct buffer *q, struct buffer *r, long length,
                         const char *method, const char *target) {
  size_t whole = length + framing_of(q->data, length).length;
  if (whole > sizeof q->data) return;
  if (field(q->data, length, "Expect")) write_all(c->client, "HTTP/1.1 100 Continue\r\n\r\n", 25);
  while (q->count < whole)
    if (fill(c->client, q, 0) <= 0) return;
  log_request(c->listener->port, method, 0, whole, 0, target);
  leave_waiting(c->client);
  while (!delivers) usleep(10000);
  int upstream = connect_upstream(), status = 100;
  if (upstream < 0) return;
  if (!write_all(upstream, q->data, whole)) {
    long answer;
    while (status == 100 && (answer = header_length(upstream, r, 1)) >= 0) {
      status = atoi(r->data + 9);
      drop(r, answer);
    }
    log_request(c->listener->port, method, status, whole, 0, target);
  }
  close(upstream);
}

static void refuse(int client, int is_head) {
  static const char body[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>SlowDown</Code><Message></Message>"
    "<RequestId>tx-fault</RequestId><HostId>h</HostId></Error>";
  char answer[512];
  int count = snprintf(answer, sizeof answer,
                       "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/xml\r\n"
                       "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                       sizeof body - 1, is_head ? "" : body);
  write_all(client, answer, count);
}

// One request and its response. 0 when the connections can serve another one.
static int exchange(const struct connection *c, int *upstream, struct buffer *q, struct buffer *r) {
  const struct listener *l = c->listener;
  char method[16] = "", target[4096] = "";
  long length = header_length(c->client, q, 0);
  if (length < 0) return -1;
  q->data[length - 1] = 0;  // the header's last line feed: sscanf wants a string
  sscanf(q->data, "%15s %4095s", method, target);
  q->data[length - 1] = '\n';
  struct framing request = framing_of(q->data, length);
  int waits = field(q->data, length, "Expect") != NULL;
  long number = atomic_fetch_add(&sequence, 1);
  began = now();
  if (l->delay_ms) usleep(l->delay_ms * 1000);

  if (is_due(l, FAULT_SLOW_DOWN, number)) {
    drop(q, length);
    if (!waits) pass_request(c->client, -1, q, request);
    log_request(l->port, method, 503, 0, 0, target);
    refuse(c->client, !strcmp(method, "HEAD"));
    return -1;
  }

  if (is_meant(l, FAULT_HOLD, method, target)) {
    log_request(l->port, method, 0, 0, 0, target);
    leave_waiting(c->client);
    return -1;
  }

  if (!lets_pass && is_meant(l, FAULT_LATE, method, target)) {
    deliver_late(c, q, r, length, method, target);
    return -1;
  }

  if (*upstream < 0 && (*upstream = connect_upstream()) < 0) return -1;
  if (write_all(*upstream, q->data, length)) return -1;
  drop(q, length);
  long long sent = length, passed;
  if (!waits) {
    if ((passed = pass_request(c->client, *upstream, q, request)) < 0) return -1;
    sent += passed;
  }

  int status;
  for (;;) {
    if ((length = header_length(*upstream, r, 1)) < 0) return -1;
    status = atoi(r->data + 9);
    if (status != 100) break;
    if (write_all(c->client, r->data, length)) return -1;
    drop(r, length);
    if (!waits) continue;
    waits = 0;
    if ((passed = pass_request(c->client, *upstream, q, request)) < 0) return -1;
    sent += passed;
  }

  struct framing response = framing_of(r->data, length);
  const char *fate = field(r->data, length, "Connection");
  // Refused before its body was sent: the client decides whether to send it, so start afresh.
  int last = (fate && !strncasecmp(fate, "close", 5)) || waits;
  int bare = !strcmp(method, "HEAD") || status == 204 || status == 304;
  if (is_meant(l, FAULT_LOST, method, target)) {
    log_request(l->port, method, status, sent, 0, target);
    leave_waiting(c->client);
    return -1;
  }
  if (is_due(l, FAULT_LOST, number)) {
    log_request(l->port, method, status, sent, 0, target);
    return -1;
  }
  struct record record = {
    .port = l->port, .status = status, .method = method, .target = target, .sent = sent,
    .received = length,
  };
  int is_cut = is_due(l, FAULT_RESET, number);
  int has_body = !bare && (response.chunked || response.length > 0);
  // What "mix" cuts is in the log, because RGW has carried it out.
  if (is_cut ? l->fault == FAULT_MIX : !has_body) log_record(&record);
  if (write_all(c->client, r->data, length)) return -1;
  drop(r, length);

  if (is_cut) {
    if (has_body) pass_bytes(*upstream, c->client, r, response.length / 2, 1, NULL);
    struct linger at_once = {.l_onoff = 1};
    setsockopt(c->client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return -1;
  }
  if (has_body && pass_answer(*upstream, c->client, r, response, &record) < 0) return -1;
  return last ? -1 : 0;
}

static void *serve(void *argument) {
  struct connection c = *(struct connection *)argument;
  free(argument);
  struct buffer *request = malloc(sizeof *request), *response = malloc(sizeof *response);
  int upstream = -1;
  if (request && response) {
    request->count = response->count = 0;
    while (!exchange(&c, &upstream, request, response)) {}
  }
  close(c.client);
  if (upstream >= 0) close(upstream);
  free(request);
  free(response);
  return NULL;
}

static void *accept_all(void *argument) {
  const struct listener *l = argument;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 256 << 10);
  for (;;) {
    int fd = accept(l->socket, NULL, NULL);
    if (fd < 0) continue;
    struct connection *c = malloc(sizeof *c);
    pthread_t thread;
    if (c) *c = (struct connection){.client = fd, .listener = l};
    if (!c || pthread_create(&thread, &attributes, serve, c)) {
      close(fd);
      free(c);
    }
  }
  return NULL;
}

static void listen_on(struct listener *l) {
  struct sockaddr_in address = {
    .sin_family = AF_INET,
    .sin_port = htons(l->port),
    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
  };
  int one = 1;
  l->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(l->socket, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(l->socket, (struct sockaddr *)&address, sizeof address) || listen(l->socket, 1024)) {
    fprintf(stderr, "rgwproxy: cannot listen on port %d: %s\n", l->port, strerror(errno));
    exit(1);
  }
}

int main(int argc, char **argv) {
  if (argc < 4) {
    fprintf(stderr, "usage: rgwproxy UPSTREAM_PORT LOG PORT:DELAY_MS[:503|rst|mix:N] ...\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  upstream_port = atoi(argv[1]);
  if (!(log_file = fopen(argv[2], "a"))) {
    fprintf(stderr, "rgwproxy: %s: %s\n", argv[2], strerror(errno));
    return 1;
  }
  // Before there are threads, which inherit it.
  sigset_t commands;
  sigemptyset(&commands);
  sigaddset(&commands, SIGUSR1);
  sigaddset(&commands, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &commands, NULL);
  pthread_t thread;
  for (int i = 3; i < argc; i++) {
    struct listener *l = calloc(1, sizeof *l);
    char fault[8] = "";
    int end = 0;
    int fields = l ? sscanf(argv[i], "%d:%d:%7[^:]:%n", &l->port, &l->delay_ms, fault, &end) : 0;
    if (fields < 2 || (fields == 3 && !end)) {
      fprintf(stderr, "rgwproxy: '%s' is not PORT:DELAY_MS[:503|rst|mix:N|hold|lost|late:PATTERN]\n", argv[i]);
      return 2;
    }
    l->fault = !strcmp(fault, "503")    ? FAULT_SLOW_DOWN
               : !strcmp(fault, "rst")  ? FAULT_RESET
               : !strcmp(fault, "mix")  ? FAULT_MIX
               : !strcmp(fault, "hold") ? FAULT_HOLD
               : !strcmp(fault, "lost") ? FAULT_LOST
               : !strcmp(fault, "late") ? FAULT_LATE
                                        : FAULT_NONE;
    l->pattern = argv[i] + end;
    l->every = atoi(l->pattern);
    listen_on(l);
    if (pthread_create(&thread, NULL, accept_all, l)) return 1;
  }
  puts("ready");
  fflush(stdout);
  for (int number; !sigwait(&commands, &number);) {
    lets_pass = 1;
    delivers |= number == SIGUSR2;
  }
}
