// What netprobe's parts share: flows, namespaces, and answers.
#pragma once
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
  size_t echo_length;  // of the datagram that is to come back
  uint64_t sent, received;
  int64_t interval, next_send, last_arrival, longest_gap;
  uint8_t *packets;
  size_t packets_length, packets_room;
  bool gone;
};



// By every request that made one; in no order.
extern struct flow *flows;
// What echoes are made of: the text, and zeros behind it for longer ones.
extern const char echo_text[16384];
#define ECHO_LENGTH 13

int64_t now_ns(void);
// Says one line, unless nobody asked.
void answer(const char *request, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Answers whoever waits for the flow.
void finish(struct flow *flow, const char *status);
// An errno as the status of a connect.
const char *failure(int error);
// Moves this process into the namespace; returns its number, or -1 with errno.
int enter(const char *name);
struct flow *add(enum kind kind, int fd, int ns, const char *request);
struct flow *find(const char *request);

// SCTP over raw sockets.
int raw_socket(int ns, int family);
bool serve_sctp_port(int ns, uint16_t port);
void send_open_sctp(struct flow *flow);
void receive_sctp(struct flow *raw);

// Obeys one line; it is changed.
void obey(char *line);
