// Ring buffers: taking out what programs have written, without waiting.
#include "ring-buffer.h"

#include <cerrno>

#include "map.h"

namespace policyc {

const napi_type_tag RingBufferHandle::kTag = {0x6c41d8f27be0935a, 0x84f6e2a01d3c7b05};

RingBufferHandle::RingBufferHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<RingBufferHandle>(info) {
  info.This().As<Napi::Object>().TypeTag(&kTag);
}

void RingBufferHandle::define(Napi::Env env, Door& door) {
  Napi::Function made = DefineClass(env, "RingBufferHandle",
                                    {InstanceMethod<&RingBufferHandle::consume>("consume"),
                                     InstanceMethod<&RingBufferHandle::close>("close"),
                                     InstanceAccessor<&RingBufferHandle::closed>("closed")});
  door.ringBuffer = Napi::Persistent(made);
}

// libbpf maps the pages and keeps an epoll descriptor; the map's own descriptor may be closed after.
int RingBufferHandle::open(int mapFd) {
  ring_ = ring_buffer__new(mapFd, take, this, nullptr);
  return ring_ == nullptr ? errno : 0;
}

void RingBufferHandle::release() {
  if (ring_ != nullptr) ring_buffer__free(ring_);
  ring_ = nullptr;
}

// Runs inside libbpf, so it only copies: JavaScript values are made after libbpf has returned. A
// negative answer stops libbpf with this sample taken; without it a busy writer could hold us forever.
int RingBufferHandle::take(void* context, void* data, size_t length) {
  RingBufferHandle& self = *static_cast<RingBufferHandle*>(context);
  self.taken_.emplace_back(static_cast<const char*>(data), length);
  return self.taken_.size() >= self.limit_ ? -ECANCELED : 0;
}

Napi::Value RingBufferHandle::consume(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (ring_ == nullptr) throwState(env, "the ring buffer handle is closed");
  const uint32_t limit = readU32(info, 0, "limit");
  if (limit == 0) throwRange(env, "limit must be at least 1");
  limit_ = limit;
  taken_.clear();
  const int result = ring_buffer__consume(ring_);
  std::vector<std::string> taken;
  taken.swap(taken_);
  if (result < 0 && result != -ECANCELED) throwKernel(env, "read a ring buffer", result);
  Napi::Array list = Napi::Array::New(env);
  for (uint32_t i = 0; i < taken.size(); i += 1) {
    list.Set(i, copyBytes(env, taken[i].data(), taken[i].size()));
  }
  return list;
}

void RingBufferHandle::close(const Napi::CallbackInfo&) { release(); }

Napi::Value RingBufferHandle::closed(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), ring_ == nullptr);
}

Napi::Value openRingBuffer(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int map = readHandle<MapHandle>(info, 0, "map").descriptor(env);
  Napi::Object made = env.GetInstanceData<Door>()->ringBuffer.New({});
  const LogCapture capture(false);
  const int error = RingBufferHandle::Unwrap(made)->open(map);
  if (error != 0) throwKernel(env, "open a ring buffer", error, capture.text());
  return made;
}

}  // namespace policyc
