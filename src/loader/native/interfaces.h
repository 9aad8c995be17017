// The interfaces of this thread's network namespace.
#pragma once

#include "door.h"

namespace policyc {

Napi::Value listInterfaces(const Napi::CallbackInfo& info);

}  // namespace policyc
