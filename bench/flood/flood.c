/*
 * Sends frames into several veths in turn, and prints what each frame took. A veth hands a frame on
 * within the call that sends it, so that the time of the call is that of the whole way: all of it runs
 * on one CPU. Time is the CPU's time of this process, so that others who want the CPU do not count.
 *
 * usage: flood CPU FRAMES BYTES ROUNDS TRIES LIMIT-MS NETNS:INTERFACE...
 *   FRAMES    a file of frames of BYTES bytes each
 *   LIMIT-MS  after this long a try ends, however many frames are left
 * Prints `ROUND LANE NANOSECONDS-PER-FRAME` for the fastest try, and `sent LANE FRAMES` at the end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, MAX_LANES = 32 };

static struct mmsghdr batch[BATCH];
static struct iovec parts[BATCH];

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static double now_ns(void) {
  struct timespec at;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static unsigned char *read_frames(const char *path, size_t *length) {
  int file = open(path, O_RDONLY);
  if (file < 0) fail(path);
  struct stat facts;
  if (fstat(file, &facts) < 0) fail(path);
  *length = (size_t)facts.st_size;
  unsigned char *bytes = malloc(*length);
  if (!bytes) fail("malloc");
  for (size_t done = 0; done < *length;) {
    ssize_t got = read(file, bytes + done, *length - done);
    if (got <= 0) fail(path);
    done += (size_t)got;
  }
  close(file);
  return bytes;
}

/* A raw socket on an interface of another namespace: a socket stays where it was made. */
static int open_lane(char *name) {
  char *interface = strchr(name, ':');
  if (!interface) fail(name);
  *interface++ = 0;
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", name);
  int netns = open(path, O_RDONLY);
  if (netns < 0 || setns(netns, CLONE_NEWNET) < 0) fail(path);
  close(netns);
  int lane = socket(AF_PACKET, SOCK_RAW, 0);
  if (lane < 0) fail("socket");
  struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = 0};
  address.sll_ifindex = (int)if_nametoindex(interface);
  if (!address.sll_ifindex || bind(lane, (struct sockaddr *)&address, sizeof address) < 0)
    fail(interface);
  int one = 1;
  if (setsockopt(lane, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one) < 0) fail("setsockopt");
  return lane;
}

/* Sends all frames once, or until the limit. Returns nanoseconds for each that was sent. */
static double send_frames(int lane, unsigned char *frames, size_t count, size_t bytes,
                          double limit_ns, unsigned long *sent) {
  size_t done = 0;
  double start = now_ns();
  double end = start;
  while (done < count && end - start < limit_ns) {
    unsigned int length = count - done < BATCH ? (unsigned int)(count - done) : BATCH;
    for (unsigned int i = 0; i < length; i++) {
      parts[i] = (struct iovec){frames + (done + i) * bytes, bytes};
      batch[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    int taken = sendmmsg(lane, batch, length, 0);
    if (taken <= 0) fail("sendmmsg");
    done += (size_t)taken;
    end = now_ns();
  }
  *sent += done;
  return (end - start) / (double)done;
}

int main(int argc, char **argv) {
  if (argc < 8 || argc - 7 > MAX_LANES) {
    fprintf(stderr, "usage: flood CPU FRAMES BYTES ROUNDS TRIES LIMIT-MS NETNS:INTERFACE...\n");
    return 2;
  }
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET((size_t)atoi(argv[1]), &cpus);
  if (sched_setaffinity(0, sizeof cpus, &cpus) < 0) fail("sched_setaffinity");
  size_t bytes = (size_t)atoi(argv[3]);
  int rounds = atoi(argv[4]);
  int tries = atoi(argv[5]);
  double limit_ns = atof(argv[6]) * 1e6;
  size_t length;
  unsigned char *frames = read_frames(argv[2], &length);
  int lane_count = argc - 7;
  int lanes[MAX_LANES];
  unsigned long sent[MAX_LANES] = {0};
  for (int i = 0; i < lane_count; i++) lanes[i] = open_lane(argv[7 + i]);
  for (int round = 0; round < rounds; round++) {
    for (int turn = 0; turn < lane_count; turn++) {
      /* Each lane comes first once, and after each of the others. */
      int i = (turn + round) % lane_count;
      double best = 0;
      for (int try = 0; try < tries; try++) {
        double ns = send_frames(lanes[i], frames, length / bytes, bytes, limit_ns, &sent[i]);
        if (try == 0 || ns < best) best = ns;
      }
      printf("%d %d %.2f\n", round, i, best);
    }
  }
  for (int i = 0; i < lane_count; i++) printf("sent %d %lu\n", i, sent[i]);
  return 0;
}
