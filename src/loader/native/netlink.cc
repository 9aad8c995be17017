// Netlink, since libbpf can only ask for what it knows.
#include "netlink.h"

#include <cerrno>
#include <vector>

#include <sys/socket.h>

#include "door.h"

namespace policyc {

uint32_t attributeWord(const uint8_t* data, size_t length) {
  uint32_t value = 0;
  if (length >= sizeof(value)) std::memcpy(&value, data, sizeof(value));
  return value;
}

std::string attributeText(const uint8_t* data, size_t length) {
  const char* text = reinterpret_cast<const char*>(data);
  return std::string(text, strnlen(text, length));
}

int dumpNetlink(const void* request, size_t length, uint16_t wanted,
                const std::function<void(const uint8_t* body, size_t size)>& visit) {
  const Descriptor netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!netlink.open()) return errno;
  return askNetlink(netlink.get(), request, length, wanted, visit);
}

int askNetlink(int netlink, const void* request, size_t length, uint16_t wanted,
               const std::function<void(const uint8_t* body, size_t size)>& visit) {
  struct nlmsghdr asked {};
  std::memcpy(&asked, request, sizeof(asked));
  const bool isDump = (asked.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
  if (::send(netlink, request, length, 0) < 0) return errno;
  std::vector<uint8_t> buffer(64 * 1024);
  for (;;) {
    const ssize_t got = ::recv(netlink, buffer.data(), buffer.size(), MSG_TRUNC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (static_cast<size_t>(got) > buffer.size()) return EMSGSIZE;
    size_t at = 0;
    const size_t end = static_cast<size_t>(got);
    while (end - at >= sizeof(struct nlmsghdr)) {
      struct nlmsghdr head {};
      std::memcpy(&head, buffer.data() + at, sizeof(head));
      if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > end - at) return EBADMSG;
      const uint8_t* body = buffer.data() + at + NLMSG_HDRLEN;
      const size_t size = head.nlmsg_len - NLMSG_HDRLEN;
      if (head.nlmsg_type == NLMSG_DONE) return 0;
      if (head.nlmsg_type == NLMSG_ERROR) {
        int error = 0;
        if (size >= sizeof(error)) std::memcpy(&error, body, sizeof(error));
        return -error;
      }
      if (head.nlmsg_type == wanted) visit(body, size);
      if (!isDump) return 0;
      const size_t step = NLMSG_ALIGN(head.nlmsg_len);
      if (step >= end - at) break;
      at += step;
    }
  }
}

}  // namespace policyc
