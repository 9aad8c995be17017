// Moving the calling thread into another network namespace.
#pragma once

#include "door.h"

namespace policyc {

Napi::Value joinNetworkNamespace(const Napi::CallbackInfo& info);

}  // namespace policyc
