// Which network namespace is at the other end of a veth, and what sockets are open there.
#include "sockets.h"

#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/net_namespace.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>

#include "netlink.h"

namespace policyc {

namespace {

// What a socket is told as: family, protocol, state, zero; ports in host order; addresses of 16 bytes.
struct SocketRecord {
  uint8_t family;
  uint8_t protocol;
  uint8_t state;
  uint8_t zero;
  uint16_t localPort;
  uint16_t remotePort;
  uint8_t local[16];
  uint8_t remote[16];
};
static_assert(sizeof(SocketRecord) == 40);

// A socket stays in the network namespace that it was made in, so that only its making needs a thread
// that goes there; that thread ends with it.
Descriptor openDiagnosis(const Descriptor& where, int& error) {
  int made = -1;
  std::thread maker([&] {
    if (::setns(where.get(), CLONE_NEWNET) != 0) {
      error = errno;
      return;
    }
    made = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (made < 0) error = errno;
  });
  maker.join();
  return Descriptor(made);
}

int dumpSockets(int netlink, uint8_t family, uint8_t protocol, std::vector<SocketRecord>& found) {
  struct {
    struct nlmsghdr head;
    struct inet_diag_req_v2 body;
  } request{};
  request.head.nlmsg_len = sizeof(request);
  request.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.head.nlmsg_seq = 1;
  request.body.sdiag_family = family;
  request.body.sdiag_protocol = protocol;
  request.body.idiag_states = ~0U;
  return askNetlink(netlink, &request, sizeof(request), SOCK_DIAG_BY_FAMILY,
                    [&](const uint8_t* body, size_t size) {
                      struct inet_diag_msg socket {};
                      if (size < sizeof(socket)) return;
                      std::memcpy(&socket, body, sizeof(socket));
                      SocketRecord record{};
                      record.family = socket.idiag_family;
                      record.protocol = protocol;
                      record.state = socket.idiag_state;
                      record.localPort = ntohs(socket.id.idiag_sport);
                      record.remotePort = ntohs(socket.id.idiag_dport);
                      std::memcpy(record.local, socket.id.idiag_src, sizeof(record.local));
                      std::memcpy(record.remote, socket.id.idiag_dst, sizeof(record.remote));
                      found.push_back(record);
                    });
}

}  // namespace

// The number that the calling thread's network namespace has for the one at the other end of a veth;
// undefined if the other end is not elsewhere. The kernel gives it a number when it tells it.
Napi::Value peerNamespaceId(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  struct {
    struct nlmsghdr head;
    struct ifinfomsg body;
  } request{};
  request.head.nlmsg_len = sizeof(request);
  request.head.nlmsg_type = RTM_GETLINK;
  request.head.nlmsg_flags = NLM_F_REQUEST;
  request.head.nlmsg_seq = 1;
  request.body.ifi_family = AF_UNSPEC;
  request.body.ifi_index = static_cast<int>(readInterface(info, 0));
  bool known = false;
  uint32_t id = 0;
  const int error =
      dumpNetlink(&request, sizeof(request), RTM_NEWLINK, [&](const uint8_t* body, size_t size) {
        const size_t skip = NLMSG_ALIGN(sizeof(struct ifinfomsg));
        if (size < skip) return;
        eachAttribute(body + skip, size - skip, [&](uint16_t type, const uint8_t* value, size_t length) {
          if (type != IFLA_LINK_NETNSID) return;
          known = true;
          id = attributeWord(value, length);
        });
      });
  if (error != 0) throwKernel(env, "look at an interface", error);
  if (!known) return env.Undefined();
  return Napi::Number::New(env, static_cast<int32_t>(id));
}

// The number that the calling thread's network namespace has for the one at the path; undefined for none.
Napi::Value namespaceId(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::string path = readText(info, 0, "path", kLongestPath);
  const std::string operation = "ask for the number of the network namespace `" + path + "`";
  const Descriptor there(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!there.open()) throwKernel(env, operation, errno);
  struct {
    struct nlmsghdr head;
    struct rtgenmsg body;
    uint8_t padding[3];
    struct rtattr attribute;
    uint32_t descriptor;
  } request{};
  request.head.nlmsg_len = sizeof(request);
  request.head.nlmsg_type = RTM_GETNSID;
  request.head.nlmsg_flags = NLM_F_REQUEST;
  request.head.nlmsg_seq = 1;
  request.attribute.rta_len = RTA_LENGTH(sizeof(request.descriptor));
  request.attribute.rta_type = NETNSA_FD;
  request.descriptor = static_cast<uint32_t>(there.get());
  int32_t id = NETNSA_NSID_NOT_ASSIGNED;
  const int error =
      dumpNetlink(&request, sizeof(request), RTM_NEWNSID, [&](const uint8_t* body, size_t size) {
        const size_t skip = NLMSG_ALIGN(sizeof(struct rtgenmsg));
        if (size < skip) return;
        eachAttribute(body + skip, size - skip, [&](uint16_t type, const uint8_t* value, size_t length) {
          if (type == NETNSA_NSID) id = static_cast<int32_t>(attributeWord(value, length));
        });
      });
  if (error != 0) throwKernel(env, operation, error);
  if (id == NETNSA_NSID_NOT_ASSIGNED) return env.Undefined();
  return Napi::Number::New(env, id);
}

// All TCP and UDP sockets of the network namespace at the path, as records laid end to end.
Napi::Value listSockets(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::string path = readText(info, 0, "path", kLongestPath);
  const std::string operation = "list the sockets of the network namespace `" + path + "`";
  const Descriptor there(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!there.open()) throwKernel(env, operation, errno);
  int error = 0;
  const Descriptor netlink = openDiagnosis(there, error);
  if (!netlink.open()) throwKernel(env, operation, error);
  std::vector<SocketRecord> found;
  for (const uint8_t protocol : {IPPROTO_TCP, IPPROTO_UDP}) {
    for (const int family : {AF_INET, AF_INET6}) {
      error = dumpSockets(netlink.get(), static_cast<uint8_t>(family), protocol, found);
      if (error != 0) throwKernel(env, operation, error);
    }
  }
  return copyBytes(env, found.data(), found.size() * sizeof(SocketRecord));
}

}  // namespace policyc
