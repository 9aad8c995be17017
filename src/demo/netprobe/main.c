// Sockets in many network namespaces from one process, driven by lines on standard input.
//
// Every request is `REQ VERB …`, answered by exactly one line `REQ STATUS [DETAIL]`:
//
//   listen NS PROTO PORT               serve echoes on both families           ok
//   open NS PROTO ADDR PORT MS [FROM]  connect, and see one echo come back     ok | timeout | refused | error WHY
//   say REQ MS [BYTES]                 another echo on what REQ opened         ok | timeout | closed
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
#include "netprobe.h"

struct flow *flows;
struct namespace { char name[80]; int fd; };
static struct namespace namespaces[512];
static int namespace_count;
const char echo_text[16384] = "policyc-echo";

int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void answer(const char *request, const char *format, ...) {
  if (request[0] == 0) return;
  va_list arguments;
  va_start(arguments, format);
  printf("%s ", request);
  vprintf(format, arguments);
  putchar('\n');
  va_end(arguments);
}

void finish(struct flow *flow, const char *status) {
  answer(flow->waiting, "%s", status);
  flow->waiting[0] = 0;
  flow->deadline = 0;
  flow->resend = 0;
}

const char *failure(int error) {
  static char text[128];
  if (error == ECONNREFUSED) return "refused";
  if (error == ETIMEDOUT) return "timeout";
  snprintf(text, sizeof(text), "error %s", strerror(error));
  return text;
}

int enter(const char *name) {
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

struct flow *add(enum kind kind, int fd, int ns, const char *request) {
  struct flow *flow = calloc(1, sizeof(*flow));
  if (flow == NULL) abort();
  flow->kind = kind;
  flow->fd = fd;
  flow->ns = ns;
  flow->echo_length = ECHO_LENGTH;
  snprintf(flow->request, sizeof(flow->request), "%s", request);
  flow->next = flows;
  flows = flow;
  return flow;
}

struct flow *find(const char *request) {
  for (struct flow *flow = flows; flow != NULL; flow = flow->next) {
    if (!flow->gone && flow->request[0] != 0 && strcmp(flow->request, request) == 0) return flow;
  }
  return NULL;
}

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
  // A datagram is told by its whole length, however much of it is read.
  const ssize_t received = recv(flow->fd, buffer, sizeof(buffer), flow->kind == OPEN_UDP ? MSG_TRUNC : 0);
  if (received > 0) {
    if (flow->state != ECHOING) return;
    if (flow->kind == OPEN_UDP && (size_t)received != flow->echo_length) return;
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
  if (send(flow->fd, echo_text, flow->echo_length, MSG_NOSIGNAL) < 0) {
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
      if (send(flow->fd, echo_text, ECHO_LENGTH, 0) > 0) flow->sent += 1;
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
    else send(flow->fd, echo_text, flow->echo_length, 0);
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
