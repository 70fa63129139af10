// The benchmark's reference: what libcurl alone can get out of an RGW from this machine.
//
//   rawclient BUCKET_URL put FILE KEY
//   rawclient BUCKET_URL get KEY FILE
//   rawclient BUCKET_URL putmany DIR PREFIX CONNECTIONS    every regular file directly in DIR
//   rawclient BUCKET_URL getmany PREFIX DIR CONNECTIONS    lists, then reads
//   rawclient BUCKET_URL list PREFIX                       prints the number of keys
//   rawclient BUCKET_URL deletemany PREFIX                 lists, then DeleteObjects
//   rawclient BUCKET_URL headloop KEY COUNT CONNECTIONS    the same request again and again;
//   rawclient BUCKET_URL getloop KEY COUNT CONNECTIONS     prints the seconds
//   rawclient BUCKET_URL putloop FILE COUNT CONNECTIONS    to as many keys as connections
// The loops of headloop and getloop send the header lines in RAWCLIENT_HEADERS, separated by line
// ends: a signature that was made before, say.
//
// Requests carry no signature: the bucket has a policy that lets everybody do everything. With
// RAWCLIENT_KEYS=ACCESS:SECRET PUTs are what a mount sends that keeps POSIX metadata and replaces
// nothing unknowingly: signed (version 4, unsigned payload), with that metadata, for new keys only.
// Keys are plain ASCII.
// Every response is acknowledged at once (TCP_QUICKACK set again when its status line arrives),
// because RGW sends header and body in two packets with Nagle's algorithm on.
#define _GNU_SOURCE
#include <curl/curl.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct text {
  char *bytes;
  size_t count;
};

struct keys {
  char **names;
  size_t count;
};

// One request under way; reused with its connection.
struct transfer {
  CURL *easy;
  FILE *file;         // the body that goes up or comes down
  struct text *text;  // or a body that is kept in memory
  curl_socket_t socket;
  char url[2048];
};

enum { CONNECTIONS_MAX = 256 };

static const char *bucket_url;
// libcurl 7.88 does not say which socket a transfer of a multi handle uses (CURLINFO_ACTIVESOCKET
// is -1 there), but its local port before each request.
static curl_socket_t sockets[CONNECTIONS_MAX];
static int ports[CONNECTIONS_MAX];
static int socket_count;

static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("rawclient: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static FILE *open_or_fail(const char *path, const char *mode) {
  FILE *file = fopen(path, mode);
  if (!file) fail("cannot open %s", path);
  return file;
}

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)context;
  (void)purpose;
  if (socket_count == CONNECTIONS_MAX) return CURL_SOCKET_BAD;
  curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
  if (fd >= 0) {
    ports[socket_count] = 0;
    sockets[socket_count++] = fd;
  }
  return fd;
}

static int on_close(void *context, curl_socket_t fd) {
  (void)context;
  for (int i = 0; i < socket_count; i++)
    if (sockets[i] == fd) {
      sockets[i] = sockets[--socket_count];
      ports[i--] = ports[socket_count];
    }
  return close(fd);
}

static int on_begin(void *context, char *remote, char *local, int remote_port, int local_port) {
  struct transfer *t = context;
  (void)remote;
  (void)local;
  (void)remote_port;
  t->socket = -1;
  for (int i = 0; i < socket_count; i++) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    if (!ports[i] && !getsockname(sockets[i], (struct sockaddr *)&address, &length))
      ports[i] = ntohs(address.sin_port);  // at the same place in IPv6's
    if (ports[i] == local_port) t->socket = sockets[i];
  }
  return CURL_PREREQFUNC_OK;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *context) {
  struct transfer *t = context;
  int one = 1;
  if (size * count >= 5 && !memcmp(bytes, "HTTP/", 5))
    setsockopt(t->socket, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
  return size * count;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
  struct transfer *t = context;
  if (t->file) return fwrite(bytes, size, count, t->file);
  if (!t->text) return size * count;
  char *grown = realloc(t->text->bytes, t->text->count + size * count + 1);
  if (!grown) return 0;
  t->text->bytes = grown;
  memcpy(grown + t->text->count, bytes, size * count);
  t->text->count += size * count;
  grown[t->text->count] = 0;
  return size * count;
}

static void prepare(struct transfer *t, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = snprintf(t->url, sizeof t->url, "%s", bucket_url);
  vsnprintf(t->url + length, sizeof t->url - length, format, arguments);
  va_end(arguments);
  if (!t->easy) t->easy = curl_easy_init();
  curl_easy_reset(t->easy);
  curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
  curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
  curl_easy_setopt(t->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
  curl_easy_setopt(t->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(t->easy, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(t->easy, CURLOPT_PREREQFUNCTION, on_begin);
  curl_easy_setopt(t->easy, CURLOPT_PREREQDATA, t);
  curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
  curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
  curl_easy_setopt(t->easy, CURLOPT_BUFFERSIZE, 512L << 10);
  curl_easy_setopt(t->easy, CURLOPT_UPLOAD_BUFFERSIZE, 2L << 20);
  curl_easy_setopt(t->easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 0L);
  t->file = NULL;
  t->text = NULL;
}

// What an error says besides its status.
static size_t ignore_body(char *bytes, size_t size, size_t count, void *data) {
  (void)bytes, (void)data;
  return size * count;
}

static struct curl_slist *put_headers(const char *keys) {
  static const char *const posix[] = {
    "Content-Type: application/octet-stream", "If-None-Match: *",
    "x-amz-content-sha256: UNSIGNED-PAYLOAD",
    "x-amz-meta-atime: 1700000000.123456789", "x-amz-meta-ctime: 1700000000.123456789",
    "x-amz-meta-gid: 0", "x-amz-meta-mode: 33188", "x-amz-meta-mtime: 1700000000.123456789",
    "x-amz-meta-uid: 0"};
  // libcurl 7.88 would sign the header that this line keeps it from sending. Small bodies have none.
  if (!keys) return curl_slist_append(NULL, "Expect:");
  struct curl_slist *headers = NULL;
  for (size_t i = 0; i < sizeof posix / sizeof *posix; i++)
    headers = curl_slist_append(headers, posix[i]);
  return headers;
}

static void prepare_put(struct transfer *t, const char *path, const char *key) {
  static struct curl_slist *headers;
  const char *keys = getenv("RAWCLIENT_KEYS");
  if (!headers) headers = put_headers(keys);
  struct stat status;
  prepare(t, "/%s", key);
  t->file = open_or_fail(path, "r");
  fstat(fileno(t->file), &status);
  curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(t->easy, CURLOPT_READDATA, t->file);
  curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)status.st_size);
  curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, ignore_body);
  if (!keys) return;
  curl_easy_setopt(t->easy, CURLOPT_AWS_SIGV4, "aws:amz:default:s3");
  curl_easy_setopt(t->easy, CURLOPT_USERPWD, keys);
}

static void prepare_get(struct transfer *t, const char *key, const char *path) {
  prepare(t, "/%s", key);
  t->file = open_or_fail(path, "w");
}

static void finish(struct transfer *t, CURLcode result) {
  long status = 0;
  curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
  if (result != CURLE_OK) fail("%s: %s", t->url, curl_easy_strerror(result));
  if (status / 100 != 2) fail("%s: status %ld", t->url, status);
  if (t->file && fclose(t->file)) fail("%s: cannot write", t->url);
  t->file = NULL;
}

static void run(struct transfer *t) {
  finish(t, curl_easy_perform(t->easy));
}

// Adds every <Key> of a listing.
static void collect(struct keys *keys, const char *xml) {
  for (const char *end; (xml = strstr(xml, "<Key>")); xml = end) {
    end = strstr(xml += 5, "</Key>");
    if (!end) return;
    keys->names = realloc(keys->names, (keys->count + 1) * sizeof *keys->names);
    keys->names[keys->count++] = strndup(xml, end - xml);
  }
}

static struct keys list(const char *prefix) {
  struct keys keys = {0};
  struct transfer t = {0};
  for (int more = 1; more;) {
    struct text page = {0};
    const char *last = keys.count ? keys.names[keys.count - 1] : "";
    prepare(&t, "?list-type=2&prefix=%s&start-after=%s", prefix, last);
    t.text = &page;
    run(&t);
    if (!page.bytes) fail("%s: empty answer", t.url);
    size_t before = keys.count;
    collect(&keys, page.bytes);
    more = strstr(page.bytes, "<IsTruncated>true") && keys.count > before;
    free(page.bytes);
  }
  curl_easy_cleanup(t.easy);
  return keys;
}

typedef void (*prepare_nth)(struct transfer *t, size_t number, void *context);

// Runs `count` requests over at most `connections` connections.
static void run_many(size_t count, int connections, prepare_nth prepare_request, void *context) {
  CURLM *multi = curl_multi_init();
  struct transfer *transfers = calloc(connections, sizeof *transfers);
  size_t started = 0, finished = 0;
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)connections);
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)connections);
  for (int i = 0; i < connections && started < count; i++) {
    prepare_request(&transfers[i], started++, context);
    curl_multi_add_handle(multi, transfers[i].easy);
  }
  while (finished < count) {
    int running, waiting;
    curl_multi_perform(multi, &running);
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &waiting));) {
      struct transfer *t;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
      CURLcode result = message->data.result;
      curl_multi_remove_handle(multi, t->easy);
      finish(t, result);
      finished++;
      if (started == count) continue;
      prepare_request(t, started++, context);
      curl_multi_add_handle(multi, t->easy);
    }
    if (finished < count) curl_multi_poll(multi, NULL, 0, 1000, NULL);
  }
  for (int i = 0; i < connections; i++) curl_easy_cleanup(transfers[i].easy);
  free(transfers);
  curl_multi_cleanup(multi);
}

struct copies {
  struct keys keys;    // names of files, or keys
  const char *directory, *prefix;
};

static void put_nth(struct transfer *t, size_t number, void *context) {
  struct copies *c = context;
  char path[4096], key[1100];
  snprintf(path, sizeof path, "%s/%s", c->directory, c->keys.names[number]);
  snprintf(key, sizeof key, "%s%s", c->prefix, c->keys.names[number]);
  prepare_put(t, path, key);
}

static void get_nth(struct transfer *t, size_t number, void *context) {
  struct copies *c = context;
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", c->directory, strrchr(c->keys.names[number], '/') + 1);
  prepare_get(t, c->keys.names[number], path);
}

static void put_many(const char *directory, const char *prefix, int connections) {
  struct copies c = {.directory = directory, .prefix = prefix};
  DIR *stream = opendir(directory);
  if (!stream) fail("cannot open %s", directory);
  for (struct dirent *entry; (entry = readdir(stream));) {
    if (entry->d_type != DT_REG) continue;
    c.keys.names = realloc(c.keys.names, (c.keys.count + 1) * sizeof *c.keys.names);
    c.keys.names[c.keys.count++] = strdup(entry->d_name);
  }
  closedir(stream);
  run_many(c.keys.count, connections, put_nth, &c);
}

static void delete_many(const char *prefix) {
  struct keys keys = list(prefix);
  struct transfer t = {0};
  for (size_t next = 0; next < keys.count;) {
    struct text body = {0};
    FILE *out = open_memstream(&body.bytes, &body.count);
    fputs("<Delete><Quiet>true</Quiet>", out);
    for (int i = 0; i < 1000 && next < keys.count; i++)
      fprintf(out, "<Object><Key>%s</Key></Object>", keys.names[next++]);
    fputs("</Delete>", out);
    fclose(out);
    prepare(&t, "?delete");
    curl_easy_setopt(t.easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.count);
    curl_easy_setopt(t.easy, CURLOPT_POSTFIELDS, body.bytes);
    run(&t);
    free(body.bytes);
  }
}

// The same requests as rgwfs-bench makes.
struct loop {
  char verb;  // of headloop, getloop or putloop
  const char *name;
  int connections;
  struct curl_slist *headers;
};

static void loop_nth(struct transfer *t, size_t number, void *context) {
  const struct loop *l = context;
  if (l->verb == 'p') {
    char key[64];
    snprintf(key, sizeof key, "bench-put-%d", (int)(number % l->connections));
    prepare_put(t, l->name, key);
    return;
  }
  prepare(t, "/%s", l->name);
  curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, l->headers);
  if (l->verb == 'h') curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
}

static void loop(char verb, const char *name, size_t count, int connections) {
  struct loop l = {verb, name, connections, NULL};
  char *lines = getenv("RAWCLIENT_HEADERS"), *rest = NULL;
  for (char *line = lines ? strtok_r(lines, "\n", &rest) : NULL; line;
       line = strtok_r(NULL, "\n", &rest))
    l.headers = curl_slist_append(l.headers, line);
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  run_many(count, connections, loop_nth, &l);
  clock_gettime(CLOCK_MONOTONIC, &end);
  printf("%f\n", end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9);
}

int main(int argc, char **argv) {
  const char *verb = argc > 2 ? argv[2] : "";
  int count = argc - 3;
  char **word = argv + 3;
  struct transfer t = {0};
  bucket_url = argc > 1 ? argv[1] : "";
  curl_global_init(CURL_GLOBAL_ALL);
  if (!strcmp(verb, "put") && count == 2) {
    prepare_put(&t, word[0], word[1]);
    run(&t);
  } else if (!strcmp(verb, "get") && count == 2) {
    prepare_get(&t, word[0], word[1]);
    run(&t);
  } else if (!strcmp(verb, "putmany") && count == 3) {
    put_many(word[0], word[1], atoi(word[2]));
  } else if (!strcmp(verb, "getmany") && count == 3) {
    struct copies c = {.keys = list(word[0]), .directory = word[1]};
    run_many(c.keys.count, atoi(word[2]), get_nth, &c);
  } else if (!strcmp(verb, "list") && count == 1) {
    printf("%zu\n", list(word[0]).count);
  } else if (count == 3 && (!strcmp(verb, "headloop") || !strcmp(verb, "getloop") ||
                            !strcmp(verb, "putloop"))) {
    loop(verb[0], word[0], strtoul(word[1], NULL, 10), atoi(word[2]));
  } else if (!strcmp(verb, "deletemany") && count == 1) {
    delete_many(word[0]);
  } else {
    fprintf(stderr, "usage: rawclient BUCKET_URL put|get|putmany|getmany|list|deletemany|headloop|getloop|putloop ...\n");
    return 2;
  }
}
