// SCTP over raw sockets (RFC 9260): just enough of it to connect and to echo.
#include "netprobe.h"

struct service { int ns; uint16_t port; };
static struct service sctp_services[1024];
static int sctp_service_count;

// False if there is no room for another.
bool serve_sctp_port(int ns, uint16_t port) {
  if (raw_socket(ns, AF_INET) < 0 || raw_socket(ns, AF_INET6) < 0 || sctp_service_count == 1024) return false;
  sctp_services[sctp_service_count++] = (struct service){ns, port};
  return true;
}

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

int raw_socket(int ns, int family) {
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

void send_open_sctp(struct flow *flow) {
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

void receive_sctp(struct flow *raw) {
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
