// flock on a folder: it works on every file system, and ends with the process at the latest.
#include "lock.h"

#include <cerrno>
#include <memory>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace policyc {

// Returns a function that lets go, or undefined if another process holds the lock.
Napi::Value lockFolder(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::string path = readText(info, 0, "path", kLongestPath);
  const std::string operation = "lock the folder `" + path + "`";
  auto held = std::make_shared<Descriptor>(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!held->open()) throwKernel(env, operation, errno);
  if (::flock(held->get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return env.Undefined();
    throwKernel(env, operation, errno);
  }
  // Whoever held it before may have removed the folder, and another may stand in its place.
  struct stat mine {}, there {};
  if (::fstat(held->get(), &mine) != 0) throwKernel(env, operation, errno);
  if (::stat(path.c_str(), &there) != 0) throwKernel(env, operation, errno);
  if (mine.st_ino != there.st_ino || mine.st_dev != there.st_dev) return env.Undefined();
  return Napi::Function::New(env, [held](const Napi::CallbackInfo&) { held->close(); });
}

}  // namespace policyc
