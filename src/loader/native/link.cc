// tcx links: attaching first or last, replacing the program in one step, and reading the whole chain.
#include "link.h"

#include <cerrno>
#include <vector>

#include <bpf/bpf.h>

#include "kernel-attr.h"
#include "program.h"

namespace policyc {

const napi_type_tag LinkHandle::kTag = {0x3e8f19b05ad27c64, 0xc70a5b91e62d8f04};

namespace {

uint32_t readTcxType(const Napi::CallbackInfo& info, size_t index) {
  const uint32_t type = readU32(info, index, "attachType");
  if (type != kTcxIngress && type != kTcxEgress) {
    throwRange(info.Env(), "attachType must be 46 (ingress) or 47 (egress)");
  }
  return type;
}

}  // namespace

LinkHandle::LinkHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<LinkHandle>(info) {
  info.This().As<Napi::Object>().TypeTag(&kTag);
}

void LinkHandle::define(Napi::Env env, Door& door) {
  Napi::Function made = DefineClass(
      env, "LinkHandle",
      {InstanceMethod<&LinkHandle::facts>("facts"), InstanceMethod<&LinkHandle::update>("update"),
       InstanceMethod<&LinkHandle::detach>("detach"), InstanceMethod<&LinkHandle::pin>("pin"),
       InstanceMethod<&LinkHandle::close>("close"), InstanceAccessor<&LinkHandle::closed>("closed")});
  door.link = Napi::Persistent(made);
}

Napi::Object LinkHandle::wrap(Napi::Env env, Descriptor descriptor) {
  Napi::Object made = env.GetInstanceData<Door>()->link.New({});
  Unwrap(made)->fd_ = std::move(descriptor);
  return made;
}

int LinkHandle::descriptor(Napi::Env env) const {
  if (!fd_.open()) throwState(env, "the link handle is closed");
  return fd_.get();
}

Napi::Value LinkHandle::facts(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  LinkFacts seen{};
  uint32_t length = sizeof(seen);
  const int result = bpf_obj_get_info_by_fd(fd, &seen, &length);
  if (result < 0) throwKernel(env, "read the facts of a link", result);
  Napi::Object made = Napi::Object::New(env);
  made.Set("id", seen.id);
  made.Set("type", seen.type);
  made.Set("programId", seen.programId);
  // A link that was detached, or whose interface is gone, says 0.
  if (seen.type == kLinkTypeTcx) {
    made.Set("interfaceIndex", seen.interfaceIndex);
    made.Set("attachType", seen.attachType);
  }
  return made;
}

void LinkHandle::update(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  const int program = readHandle<ProgramHandle>(info, 0, "program").descriptor(env);
  const int result = bpf_link_update(fd, program, nullptr);
  if (result < 0) throwKernel(env, "replace the program of a link", result);
}

void LinkHandle::detach(const Napi::CallbackInfo& info) {
  const int result = bpf_link_detach(descriptor(info.Env()));
  if (result < 0) throwKernel(info.Env(), "detach a link", result);
}

void LinkHandle::pin(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  const std::string path = readText(info, 0, "path", kLongestPath);
  const int result = bpf_obj_pin(fd, path.c_str());
  if (result < 0) throwKernel(env, "pin a link at `" + path + "`", result);
}

void LinkHandle::close(const Napi::CallbackInfo&) { fd_.close(); }

Napi::Value LinkHandle::closed(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), !fd_.open());
}

Napi::Value attachTcx(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  LinkCreateAttr attribute{};
  attribute.programFd =
      static_cast<uint32_t>(readHandle<ProgramHandle>(info, 0, "program").descriptor(env));
  attribute.interfaceIndex = readInterface(info, 1);
  attribute.attachType = readTcxType(info, 2);
  attribute.flags = readBool(info, 3, "first") ? kBefore : kAfter;
  attribute.expectedRevision = readOffset(info, 4, "expectedRevision");
  const int fd = bpfCall(BPF_LINK_CREATE, &attribute, sizeof(attribute));
  if (fd < 0) {
    throwKernel(env, "attach a program to interface " + std::to_string(attribute.interfaceIndex), errno);
  }
  return LinkHandle::wrap(env, Descriptor(fd));
}

Napi::Value openPinnedLink(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::string path = readText(info, 0, "path", kLongestPath);
  return LinkHandle::wrap(env, openPinned(env, path, "link"));
}

Napi::Value openLinkById(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const uint32_t id = readU32(info, 0, "id");
  Descriptor fd(bpf_link_get_fd_by_id(id));
  if (!fd.open()) throwKernel(env, "open link " + std::to_string(id), errno);
  return LinkHandle::wrap(env, std::move(fd));
}

Napi::Value queryTcx(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const uint32_t interface = readInterface(info, 0);
  const uint32_t type = readTcxType(info, 1);
  // The kernel's own limit for a chain (BPF_MPROG_MAX, include/linux/bpf_mprog.h).
  constexpr uint32_t kLongestChain = 64;
  uint32_t programs[kLongestChain] = {};
  uint32_t links[kLongestChain] = {};
  QueryAttr attribute{};
  attribute.interfaceIndex = interface;
  attribute.attachType = type;
  attribute.programIds = reinterpret_cast<uint64_t>(programs);
  attribute.linkIds = reinterpret_cast<uint64_t>(links);
  attribute.count = kLongestChain;
  const int result = bpfCall(BPF_PROG_QUERY, &attribute, sizeof(attribute));
  // 6.6 answers ENOENT where no program was ever attached.
  if (result < 0 && errno != ENOENT) {
    throwKernel(env, "read the chain of interface " + std::to_string(interface), errno);
  }
  if (result < 0) attribute.count = 0;
  Napi::Array chain = Napi::Array::New(env);
  for (uint32_t i = 0; i < attribute.count && i < kLongestChain; i += 1) {
    Napi::Object made = Napi::Object::New(env);
    made.Set("programId", programs[i]);
    made.Set("linkId", links[i]);
    chain.Set(i, made);
  }
  Napi::Object made = Napi::Object::New(env);
  made.Set("revision", static_cast<double>(attribute.revision));
  made.Set("chain", chain);
  return made;
}

}  // namespace policyc
