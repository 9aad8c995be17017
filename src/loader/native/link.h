// A BPF link, which keeps a program attached for as long as a descriptor or a pin holds it.
#pragma once

#include "door.h"

namespace policyc {

class LinkHandle : public Napi::ObjectWrap<LinkHandle> {
 public:
  static const napi_type_tag kTag;
  static constexpr const char* kNoun = "link";

  static void define(Napi::Env env, Door& door);
  static Napi::Object wrap(Napi::Env env, Descriptor descriptor);

  explicit LinkHandle(const Napi::CallbackInfo& info);

  int descriptor(Napi::Env env) const;

 private:
  Napi::Value facts(const Napi::CallbackInfo& info);
  void update(const Napi::CallbackInfo& info);
  void detach(const Napi::CallbackInfo& info);
  void pin(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  Napi::Value closed(const Napi::CallbackInfo& info);

  Descriptor fd_;
};

Napi::Value attachTcx(const Napi::CallbackInfo& info);
Napi::Value openPinnedLink(const Napi::CallbackInfo& info);
Napi::Value openLinkById(const Napi::CallbackInfo& info);
Napi::Value queryTcx(const Napi::CallbackInfo& info);

}  // namespace policyc
