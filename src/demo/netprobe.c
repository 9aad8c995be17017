// Sockets in many network namespaces from one process, driven by lines on standard input.
//
// Every request is `REQ VERB …`, answered by exactly one line `REQ STATUS [DETAIL]`:
//
//   listen NS PROTO PORT               serve echoes on both families           ok
//   open NS PROTO ADDR PORT MS [FROM]  connect, and see one echo come back     ok | timeout | refused | error WHY
//   say REQ MS                         another echo on what REQ opened         ok | timeout | closed
//   close REQ                          let go of what REQ opened or captures   ok
//   stream NS ADDR PORT MICROSECONDS   UDP echoes at an interval until stopped ok
//   stop REQ                           end REQ's stream                        ok SENT RECEIVED LONGEST_GAP_IN_US
//   capture NS INTERFACE               keep what comes in, for `captured`      ok
//   captured REQ                       packets so far, from the IP header on   ok HEX,HEX,…
//   inject NS HEX                      send one IP packet as it is             ok
//   write NS PATH VALUE                write a file under /proc/sys/net        ok
//
// PROTO is tcp, udp or sctp. SCTP is spoken over raw sockets, since few kernels of test machines have
// it: INIT, INIT ACK, COOKIE ECHO, COOKIE ACK, and HEARTBEAT for echoes (RFC 9260).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum kind { LISTEN_TCP, SERVE_TCP, SERVE_UDP, RAW_SCTP, OPEN_TCP, OPEN_UDP, OPEN_SCTP, STREAM, CAPTURE };
enum state { CONNECTING, ECHOING, IDLE };

// One socket, or one SCTP association, which shares its namespace's raw socket.
struct flow {
  struct flow *next;
  enum kind kind;
  enum state state;
  int fd;
  char request[24];  // what opened it
  char waiting[24];  // whom to answer next; empty if nobody waits
  int ns;
  int family;
  struct sockaddr_storage peer;
  socklen_t peer_length;
  int64_t deadline, resend;
  uint32_t tag, peer_tag;
  uint16_t local_port, peer_port;
  uint8_t cookie[256];
  size_t cookie_length;
  uint64_t sent, received;
  int64_t interval, next_send, last_arrival, longest_gap;
  uint8_t *packets;
  size_t packets_length, packets_room;
  bool gone;
};

struct namespace { char name[80]; int fd; };
struct service { int ns; uint16_t port; };

static struct flow *flows;
static struct namespace namespaces[512];
static int namespace_count;
static struct service sctp_services[1024];
static int sctp_service_count;
static const char echo_text[] = "policyc-echo";

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void answer(const char *request, const char *format, ...) {
  if (request[0] == 0) return;
  va_list arguments;
  va_start(arguments, format);
  printf("%s ", request);
  vprintf(format, arguments);
  putchar('\n');
  va_end(arguments);
}

static void finish(struct flow *flow, const char *status) {
  answer(flow->waiting, "%s", status);
  flow->waiting[0] = 0;
  flow->deadline = 0;
  flow->resend = 0;
}

static const char *failure(int error) {
  static char text[128];
  if (error == ECONNREFUSED) return "refused";
  if (error == ETIMEDOUT) return "timeout";
  snprintf(text, sizeof(text), "error %s", strerror(error));
  return text;
}

static int enter(const char *name) {
  for (int i = 0; i < namespace_count; i += 1) {
    if (strcmp(namespaces[i].name, name) == 0) return setns(namespaces[i].fd, CLONE_NEWNET) < 0 ? -1 : i;
  }
  if (namespace_count == 512 || strlen(name) >= sizeof(namespaces[0].name)) { errno = ENOSPC; return -1; }
  char path[128];
  snprintf(path, sizeof(path), "/run/netns/%s", name);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) return -1;
  strcpy(namespaces[namespace_count].name, name);
  namespaces[namespace_count].fd = fd;
  return namespace_count++;
}

static struct flow *add(enum kind kind, int fd, int ns, const char *request) {
  struct flow *flow = calloc(1, sizeof(*flow));
  if (flow == NULL) abort();
  flow->kind = kind;
  flow->fd = fd;
  flow->ns = ns;
  snprintf(flow->request, sizeof(flow->request), "%s", request);
  flow->next = flows;
  flows = flow;
  return flow;
}

static struct flow *find(const char *request) {
  for (struct flow *flow = flows; flow != NULL; flow = flow->next) {
    if (!flow->gone && flow->request[0] != 0 && strcmp(flow->request, request) == 0) return flow;
  }
  return NULL;
}

static bool read_address(const char *text, uint16_t port, struct flow *flow) {
  struct sockaddr_in *v4 = (struct sockaddr_in *)&flow->peer;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&flow->peer;
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = flow->family = AF_INET;
    v4->sin_port = htons(port);
    flow->peer_length = sizeof(*v4);
    return true;
  }
  if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
    v6->sin6_family = flow->family = AF_INET6;
    v6->sin6_port = htons(port);
    flow->peer_length = sizeof(*v6);
    return true;
  }
  return false;
}

static int bound_socket(int type, uint16_t port) {
  const int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int off = 0, on = 1;
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
  if (bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0) {
    close(fd);
    return -1;
  }
  return fd;
}

// --- SCTP over raw sockets ---------------------------------------------------------------------

static uint32_t crc32c(const uint8_t *bytes, size_t length) {
  uint32_t crc = ~0u;
  for (size_t i = 0; i < length; i += 1) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit += 1) crc = (crc >> 1) ^ (0x82f63b78u & -(crc & 1));
  }
  return ~crc;
}

static void put16(uint8_t *at, uint16_t value) { at[0] = value >> 8; at[1] = value & 255; }
static void put32(uint8_t *at, uint32_t value) { put16(at, value >> 16); put16(at + 2, value & 65535); }
static uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }

static int raw_socket(int ns, int family) {
  for (struct flow *flow = flows; flow != NULL; flow = flow->next) {
    if (flow->kind == RAW_SCTP && flow->ns == ns && flow->family == family) return flow->fd;
  }
  const int fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_SCTP);
  if (fd >= 0) add(RAW_SCTP, fd, ns, "")->family = family;
  return fd;
}

// One packet with one chunk; `body` is what follows the chunk's length.
static void send_sctp(int fd, const struct sockaddr_storage *to, socklen_t to_length, uint16_t from_port,
                      uint16_t to_port, uint32_t tag, uint8_t type, const uint8_t *body, size_t length) {
  uint8_t packet[512] = {0};
  if (length > sizeof(packet) - 16) return;
  put16(packet, from_port);
  put16(packet + 2, to_port);
  put32(packet + 4, tag);
  packet[12] = type;
  put16(packet + 14, (uint16_t)(length + 4));
  if (length > 0) memcpy(packet + 16, body, length);
  const size_t total = 16 + ((length + 3) & ~(size_t)3);
  const uint32_t crc = crc32c(packet, total);
  memcpy(packet + 8, &crc, 4);  // the one little-endian field of SCTP
  struct sockaddr_storage raw = *to;
  if (raw.ss_family == AF_INET6) ((struct sockaddr_in6 *)&raw)->sin6_port = 0;
  sendto(fd, packet, total, 0, (struct sockaddr *)&raw, to_length);
}

// INIT and INIT ACK start alike: initiate tag, window, streams out and in, first TSN.
static size_t init_body(uint8_t *body, uint32_t tag) {
  put32(body, tag);
  put32(body + 4, 65536);
  put16(body + 8, 1);
  put16(body + 10, 1);
  put32(body + 12, tag);
  return 16;
}

static void send_open_sctp(struct flow *flow) {
  uint8_t body[64];
  if (flow->state == CONNECTING && flow->cookie_length == 0) {
    const size_t length = init_body(body, flow->tag);
    send_sctp(flow->fd, &flow->peer, flow->peer_length, flow->local_port, flow->peer_port, 0, 1, body, length);
  } else if (flow->state == CONNECTING) {
    send_sctp(flow->fd, &flow->peer, flow->peer_length, flow->local_port, flow->peer_port, flow->peer_tag, 10,
              flow->cookie, flow->cookie_length);
  } else {
    put16(body, 1);
    put16(body + 2, 8);
    put32(body + 4, flow->tag);
    send_sctp(flow->fd, &flow->peer, flow->peer_length, flow->local_port, flow->peer_port, flow->peer_tag, 4, body, 8);
  }
}

static bool serves_sctp(int ns, uint16_t port) {
  for (int i = 0; i < sctp_service_count; i += 1) {
    if (sctp_services[i].ns == ns && sctp_services[i].port == port) return true;
  }
  return false;
}

// The server keeps no state: its tag is made of the client's, which the cookie carries.
static void serve_sctp(struct flow *raw, const struct sockaddr_storage *from, socklen_t from_length,
                       const uint8_t *packet, size_t length) {
  const uint16_t client = get16(packet), server = get16(packet + 2);
  const size_t body_length = (size_t)get16(packet + 14) - 4;
  const uint8_t *body = packet + 16;
  uint8_t reply[320];
  if (packet[12] == 1 && body_length >= 16) {
    const uint32_t client_tag = get32(body);
    size_t reply_length = init_body(reply, client_tag ^ 0x5a5a5a5au);
    put16(reply + reply_length, 7);
    put16(reply + reply_length + 2, 8);
    put32(reply + reply_length + 4, client_tag);
    send_sctp(raw->fd, from, from_length, server, client, client_tag, 2, reply, reply_length + 8);
  } else if (packet[12] == 10 && body_length >= 4) {
    send_sctp(raw->fd, from, from_length, server, client, get32(body), 11, NULL, 0);
  } else if (packet[12] == 4 && body_length <= sizeof(reply) && length >= 16 + body_length) {
    send_sctp(raw->fd, from, from_length, server, client, get32(packet + 4) ^ 0x5a5a5a5au, 5, body, body_length);
  }
}

static void client_sctp(struct flow *flow, const uint8_t *packet) {
  const uint8_t type = packet[12];
  const size_t body_length = (size_t)get16(packet + 14) - 4;
  const uint8_t *body = packet + 16;
  if (type == 2 && flow->state == CONNECTING && flow->cookie_length == 0 && body_length >= 20) {
    const size_t cookie_length = (size_t)get16(body + 18) - 4;
    if (get16(body + 16) != 7 || cookie_length == 0 || cookie_length > sizeof(flow->cookie) ||
        20 + cookie_length > body_length) return;
    flow->peer_tag = get32(body);
    memcpy(flow->cookie, body + 20, cookie_length);
    flow->cookie_length = cookie_length;
    send_open_sctp(flow);
  } else if (type == 11 && flow->state == CONNECTING) {
    flow->state = ECHOING;
    send_open_sctp(flow);
  } else if (type == 5 && flow->state == ECHOING) {
    flow->state = IDLE;
    finish(flow, "ok");
  }
}

static void receive_sctp(struct flow *raw) {
  uint8_t buffer[2048];
  struct sockaddr_storage from;
  for (;;) {
    socklen_t from_length = sizeof(from);
    const ssize_t received = recvfrom(raw->fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &from_length);
    if (received < 0) return;
    const size_t skip = raw->family == AF_INET ? (size_t)(buffer[0] & 15) * 4 : 0;
    if ((size_t)received < skip + 16) continue;
    const uint8_t *packet = buffer + skip;
    const size_t length = (size_t)received - skip;
    if (get16(packet + 14) < 4 || (size_t)get16(packet + 14) + 12 > length) continue;
    if (serves_sctp(raw->ns, get16(packet + 2))) {
      serve_sctp(raw, &from, from_length, packet, length);
      continue;
    }
    for (struct flow *flow = flows; flow != NULL; flow = flow->next) {
      if (flow->kind == OPEN_SCTP && !flow->gone && flow->ns == raw->ns && flow->family == raw->family &&
          flow->local_port == get16(packet + 2) && flow->peer_port == get16(packet)) {
        client_sctp(flow, packet);
      }
    }
  }
}

// --- Requests ----------------------------------------------------------------------------------

static void do_listen(const char *request, const char *ns_name, const char *protocol, uint16_t port) {
  const int ns = enter(ns_name);
  if (ns < 0) { answer(request, "error namespace: %s", strerror(errno)); return; }
  if (strcmp(protocol, "sctp") == 0) {
    if (raw_socket(ns, AF_INET) < 0 || raw_socket(ns, AF_INET6) < 0 || sctp_service_count == 1024) {
      answer(request, "error raw socket: %s", strerror(errno));
      return;
    }
    sctp_services[sctp_service_count++] = (struct service){ns, port};
    answer(request, "ok");
    return;
  }
  const bool tcp = strcmp(protocol, "tcp") == 0;
  const int fd = bound_socket(tcp ? SOCK_STREAM : SOCK_DGRAM, port);
  if (fd < 0 || (tcp && listen(fd, 64) < 0)) { answer(request, "error %s", strerror(errno)); return; }
  add(tcp ? LISTEN_TCP : SERVE_UDP, fd, ns, request);
  answer(request, "ok");
}

static void do_open(const char *request, const char *ns_name, const char *protocol, const char *address,
                    uint16_t port, int64_t milliseconds, uint16_t from) {
  const int ns = enter(ns_name);
  if (ns < 0) { answer(request, "error namespace: %s", strerror(errno)); return; }
  struct flow *flow = add(OPEN_TCP, -1, ns, request);
  if (!read_address(address, port, flow)) { flow->gone = true; answer(request, "error bad address"); return; }
  snprintf(flow->waiting, sizeof(flow->waiting), "%s", request);
  flow->deadline = now_ns() + milliseconds * 1000000;
  flow->peer_port = port;
  if (strcmp(protocol, "sctp") == 0) {
    static uint16_t next_port = 40000;
    static uint32_t next_tag = 0x10000000;
    flow->kind = OPEN_SCTP;
    flow->fd = raw_socket(ns, flow->family);
    flow->local_port = from != 0 ? from : next_port++;
    flow->tag = next_tag++;
    flow->resend = now_ns() + 300000000;
    if (flow->fd < 0) { finish(flow, failure(errno)); flow->gone = true; return; }
    send_open_sctp(flow);
    return;
  }
  const bool tcp = strcmp(protocol, "tcp") == 0;
  flow->kind = tcp ? OPEN_TCP : OPEN_UDP;
  flow->fd = socket(flow->family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int result = flow->fd < 0 ? -1 : 0;
  if (result == 0 && from != 0) {
    struct sockaddr_storage local = {.ss_family = (sa_family_t)flow->family};
    ((struct sockaddr_in *)&local)->sin_port = htons(from);  // sin6_port lies at the same place
    result = bind(flow->fd, (struct sockaddr *)&local, flow->peer_length);
  }
  if (result == 0) result = connect(flow->fd, (struct sockaddr *)&flow->peer, flow->peer_length);
  if (result < 0 && errno != EINPROGRESS) { finish(flow, failure(errno)); flow->gone = true; return; }
  if (!tcp) {
    flow->state = ECHOING;
    flow->resend = now_ns() + 300000000;
    if (send(flow->fd, echo_text, sizeof(echo_text), 0) < 0) { finish(flow, failure(errno)); flow->gone = true; }
  }
}

static void do_say(const char *request, const char *opened, int64_t milliseconds) {
  struct flow *flow = find(opened);
  if (flow == NULL || flow->state != IDLE) { answer(request, "closed"); return; }
  snprintf(flow->waiting, sizeof(flow->waiting), "%s", request);
  flow->state = ECHOING;
  flow->deadline = now_ns() + milliseconds * 1000000;
  if (flow->kind == OPEN_SCTP) {
    flow->resend = now_ns() + 300000000;
    send_open_sctp(flow);
  } else {
    if (flow->kind == OPEN_UDP) flow->resend = now_ns() + 300000000;
    if (send(flow->fd, echo_text, sizeof(echo_text), MSG_NOSIGNAL) < 0) { finish(flow, "closed"); flow->gone = true; }
  }
}

static void do_stream(const char *request, const char *ns_name, const char *address, uint16_t port, int64_t interval) {
  const int ns = enter(ns_name);
  if (ns < 0) { answer(request, "error namespace: %s", strerror(errno)); return; }
  struct flow *flow = add(STREAM, -1, ns, request);
  if (!read_address(address, port, flow)) { flow->gone = true; answer(request, "error bad address"); return; }
  flow->fd = socket(flow->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (flow->fd < 0 || connect(flow->fd, (struct sockaddr *)&flow->peer, flow->peer_length) < 0) {
    flow->gone = true;
    answer(request, "error %s", strerror(errno));
    return;
  }
  flow->interval = interval * 1000;
  flow->next_send = flow->last_arrival = now_ns();
  answer(request, "ok");
}

static void do_capture(const char *request, const char *ns_name, const char *interface) {
  const int ns = enter(ns_name);
  if (ns < 0) { answer(request, "error namespace: %s", strerror(errno)); return; }
  const int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL));
  struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
                           .sll_ifindex = (int)if_nametoindex(interface)};
  if (fd < 0 || at.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0) {
    answer(request, "error %s", strerror(errno));
    return;
  }
  add(CAPTURE, fd, ns, request);
  answer(request, "ok");
}

static void do_inject(const char *request, const char *ns_name, const char *hex) {
  const int ns = enter(ns_name);
  if (ns < 0) { answer(request, "error namespace: %s", strerror(errno)); return; }
  uint8_t packet[65536];
  const size_t length = strlen(hex) / 2;
  if (length < 20 || length > sizeof(packet)) { answer(request, "error bad length"); return; }
  for (size_t i = 0; i < length; i += 1) {
    unsigned int byte;
    if (sscanf(hex + 2 * i, "%2x", &byte) != 1) { answer(request, "error bad hex"); return; }
    packet[i] = (uint8_t)byte;
  }
  const bool v4 = packet[0] >> 4 == 4;
  if (!v4 && length < 40) { answer(request, "error bad length"); return; }
  const int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
  struct sockaddr_in to4 = {.sin_family = AF_INET};
  struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
  memcpy(&to4.sin_addr, packet + 16, 4);
  if (!v4) memcpy(&to6.sin6_addr, packet + 24, 16);
  const ssize_t sent = fd < 0 ? -1 : sendto(fd, packet, length, 0, v4 ? (struct sockaddr *)&to4 : (struct sockaddr *)&to6,
                                            v4 ? sizeof(to4) : sizeof(to6));
  if (sent < 0) answer(request, "error %s", strerror(errno));
  else answer(request, "ok");
  if (fd >= 0) close(fd);
}

static void do_write(const char *request, const char *ns_name, const char *path, const char *value) {
  if (enter(ns_name) < 0) { answer(request, "error namespace: %s", strerror(errno)); return; }
  // /proc/sys/net shows the namespace of whoever opens it.
  const int fd = strncmp(path, "/proc/sys/net/", 14) == 0 ? open(path, O_WRONLY | O_CLOEXEC) : -1;
  if (fd < 0 || write(fd, value, strlen(value)) < 0) answer(request, "error %s", strerror(errno));
  else answer(request, "ok");
  if (fd >= 0) close(fd);
}

static void do_captured(const char *request, struct flow *flow) {
  printf("%s ok ", request);
  for (size_t at = 0; at < flow->packets_length;) {
    uint32_t length;
    memcpy(&length, flow->packets + at, 4);
    at += 4;
    for (uint32_t i = 0; i < length; i += 1) printf("%02x", flow->packets[at + i]);
    at += length;
    if (at < flow->packets_length) putchar(',');
  }
  putchar('\n');
}

static void obey(char *line) {
  char *word[8] = {0};
  int count = 0;
  for (char *token = strtok(line, " "); token != NULL && count < 8; token = strtok(NULL, " ")) word[count++] = token;
  if (count < 2) return;
  const char *verb = word[1];
  if (strcmp(verb, "listen") == 0 && count == 5) do_listen(word[0], word[2], word[3], (uint16_t)atoi(word[4]));
  else if (strcmp(verb, "open") == 0 && count >= 7) {
    do_open(word[0], word[2], word[3], word[4], (uint16_t)atoi(word[5]), atoll(word[6]),
            count > 7 ? (uint16_t)atoi(word[7]) : 0);
  } else if (strcmp(verb, "say") == 0 && count == 4) do_say(word[0], word[2], atoll(word[3]));
  else if (strcmp(verb, "stream") == 0 && count == 6) {
    do_stream(word[0], word[2], word[3], (uint16_t)atoi(word[4]), atoll(word[5]));
  } else if (strcmp(verb, "capture") == 0 && count == 4) do_capture(word[0], word[2], word[3]);
  else if (strcmp(verb, "inject") == 0 && count == 4) do_inject(word[0], word[2], word[3]);
  else if (strcmp(verb, "write") == 0 && count == 5) do_write(word[0], word[2], word[3], word[4]);
  else if (count == 3) {
    struct flow *flow = find(word[2]);
    if (flow == NULL) answer(word[0], "error nothing is open by that name");
    else if (strcmp(verb, "close") == 0) { flow->gone = true; answer(word[0], "ok"); }
    else if (strcmp(verb, "captured") == 0 && flow->kind == CAPTURE) do_captured(word[0], flow);
    else if (strcmp(verb, "stop") == 0 && flow->kind == STREAM) {
      const int64_t tail = now_ns() - flow->last_arrival;
      const int64_t longest = tail > flow->longest_gap ? tail : flow->longest_gap;
      answer(word[0], "ok %llu %llu %lld", (unsigned long long)flow->sent, (unsigned long long)flow->received,
             (long long)longest / 1000);
      flow->gone = true;
    } else answer(word[0], "error unknown request");
  } else answer(word[0], "error unknown request");
}

// --- Events ------------------------------------------------------------------------------------

static void keep_packet(struct flow *flow, const uint8_t *packet, uint32_t length) {
  const size_t needed = flow->packets_length + length + 4;
  if (needed > flow->packets_room) {
    flow->packets_room = needed * 2;
    flow->packets = realloc(flow->packets, flow->packets_room);
    if (flow->packets == NULL) abort();
  }
  memcpy(flow->packets + flow->packets_length, &length, 4);
  memcpy(flow->packets + flow->packets_length + 4, packet, length);
  flow->packets_length = needed;
}

static void receive_echo(struct flow *flow) {
  char buffer[2048];
  const ssize_t received = recv(flow->fd, buffer, sizeof(buffer), 0);
  if (received > 0) {
    if (flow->state != ECHOING) return;
    flow->state = IDLE;
    finish(flow, "ok");
    return;
  }
  if (received < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const int error = received == 0 ? 0 : errno;
  // An ICMP error for a datagram says that the packet was refused somewhere, not that it got through.
  finish(flow, error == 0 || error == ECONNRESET ? "closed" : failure(error));
  flow->gone = true;
}

static void connected(struct flow *flow) {
  int error = 0;
  socklen_t length = sizeof(error);
  getsockopt(flow->fd, SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) {
    finish(flow, failure(error));
    flow->gone = true;
    return;
  }
  flow->state = ECHOING;
  if (send(flow->fd, echo_text, sizeof(echo_text), MSG_NOSIGNAL) < 0) {
    finish(flow, failure(errno));
    flow->gone = true;
  }
}

static void ready(struct flow *flow) {
  uint8_t buffer[65536];
  struct sockaddr_storage from;
  switch (flow->kind) {
    case LISTEN_TCP:
      for (int fd; (fd = accept4(flow->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        add(SERVE_TCP, fd, flow->ns, "");
      }
      return;
    case SERVE_TCP: {
      const ssize_t received = recv(flow->fd, buffer, sizeof(buffer), 0);
      if (received > 0) send(flow->fd, buffer, (size_t)received, MSG_NOSIGNAL);
      else if (received == 0 || (errno != EAGAIN && errno != EINTR)) flow->gone = true;
      return;
    }
    case SERVE_UDP:
      for (;;) {
        socklen_t length = sizeof(from);
        const ssize_t received = recvfrom(flow->fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &length);
        if (received < 0) return;
        sendto(flow->fd, buffer, (size_t)received, 0, (struct sockaddr *)&from, length);
      }
    case RAW_SCTP:
      receive_sctp(flow);
      return;
    case OPEN_TCP:
      if (flow->state == CONNECTING) connected(flow);
      else receive_echo(flow);
      return;
    case OPEN_UDP:
      receive_echo(flow);
      return;
    case STREAM:
      while (recv(flow->fd, buffer, sizeof(buffer), 0) > 0) {
        const int64_t now = now_ns();
        if (now - flow->last_arrival > flow->longest_gap) flow->longest_gap = now - flow->last_arrival;
        flow->last_arrival = now;
        flow->received += 1;
      }
      return;
    case CAPTURE:
      for (;;) {
        struct sockaddr_ll at;
        socklen_t length = sizeof(at);
        const ssize_t received = recvfrom(flow->fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&at, &length);
        if (received < 0) return;
        const uint16_t type = ntohs(at.sll_protocol);
        if (at.sll_pkttype != PACKET_OUTGOING && (type == ETH_P_IP || type == ETH_P_IPV6)) {
          keep_packet(flow, buffer, (uint32_t)received);
        }
      }
    case OPEN_SCTP:
      return;
  }
}

static void tick(struct flow *flow, int64_t now, int64_t *next) {
  if (flow->kind == STREAM) {
    if (now >= flow->next_send) {
      if (send(flow->fd, echo_text, sizeof(echo_text), 0) > 0) flow->sent += 1;
      flow->next_send = now + flow->interval;
    }
    if (flow->next_send < *next) *next = flow->next_send;
    return;
  }
  if (flow->deadline != 0 && now >= flow->deadline) {
    const bool connecting = flow->state == CONNECTING || strcmp(flow->waiting, flow->request) == 0;
    finish(flow, "timeout");
    if (connecting) flow->gone = true;
    else flow->state = IDLE;
    return;
  }
  if (flow->resend != 0 && now >= flow->resend) {
    flow->resend = now + 300000000;
    if (flow->kind == OPEN_SCTP) send_open_sctp(flow);
    else send(flow->fd, echo_text, sizeof(echo_text), 0);
  }
  if (flow->deadline != 0 && flow->deadline < *next) *next = flow->deadline;
  if (flow->resend != 0 && flow->resend < *next) *next = flow->resend;
}

static void sweep(void) {
  for (struct flow **at = &flows; *at != NULL;) {
    struct flow *flow = *at;
    if (!flow->gone) { at = &flow->next; continue; }
    *at = flow->next;
    if (flow->kind != OPEN_SCTP && flow->fd >= 0) close(flow->fd);
    free(flow->packets);
    free(flow);
  }
}

static void read_requests(void) {
  static char *buffer;
  static size_t length, room;
  if (room - length < 65536) {
    room = length + 131072;
    buffer = realloc(buffer, room);
    if (buffer == NULL) abort();
  }
  const ssize_t received = read(STDIN_FILENO, buffer + length, room - length - 1);
  if (received <= 0) exit(0);
  length += (size_t)received;
  size_t start = 0;
  for (char *end; (end = memchr(buffer + start, '\n', length - start)) != NULL;) {
    *end = 0;
    obey(buffer + start);
    start = (size_t)(end - buffer) + 1;
  }
  memmove(buffer, buffer + start, length - start);
  length -= start;
}

int main(void) {
  static struct pollfd polled[8192];
  static struct flow *owner[8192];
  const struct rlimit files = {8192, 8192};
  setrlimit(RLIMIT_NOFILE, &files);
  for (;;) {
    sweep();
    const int64_t now = now_ns();
    int64_t next = now + 1000000000;
    nfds_t count = 1;
    polled[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    for (struct flow *flow = flows; flow != NULL; flow = flow->next) {
      if (flow->gone) continue;
      tick(flow, now, &next);
      if (flow->gone || flow->kind == OPEN_SCTP || count == 8192) continue;
      const bool connecting = flow->kind == OPEN_TCP && flow->state == CONNECTING;
      polled[count] = (struct pollfd){.fd = flow->fd, .events = connecting ? POLLOUT : POLLIN};
      owner[count++] = flow;
    }
    fflush(stdout);
    const struct timespec wait = {next > now ? (next - now) / 1000000000 : 0, next > now ? (next - now) % 1000000000 : 0};
    if (ppoll(polled, count, &wait, NULL) < 0 && errno != EINTR) return 1;
    for (nfds_t i = 1; i < count; i += 1) {
      if (polled[i].revents != 0 && !owner[i]->gone) ready(owner[i]);
    }
    if (polled[0].revents != 0) read_requests();
  }
}
