// A lock that a folder carries for as long as a process holds it.
#pragma once

#include "door.h"

namespace policyc {

Napi::Value lockFolder(const Napi::CallbackInfo& info);

}  // namespace policyc
