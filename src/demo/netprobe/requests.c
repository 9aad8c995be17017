// Requests: what each line asks for.
#include "netprobe.h"

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

static void do_listen(const char *request, const char *ns_name, const char *protocol, uint16_t port) {
  const int ns = enter(ns_name);
  if (ns < 0) { answer(request, "error namespace: %s", strerror(errno)); return; }
  if (strcmp(protocol, "sctp") == 0) {
    if (!serve_sctp_port(ns, port)) { answer(request, "error raw socket: %s", strerror(errno)); return; }
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
    if (send(flow->fd, echo_text, flow->echo_length, 0) < 0) { finish(flow, failure(errno)); flow->gone = true; }
  }
}

static void do_say(const char *request, const char *opened, int64_t milliseconds, size_t bytes) {
  struct flow *flow = find(opened);
  if (flow == NULL || flow->state != IDLE) { answer(request, "closed"); return; }
  snprintf(flow->waiting, sizeof(flow->waiting), "%s", request);
  flow->state = ECHOING;
  flow->echo_length = bytes < sizeof(echo_text) ? bytes : sizeof(echo_text);
  flow->deadline = now_ns() + milliseconds * 1000000;
  if (flow->kind == OPEN_SCTP) {
    flow->resend = now_ns() + 300000000;
    send_open_sctp(flow);
  } else {
    if (flow->kind == OPEN_UDP) flow->resend = now_ns() + 300000000;
    if (send(flow->fd, echo_text, flow->echo_length, MSG_NOSIGNAL) < 0) { finish(flow, "closed"); flow->gone = true; }
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

void obey(char *line) {
  char *word[8] = {0};
  int count = 0;
  for (char *token = strtok(line, " "); token != NULL && count < 8; token = strtok(NULL, " ")) word[count++] = token;
  if (count < 2) return;
  const char *verb = word[1];
  if (strcmp(verb, "listen") == 0 && count == 5) do_listen(word[0], word[2], word[3], (uint16_t)atoi(word[4]));
  else if (strcmp(verb, "open") == 0 && count >= 7) {
    do_open(word[0], word[2], word[3], word[4], (uint16_t)atoi(word[5]), atoll(word[6]),
            count > 7 ? (uint16_t)atoi(word[7]) : 0);
  } else if (strcmp(verb, "say") == 0 && (count == 4 || count == 5)) {
    do_say(word[0], word[2], atoll(word[3]), count > 4 ? (size_t)atoll(word[4]) : ECHO_LENGTH);
  }
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
