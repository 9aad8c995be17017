// Interfaces, the BPF file system, and waiting until no packet is inside an old program any more.
#include "system.h"

#include <cerrno>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <net/if.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace policyc {

Napi::Value interfaceIndex(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::string name = readText(info, 0, "name", IF_NAMESIZE - 1);
  const unsigned int index = if_nametoindex(name.c_str());
  if (index == 0 && errno == ENODEV) return env.Undefined();
  if (index == 0) throwKernel(env, "find interface `" + name + "`", errno);
  return Napi::Number::New(env, index);
}

Napi::Value isBpffs(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::string path = readText(info, 0, "path", kLongestPath);
  struct statfs found {};
  if (::statfs(path.c_str(), &found) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Napi::Boolean::New(env, false);
    throwKernel(env, "look at the file system of `" + path + "`", errno);
  }
  return Napi::Boolean::New(env, static_cast<uint64_t>(found.f_type) == BPF_FS_MAGIC);
}

Napi::Value mountBpffs(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::string path = readText(info, 0, "path", kLongestPath);
  if (::mount("bpf", path.c_str(), "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") != 0) {
    throwKernel(env, "mount a BPF file system at `" + path + "`", errno);
  }
  return env.Undefined();
}

Napi::Value unmount(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::string path = readText(info, 0, "path", kLongestPath);
  if (::umount2(path.c_str(), UMOUNT_NOFOLLOW) != 0) throwKernel(env, "unmount `" + path + "`", errno);
  return env.Undefined();
}

// After this no CPU still runs a program, or reads a map, that was replaced before it. The global
// membarrier is synchronize_rcu (kernel/sched/membarrier.c). Kernels with nohz_full refuse it; there
// an update of a map of maps waits for the same (maybe_wait_bpf_programs in kernel/bpf/syscall.c).
Napi::Value waitForReaders(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const char* operation = "wait for running programs";
  if (::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0) return env.Undefined();
  const Descriptor inner(bpf_map_create(BPF_MAP_TYPE_ARRAY, "grace_inner", 4, 4, 1, nullptr));
  if (!inner.open()) throwKernel(env, operation, errno);
  struct bpf_map_create_opts options {};
  options.sz = sizeof(options);
  options.inner_map_fd = static_cast<uint32_t>(inner.get());
  const Descriptor outer(bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "grace_outer", 4, 4, 1, &options));
  if (!outer.open()) throwKernel(env, operation, errno);
  const uint32_t key = 0;
  const uint32_t value = static_cast<uint32_t>(inner.get());
  const int result = bpf_map_update_elem(outer.get(), &key, &value, BPF_ANY);
  if (result < 0) throwKernel(env, operation, result);
  return env.Undefined();
}

Napi::Value hasMembarrier(const Napi::CallbackInfo& info) {
  const long commands = ::syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  return Napi::Boolean::New(info.Env(), commands > 0 && (commands & MEMBARRIER_CMD_GLOBAL) != 0);
}

Napi::Value possibleCpus(const Napi::CallbackInfo& info) {
  const int count = libbpf_num_possible_cpus();
  if (count < 0) throwKernel(info.Env(), "count the CPUs", count);
  return Napi::Number::New(info.Env(), count);
}

Napi::Value libbpfVersion(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), libbpf_version_string());
}

}  // namespace policyc
