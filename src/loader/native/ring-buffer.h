// The reading end of a BPF ring buffer.
#pragma once

#include <string>
#include <vector>

#include <bpf/libbpf.h>

#include "door.h"

namespace policyc {

class RingBufferHandle : public Napi::ObjectWrap<RingBufferHandle> {
 public:
  static const napi_type_tag kTag;
  static constexpr const char* kNoun = "ring buffer";

  static void define(Napi::Env env, Door& door);

  explicit RingBufferHandle(const Napi::CallbackInfo& info);
  ~RingBufferHandle() override { release(); }

  int open(int mapFd);

 private:
  static int take(void* context, void* data, size_t length);
  Napi::Value consume(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  Napi::Value closed(const Napi::CallbackInfo& info);
  void release();

  struct ring_buffer* ring_ = nullptr;
  std::vector<std::string> taken_;
  size_t limit_ = 0;
};

Napi::Value openRingBuffer(const Napi::CallbackInfo& info);

}  // namespace policyc
