// A loaded BPF program behind one owned descriptor.
#pragma once

#include "door.h"

namespace policyc {

class ProgramHandle : public Napi::ObjectWrap<ProgramHandle> {
 public:
  static const napi_type_tag kTag;
  static constexpr const char* kNoun = "program";

  static void define(Napi::Env env, Door& door);
  static Napi::Object wrap(Napi::Env env, Descriptor descriptor);

  explicit ProgramHandle(const Napi::CallbackInfo& info);

  int descriptor(Napi::Env env) const;

 private:
  Napi::Value facts(const Napi::CallbackInfo& info);
  Napi::Value reach(const Napi::CallbackInfo& info);
  Napi::Value testRun(const Napi::CallbackInfo& info);
  void pin(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  Napi::Value closed(const Napi::CallbackInfo& info);

  Descriptor fd_;
};

Napi::Value loadProgram(const Napi::CallbackInfo& info);
Napi::Value openPinnedProgram(const Napi::CallbackInfo& info);
Napi::Value openProgramById(const Napi::CallbackInfo& info);

}  // namespace policyc
