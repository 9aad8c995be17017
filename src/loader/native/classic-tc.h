// The clsact hook of kernels before 6.6.
#pragma once

#include "door.h"

namespace policyc {

Napi::Value createClsact(const Napi::CallbackInfo& info);
Napi::Value destroyClsact(const Napi::CallbackInfo& info);
Napi::Value attachClassic(const Napi::CallbackInfo& info);
Napi::Value detachClassic(const Napi::CallbackInfo& info);
Napi::Value queryClassic(const Napi::CallbackInfo& info);

}  // namespace policyc
