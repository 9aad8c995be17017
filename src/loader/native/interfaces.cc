// Interfaces: their kinds, and the XDP programs that see packets before all others.
#include "interfaces.h"

#include <linux/if_link.h>
#include <sys/socket.h>

#include "netlink.h"

namespace policyc {

namespace {

constexpr uint32_t kSkipStatistics = 1U << 3;  // RTEXT_FILTER_SKIP_STATS (linux/rtnetlink.h)

Napi::Object describe(Napi::Env env, const uint8_t* body, size_t size) {
  struct ifinfomsg head {};
  std::memcpy(&head, body, sizeof(head));
  std::string name;
  std::string kind;
  uint32_t xdp = 0;
  const size_t skip = NLMSG_ALIGN(sizeof(head));
  eachAttribute(body + skip, size - skip, [&](uint16_t type, const uint8_t* value, size_t length) {
    if (type == IFLA_IFNAME) name = attributeText(value, length);
    if (type == IFLA_LINKINFO) {
      eachAttribute(value, length, [&](uint16_t inner, const uint8_t* text, size_t bytes) {
        if (inner == IFLA_INFO_KIND) kind = attributeText(text, bytes);
      });
    }
    if (type == IFLA_XDP) {
      // With several programs attached there is one identity for each mode; any of them will do.
      eachAttribute(value, length, [&](uint16_t inner, const uint8_t* word, size_t bytes) {
        const bool isProgram = inner == IFLA_XDP_PROG_ID || inner == IFLA_XDP_DRV_PROG_ID ||
                               inner == IFLA_XDP_SKB_PROG_ID || inner == IFLA_XDP_HW_PROG_ID;
        if (isProgram && attributeWord(word, bytes) != 0) xdp = attributeWord(word, bytes);
      });
    }
  });
  Napi::Object made = Napi::Object::New(env);
  made.Set("index", head.ifi_index);
  made.Set("name", name);
  made.Set("kind", kind);
  made.Set("xdpProgramId", xdp);
  return made;
}

}  // namespace

Napi::Value listInterfaces(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  struct {
    struct nlmsghdr head;
    struct ifinfomsg body;
    struct rtattr attribute;
    uint32_t mask;
  } request{};
  request.head.nlmsg_len = sizeof(request);
  request.head.nlmsg_type = RTM_GETLINK;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.head.nlmsg_seq = 1;
  request.body.ifi_family = AF_UNSPEC;
  request.attribute.rta_len = RTA_LENGTH(sizeof(request.mask));
  request.attribute.rta_type = IFLA_EXT_MASK;
  request.mask = kSkipStatistics;
  Napi::Array list = Napi::Array::New(env);
  const int error =
      dumpNetlink(&request, sizeof(request), RTM_NEWLINK, [&](const uint8_t* body, size_t size) {
        if (size >= NLMSG_ALIGN(sizeof(struct ifinfomsg))) list.Set(list.Length(), describe(env, body, size));
      });
  if (error != 0) throwKernel(env, "list the interfaces", error);
  return list;
}

}  // namespace policyc
