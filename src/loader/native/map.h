// A BPF map behind one owned descriptor.
#pragma once

#include <bpf/bpf.h>

#include "door.h"

namespace policyc {

class MapHandle : public Napi::ObjectWrap<MapHandle> {
 public:
  static const napi_type_tag kTag;
  static constexpr const char* kNoun = "map";

  static void define(Napi::Env env, Door& door);
  static Napi::Object wrap(Napi::Env env, Descriptor descriptor);

  // Always makes a closed handle; only wrap() opens one, so `new handle.constructor()` is harmless.
  explicit MapHandle(const Napi::CallbackInfo& info);

  int descriptor(Napi::Env env) const;
  const struct bpf_map_info& shape() const { return shape_; }

 private:
  Napi::Value shapeOf(const Napi::CallbackInfo& info);
  void update(const Napi::CallbackInfo& info);
  Napi::Value updateBatch(const Napi::CallbackInfo& info);
  void setProgram(const Napi::CallbackInfo& info);
  void setMap(const Napi::CallbackInfo& info);
  Napi::Value lookup(const Napi::CallbackInfo& info);
  Napi::Value remove(const Napi::CallbackInfo& info);
  Napi::Value nextKey(const Napi::CallbackInfo& info);
  Napi::Value dump(const Napi::CallbackInfo& info);
  void freeze(const Napi::CallbackInfo& info);
  void pin(const Napi::CallbackInfo& info);
  void writeMapped(const Napi::CallbackInfo& info);
  void storeMapped32(const Napi::CallbackInfo& info);
  Napi::Value readMapped(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  Napi::Value closed(const Napi::CallbackInfo& info);

  std::string say(const char* verb) const;
  void refuseDescriptors(Napi::Env env) const;
  [[noreturn]] void fail(Napi::Env env, const char* verb, int error) const;

  Descriptor fd_;
  struct bpf_map_info shape_ {};
  size_t valueBytes_ = 0;  // as system calls copy it: per-CPU maps hold one rounded value a CPU
};

Napi::Value createMap(const Napi::CallbackInfo& info);
Napi::Value openPinnedMap(const Napi::CallbackInfo& info);
Napi::Value openMapById(const Napi::CallbackInfo& info);

}  // namespace policyc
