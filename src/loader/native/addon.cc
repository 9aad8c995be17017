// The door to libbpf: what the addon exports, and the state of each JavaScript environment.
#include "classic-tc.h"
#include "door.h"
#include "interfaces.h"
#include "link.h"
#include "lock.h"
#include "map.h"
#include "network-namespace.h"
#include "object.h"
#include "program.h"
#include "ring-buffer.h"
#include "sockets.h"
#include "system.h"

namespace policyc {
namespace {

// Until TypeScript has given its error class, failures would have no shape.
Napi::Value install(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!info[0].IsFunction()) throwType(env, "the failure factory must be a function");
  env.GetInstanceData<Door>()->failure = Napi::Persistent(info[0].As<Napi::Function>());
  return env.Undefined();
}

Napi::Value plainFailure(const Napi::CallbackInfo& info) {
  Napi::Object error = Napi::Error::New(info.Env(), info[0].ToString().Utf8Value()).Value();
  error.Set("errno", info[1]);
  error.Set("log", info[2]);
  return error;
}

Napi::Object start(Napi::Env env, Napi::Object exports) {
  Door* door = new Door();
  env.SetInstanceData(door);
  door->failure = Napi::Persistent(Napi::Function::New(env, plainFailure));
  captureLibbpfLog();
  MapHandle::define(env, *door);
  ProgramHandle::define(env, *door);
  ObjectHandle::define(env, *door);
  LinkHandle::define(env, *door);
  RingBufferHandle::define(env, *door);

  exports.Set("install", Napi::Function::New(env, install));
  exports.Set("createMap", Napi::Function::New(env, createMap));
  exports.Set("openPinnedMap", Napi::Function::New(env, openPinnedMap));
  exports.Set("openMapById", Napi::Function::New(env, openMapById));
  exports.Set("loadProgram", Napi::Function::New(env, loadProgram));
  exports.Set("openPinnedProgram", Napi::Function::New(env, openPinnedProgram));
  exports.Set("openProgramById", Napi::Function::New(env, openProgramById));
  exports.Set("openObject", Napi::Function::New(env, openObject));
  exports.Set("attachTcx", Napi::Function::New(env, attachTcx));
  exports.Set("queryTcx", Napi::Function::New(env, queryTcx));
  exports.Set("openPinnedLink", Napi::Function::New(env, openPinnedLink));
  exports.Set("openLinkById", Napi::Function::New(env, openLinkById));
  exports.Set("createClsact", Napi::Function::New(env, createClsact));
  exports.Set("destroyClsact", Napi::Function::New(env, destroyClsact));
  exports.Set("attachClassic", Napi::Function::New(env, attachClassic));
  exports.Set("detachClassic", Napi::Function::New(env, detachClassic));
  exports.Set("queryClassic", Napi::Function::New(env, queryClassic));
  exports.Set("openRingBuffer", Napi::Function::New(env, openRingBuffer));
  exports.Set("listInterfaces", Napi::Function::New(env, listInterfaces));
  exports.Set("interfaceIndex", Napi::Function::New(env, interfaceIndex));
  exports.Set("isBpffs", Napi::Function::New(env, isBpffs));
  exports.Set("mountBpffs", Napi::Function::New(env, mountBpffs));
  exports.Set("unmount", Napi::Function::New(env, unmount));
  exports.Set("lockFolder", Napi::Function::New(env, lockFolder));
  exports.Set("joinNetworkNamespace", Napi::Function::New(env, joinNetworkNamespace));
  exports.Set("peerNamespaceId", Napi::Function::New(env, peerNamespaceId));
  exports.Set("namespaceId", Napi::Function::New(env, namespaceId));
  exports.Set("listSockets", Napi::Function::New(env, listSockets));
  exports.Set("waitForReaders", Napi::Function::New(env, waitForReaders));
  exports.Set("hasMembarrier", Napi::Function::New(env, hasMembarrier));
  exports.Set("possibleCpus", Napi::Function::New(env, possibleCpus));
  exports.Set("libbpfVersion", Napi::Function::New(env, libbpfVersion));
  return exports;
}

}  // namespace
}  // namespace policyc

static Napi::Object startAddon(Napi::Env env, Napi::Object exports) { return policyc::start(env, exports); }

NODE_API_MODULE(policyc_native, startAddon)
