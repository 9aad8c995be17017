// The few calls about the machine that Node itself does not offer.
#pragma once

#include "door.h"

namespace policyc {

Napi::Value interfaceIndex(const Napi::CallbackInfo& info);
Napi::Value isBpffs(const Napi::CallbackInfo& info);
Napi::Value mountBpffs(const Napi::CallbackInfo& info);
Napi::Value unmount(const Napi::CallbackInfo& info);
Napi::Value waitForReaders(const Napi::CallbackInfo& info);
Napi::Value hasMembarrier(const Napi::CallbackInfo& info);
Napi::Value possibleCpus(const Napi::CallbackInfo& info);
Napi::Value libbpfVersion(const Napi::CallbackInfo& info);

}  // namespace policyc
