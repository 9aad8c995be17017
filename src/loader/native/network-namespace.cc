// setns: interfaces are found and attached to in the calling thread's network namespace.
#include "network-namespace.h"

#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <sched.h>

namespace policyc {

// Returns a function that moves the thread back.
Napi::Value joinNetworkNamespace(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::string path = readText(info, 0, "path", kLongestPath);
  const std::string operation = "join the network namespace `" + path + "`";
  auto before = std::make_shared<Descriptor>(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!before->open()) throwKernel(env, operation, errno);
  const Descriptor there(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!there.open()) throwKernel(env, operation, errno);
  if (::setns(there.get(), CLONE_NEWNET) != 0) throwKernel(env, operation, errno);
  return Napi::Function::New(env, [before](const Napi::CallbackInfo& again) {
    if (!before->open()) return;
    if (::setns(before->get(), CLONE_NEWNET) != 0) {
      throwKernel(again.Env(), "return to the former network namespace", errno);
    }
    before->close();
  });
}

}  // namespace policyc
