// Which network namespace is at the other end of a veth, and what sockets are open there.
#pragma once

#include "door.h"

namespace policyc {

Napi::Value peerNamespaceId(const Napi::CallbackInfo& info);
Napi::Value namespaceId(const Napi::CallbackInfo& info);
Napi::Value listSockets(const Napi::CallbackInfo& info);

}  // namespace policyc
