// clsact: attaching a program as a direct-action filter, and reading every filter of a hook.
#include "classic-tc.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <sys/socket.h>

#include "netlink.h"
#include "program.h"

namespace policyc {

namespace {

struct bpf_tc_hook readHook(const Napi::CallbackInfo& info, size_t index) {
  struct bpf_tc_hook hook {};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(readInterface(info, index));
  hook.attach_point = readBool(info, index + 1, "ingress") ? BPF_TC_INGRESS : BPF_TC_EGRESS;
  return hook;
}

// Both directions at once stand for the qdisc itself; libbpf else removes only the filters of one.
struct bpf_tc_hook readQdisc(const Napi::CallbackInfo& info, size_t index) {
  struct bpf_tc_hook hook {};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(readInterface(info, index));
  hook.attach_point = static_cast<enum bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  return hook;
}

struct bpf_tc_opts readFilter(const Napi::CallbackInfo& info, size_t index) {
  struct bpf_tc_opts options {};
  options.sz = sizeof(options);
  options.handle = readU32(info, index, "handle");
  options.priority = readU32(info, index + 1, "priority");
  if (options.handle == 0) throwRange(info.Env(), "handle must not be 0");
  if (options.priority == 0 || options.priority > 65535) {
    throwRange(info.Env(), "priority must be 1 to 65535");
  }
  return options;
}

std::string say(const char* verb, const struct bpf_tc_hook& hook) {
  return std::string(verb) + " interface " + std::to_string(hook.ifindex);
}

}  // namespace

Napi::Value createClsact(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  struct bpf_tc_hook hook = readQdisc(info, 0);
  const LogCapture capture(false);
  const int result = bpf_tc_hook_create(&hook);
  if (result < 0 && result != -EEXIST) throwKernel(env, say("add clsact to", hook), result, capture.text());
  return Napi::Boolean::New(env, result == 0);
}

Napi::Value destroyClsact(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  struct bpf_tc_hook hook = readQdisc(info, 0);
  const LogCapture capture(false);
  const int result = bpf_tc_hook_destroy(&hook);
  if (result < 0) throwKernel(env, say("remove clsact from", hook), result, capture.text());
  return env.Undefined();
}

Napi::Value attachClassic(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int program = readHandle<ProgramHandle>(info, 0, "program").descriptor(env);
  const struct bpf_tc_hook hook = readHook(info, 1);
  struct bpf_tc_opts options = readFilter(info, 3);
  options.prog_fd = program;
  options.flags = readBool(info, 5, "replace") ? BPF_TC_F_REPLACE : 0;
  const LogCapture capture(false);
  const int result = bpf_tc_attach(&hook, &options);
  if (result < 0) throwKernel(env, say("attach a filter to", hook), result, capture.text());
  return env.Undefined();
}

Napi::Value detachClassic(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const struct bpf_tc_hook hook = readHook(info, 0);
  const struct bpf_tc_opts options = readFilter(info, 2);
  const LogCapture capture(false);
  const int result = bpf_tc_detach(&hook, &options);
  if (result == -ENOENT) return Napi::Boolean::New(env, false);
  if (result < 0) throwKernel(env, say("detach a filter from", hook), result, capture.text());
  return Napi::Boolean::New(env, true);
}

namespace {

struct Filter {
  uint32_t handle;
  uint32_t priority;
  uint32_t protocol;
  std::string kind;
  std::string name;
  uint32_t programId;
  bool directAction;
};

Filter readFilterMessage(const struct tcmsg& message, const uint8_t* data, size_t length) {
  Filter filter{message.tcm_handle, message.tcm_info >> 16, message.tcm_info & 0xffff, "", "", 0, false};
  eachAttribute(data, length, [&](uint16_t type, const uint8_t* value, size_t size) {
    if (type == TCA_KIND) filter.kind = attributeText(value, size);
    if (type != TCA_OPTIONS) return;
    eachAttribute(value, size, [&](uint16_t inner, const uint8_t* option, size_t bytes) {
      // Only the bpf classifier's attributes carry these meanings; the kind comes first in a message.
      if (filter.kind != "bpf") return;
      if (inner == TCA_BPF_NAME) filter.name = attributeText(option, bytes);
      if (inner == TCA_BPF_ID) filter.programId = attributeWord(option, bytes);
      if (inner == TCA_BPF_FLAGS) filter.directAction = (attributeWord(option, bytes) & TCA_BPF_FLAG_ACT_DIRECT) != 0;
    });
  });
  return filter;
}

// RTM_GETTFILTER as a dump, since libbpf can only ask for one known filter. Returns a positive errno or 0.
int dumpFilters(int interface, uint32_t parent, std::vector<Filter>& into) {
  struct {
    struct nlmsghdr head;
    struct tcmsg body;
  } request{};
  request.head.nlmsg_len = sizeof(request);
  request.head.nlmsg_type = RTM_GETTFILTER;
  request.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.head.nlmsg_seq = 1;
  request.body.tcm_family = AF_UNSPEC;
  request.body.tcm_ifindex = interface;
  request.body.tcm_parent = parent;
  return dumpNetlink(&request, sizeof(request), RTM_NEWTFILTER, [&](const uint8_t* body, size_t size) {
    const size_t skip = NLMSG_ALIGN(sizeof(struct tcmsg));
    if (size < skip) return;
    struct tcmsg message {};
    std::memcpy(&message, body, sizeof(message));
    Filter filter = readFilterMessage(message, body + skip, size - skip);
    // The kernel also lists each priority's chain itself, with handle 0.
    if (filter.handle != 0) into.push_back(std::move(filter));
  });
}

}  // namespace

Napi::Value queryClassic(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const struct bpf_tc_hook hook = readHook(info, 0);
  const uint32_t minor = hook.attach_point == BPF_TC_INGRESS ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS;
  std::vector<Filter> filters;
  const int error = dumpFilters(hook.ifindex, TC_H_MAKE(TC_H_CLSACT, minor), filters);
  // Without a clsact qdisc the dump is empty; some kernels say so with an error instead.
  if (error != 0 && error != ENOENT && error != EINVAL) throwKernel(env, say("list the filters of", hook), error);
  Napi::Array list = Napi::Array::New(env);
  for (const Filter& filter : filters) {
    Napi::Object made = Napi::Object::New(env);
    made.Set("handle", filter.handle);
    made.Set("priority", filter.priority);
    // Network byte order in the message; ETH_P_ALL is 3.
    made.Set("protocol", static_cast<uint32_t>(__builtin_bswap16(static_cast<uint16_t>(filter.protocol))));
    made.Set("kind", filter.kind);
    made.Set("name", filter.name);
    made.Set("programId", filter.programId);
    made.Set("directAction", filter.directAction);
    list.Set(list.Length(), made);
  }
  return list;
}

}  // namespace policyc
