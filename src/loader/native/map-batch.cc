// Many entries of a map at once: batches where the kernel has them, one by one where it does not.
#include <cerrno>
#include <vector>

#include "map.h"

namespace policyc {

namespace {

// The kernel's own number for "operation not supported" (include/linux/errno.h); it reaches user space
// from the batch calls although it is not part of the user-space headers.
constexpr int kNotSupported = 524;

// EINVAL comes from kernels without the command (before 5.6) and for flags that batches do not take,
// ENOTSUPP from map types without it (per-CPU arrays before 5.13).
bool lacksBatch(int error) { return error == kNotSupported || error == EOPNOTSUPP || error == EINVAL; }

}  // namespace

Napi::Value MapHandle::updateBatch(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  refuseDescriptors(env);
  const Bytes keys = readBytes(info, 0, "keys");
  if (shape_.key_size == 0) throwType(env, say("update") + ": it has no keys");
  const size_t count = keys.length / shape_.key_size;
  if (keys.length % shape_.key_size != 0 || count > UINT32_MAX) {
    throwRange(env, "keys must hold whole keys of " + std::to_string(shape_.key_size) + " bytes");
  }
  const Bytes values = readExactly(info, 1, "values", count * valueBytes_);
  const uint32_t flags = readU32(info, 2, "flags");
  if (count == 0) return Napi::Boolean::New(env, false);

  struct bpf_map_batch_opts options {};
  options.sz = sizeof(options);
  options.elem_flags = flags;
  uint32_t done = static_cast<uint32_t>(count);
  const int result = bpf_map_update_batch(fd, keys.data, values.data, &done, &options);
  if (result == 0) return Napi::Boolean::New(env, true);
  // A batch that began and then failed has failed for good; one that never began goes entry by entry,
  // where the kernel also names the true reason. The kernel writes `done` only once it has begun.
  if (!lacksBatch(-result) || (done != 0 && done != count)) {
    throwKernel(env, say("update") + ": wrote " + std::to_string(done) + " of " + std::to_string(count), result);
  }
  for (size_t i = 0; i < count; i += 1) {
    const int each =
        bpf_map_update_elem(fd, keys.data + i * shape_.key_size, values.data + i * valueBytes_, flags);
    if (each < 0) {
      throwKernel(env, say("update") + ": wrote " + std::to_string(i) + " of " + std::to_string(count), each);
    }
  }
  return Napi::Boolean::New(env, false);
}

namespace {

struct Entries {
  std::vector<uint8_t> keys;
  std::vector<uint8_t> values;
};

// Returns 0, or a positive errno. A bucket larger than the batch answers ENOSPC: then try a larger batch.
int dumpBatches(int fd, size_t keySize, size_t valueBytes, uint32_t limit, Entries& into) {
  uint32_t batch = limit < 4096 ? limit : 4096;
  // The kernel's resume token: a u32 for hashes, a key for the others (kernel/bpf/hashtab.c, syscall.c).
  std::vector<uint8_t> token(keySize < 8 ? 8 : keySize);
  bool started = false;
  std::vector<uint8_t> keys;
  std::vector<uint8_t> values;
  for (;;) {
    keys.resize(static_cast<size_t>(batch) * keySize);
    values.resize(static_cast<size_t>(batch) * valueBytes);
    std::vector<uint8_t> next(token.size());
    uint32_t count = batch;
    struct bpf_map_batch_opts options {};
    options.sz = sizeof(options);
    const int result = bpf_map_lookup_batch(fd, started ? token.data() : nullptr, next.data(), keys.data(),
                                            values.data(), &count, &options);
    if (result == -ENOSPC && batch < 1U << 24) {
      batch *= 2;
      continue;
    }
    if (result < 0 && result != -ENOENT) return -result;
    into.keys.insert(into.keys.end(), keys.begin(), keys.begin() + static_cast<long>(count * keySize));
    into.values.insert(into.values.end(), values.begin(),
                       values.begin() + static_cast<long>(count * valueBytes));
    if (result == -ENOENT) return 0;
    token = next;
    started = true;
  }
}

int dumpOneByOne(int fd, size_t keySize, size_t valueBytes, Entries& into) {
  std::vector<uint8_t> key(keySize);
  std::vector<uint8_t> value(valueBytes);
  const void* before = nullptr;
  std::vector<uint8_t> next(keySize);
  for (;;) {
    const int step = bpf_map_get_next_key(fd, before, next.data());
    if (step == -ENOENT) return 0;
    if (step < 0) return -step;
    key = next;
    before = key.data();
    const int found = bpf_map_lookup_elem(fd, key.data(), value.data());
    if (found == -ENOENT) continue;  // deleted since the walk saw it, or an empty slot
    if (found < 0) return -found;
    into.keys.insert(into.keys.end(), key.begin(), key.end());
    into.values.insert(into.values.end(), value.begin(), value.end());
  }
}

}  // namespace

Napi::Value MapHandle::dump(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  if (shape_.key_size == 0) throwType(env, say("walk") + ": it has no keys");
  Entries entries;
  int error = dumpBatches(fd, shape_.key_size, valueBytes_, shape_.max_entries, entries);
  if (error != 0 && lacksBatch(error)) {
    entries = {};
    error = dumpOneByOne(fd, shape_.key_size, valueBytes_, entries);
  }
  if (error != 0) fail(env, "walk", error);
  Napi::Object made = Napi::Object::New(env);
  made.Set("keys", copyBytes(env, entries.keys.data(), entries.keys.size()));
  made.Set("values", copyBytes(env, entries.values.data(), entries.values.size()));
  return made;
}

}  // namespace policyc
