// A BPF ELF object between opening and loading, as libbpf holds it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <bpf/libbpf.h>

#include "door.h"

namespace policyc {

class ObjectHandle : public Napi::ObjectWrap<ObjectHandle> {
 public:
  static const napi_type_tag kTag;
  static constexpr const char* kNoun = "object";

  static void define(Napi::Env env, Door& door);

  explicit ObjectHandle(const Napi::CallbackInfo& info);
  ~ObjectHandle() override;

  void adopt(std::vector<uint8_t> image, struct bpf_object* object);

 private:
  Napi::Value programs(const Napi::CallbackInfo& info);
  Napi::Value maps(const Napi::CallbackInfo& info);
  void reuseMap(const Napi::CallbackInfo& info);
  void resizeMap(const Napi::CallbackInfo& info);
  void setProgramType(const Napi::CallbackInfo& info);
  void setAutoload(const Napi::CallbackInfo& info);
  Napi::Value load(const Napi::CallbackInfo& info);
  Napi::Value program(const Napi::CallbackInfo& info);
  Napi::Value map(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  Napi::Value closed(const Napi::CallbackInfo& info);

  enum class Phase { kClosed, kOpen, kLoaded, kFailed };

  void expect(Napi::Env env, Phase wanted) const;
  struct bpf_map* findMap(const Napi::CallbackInfo& info, size_t index) const;
  struct bpf_program* findProgram(const Napi::CallbackInfo& info, size_t index) const;
  void release();

  std::vector<uint8_t> image_;  // libbpf reads the ELF bytes where they are
  struct bpf_object* object_ = nullptr;
  Phase phase_ = Phase::kClosed;
  // By the names at opening: bpf_map__reuse_fd renames a map after the one it reuses.
  std::map<std::string, struct bpf_map*> maps_;
  std::map<struct bpf_map*, Descriptor> stands_;
};

Napi::Value openObject(const Napi::CallbackInfo& info);

}  // namespace policyc
