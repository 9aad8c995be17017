// Maps: creation, entries one by one and in batches, mapped arrays, freezing and pinning.
#include "map.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "program.h"

namespace policyc {

const napi_type_tag MapHandle::kTag = {0x5f1c6d0e9a3b4c71, 0x8e2d91f04b7a6c01};

namespace {

// The kernel's own number for "operation not supported" (include/linux/errno.h); it reaches user space
// from the batch calls although it is not part of the user-space headers.
constexpr int kNotSupported = 524;

bool isPerCpu(uint32_t type) {
  switch (type) {
    case BPF_MAP_TYPE_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_ARRAY:
    case BPF_MAP_TYPE_LRU_PERCPU_HASH:
    case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
      return true;
    default:
      return false;
  }
}

// Their values are descriptor numbers, which JavaScript never sees: setProgram and setMap fill them in.
bool holdsDescriptors(uint32_t type) {
  switch (type) {
    case BPF_MAP_TYPE_PROG_ARRAY:
    case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
    case BPF_MAP_TYPE_CGROUP_ARRAY:
    case BPF_MAP_TYPE_ARRAY_OF_MAPS:
    case BPF_MAP_TYPE_HASH_OF_MAPS:
    case BPF_MAP_TYPE_SOCKMAP:
    case BPF_MAP_TYPE_SOCKHASH:
    case BPF_MAP_TYPE_XSKMAP:
    case BPF_MAP_TYPE_REUSEPORT_SOCKARRAY:
      return true;
    default:
      return false;
  }
}

// EINVAL comes from kernels without the command (before 5.6) and for flags that batches do not take,
// ENOTSUPP from map types without it (per-CPU arrays before 5.13).
bool lacksBatch(int error) { return error == kNotSupported || error == EOPNOTSUPP || error == EINVAL; }

// The part of a mapped array between two page borders; unmapped when it goes out of scope, because a
// writable mapping that lives on keeps BPF_MAP_FREEZE from working (EBUSY).
class Window {
 public:
  Window(int fd, int protection, uint64_t offset, size_t length) {
    const uint64_t page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
    const uint64_t start = offset / page * page;
    size_ = static_cast<size_t>(offset - start) + length;
    address_ = ::mmap(nullptr, size_, protection, MAP_SHARED, fd, static_cast<off_t>(start));
    error_ = address_ == MAP_FAILED ? errno : 0;
    data_ = static_cast<uint8_t*>(address_) + (offset - start);
  }
  ~Window() {
    if (error_ == 0) ::munmap(address_, size_);
  }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  int error() const { return error_; }
  uint8_t* data() const { return data_; }

 private:
  void* address_;
  size_t size_;
  uint8_t* data_;
  int error_;
};

void checkMapped(Napi::Env env, const struct bpf_map_info& shape, uint64_t offset, uint64_t length) {
  if (shape.type != BPF_MAP_TYPE_ARRAY || (shape.map_flags & BPF_F_MMAPABLE) == 0) {
    throwType(env, "only arrays created with BPF_F_MMAPABLE can be mapped");
  }
  const uint64_t stride = (static_cast<uint64_t>(shape.value_size) + 7) / 8 * 8;
  const uint64_t total = stride * shape.max_entries;
  if (length == 0 || offset > total || length > total - offset) {
    throwRange(env, "offset and length must name 1 or more of the map's " + std::to_string(total) + " bytes");
  }
}

}  // namespace

MapHandle::MapHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<MapHandle>(info) {
  info.This().As<Napi::Object>().TypeTag(&kTag);
}

void MapHandle::define(Napi::Env env, Door& door) {
  Napi::Function made = DefineClass(
      env, "MapHandle",
      {InstanceMethod<&MapHandle::shapeOf>("shape"), InstanceMethod<&MapHandle::update>("update"),
       InstanceMethod<&MapHandle::updateBatch>("updateBatch"),
       InstanceMethod<&MapHandle::setProgram>("setProgram"), InstanceMethod<&MapHandle::setMap>("setMap"),
       InstanceMethod<&MapHandle::lookup>("lookup"), InstanceMethod<&MapHandle::remove>("delete"),
       InstanceMethod<&MapHandle::nextKey>("nextKey"), InstanceMethod<&MapHandle::dump>("dump"),
       InstanceMethod<&MapHandle::freeze>("freeze"), InstanceMethod<&MapHandle::pin>("pin"),
       InstanceMethod<&MapHandle::writeMapped>("writeMapped"),
       InstanceMethod<&MapHandle::storeMapped32>("storeMapped32"),
       InstanceMethod<&MapHandle::readMapped>("readMapped"), InstanceMethod<&MapHandle::close>("close"),
       InstanceAccessor<&MapHandle::closed>("closed")});
  door.map = Napi::Persistent(made);
}

Napi::Object MapHandle::wrap(Napi::Env env, Descriptor descriptor) {
  struct bpf_map_info shape {};
  uint32_t length = sizeof(shape);
  const int result = bpf_obj_get_info_by_fd(descriptor.get(), &shape, &length);
  if (result < 0) throwKernel(env, "read the shape of a map", result);
  Napi::Object made = env.GetInstanceData<Door>()->map.New({});
  MapHandle& handle = *Unwrap(made);
  handle.fd_ = std::move(descriptor);
  handle.shape_ = shape;
  handle.valueBytes_ = shape.value_size;
  if (isPerCpu(shape.type)) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 0) throwKernel(env, "count the CPUs", cpus);
    handle.valueBytes_ = (static_cast<size_t>(shape.value_size) + 7) / 8 * 8 * static_cast<size_t>(cpus);
  }
  return made;
}

int MapHandle::descriptor(Napi::Env env) const {
  if (!fd_.open()) throwState(env, "the map handle is closed");
  return fd_.get();
}

std::string MapHandle::say(const char* verb) const {
  return std::string(verb) + " map `" + shape_.name + "`";
}

void MapHandle::fail(Napi::Env env, const char* verb, int error) const { throwKernel(env, say(verb), error); }

Napi::Value MapHandle::shapeOf(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  descriptor(env);
  Napi::Object shape = Napi::Object::New(env);
  shape.Set("id", shape_.id);
  shape.Set("type", shape_.type);
  shape.Set("name", shape_.name);
  shape.Set("keySize", shape_.key_size);
  shape.Set("valueSize", shape_.value_size);
  shape.Set("maxEntries", shape_.max_entries);
  shape.Set("flags", shape_.map_flags);
  shape.Set("valueBytes", static_cast<double>(valueBytes_));
  return shape;
}

void MapHandle::update(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  if (holdsDescriptors(shape_.type)) throwType(env, say("update") + ": it holds descriptors, not bytes");
  const Bytes key = readExactly(info, 0, "key", shape_.key_size);
  const Bytes value = readExactly(info, 1, "value", valueBytes_);
  const int result = bpf_map_update_elem(fd, key.data, value.data, readU32(info, 2, "flags"));
  if (result < 0) fail(env, "update", result);
}

Napi::Value MapHandle::updateBatch(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  if (holdsDescriptors(shape_.type)) throwType(env, say("update") + ": it holds descriptors, not bytes");
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

void MapHandle::setProgram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  if (shape_.type != BPF_MAP_TYPE_PROG_ARRAY) throwType(env, say("put a program into") + ": not a prog_array");
  const Bytes key = readExactly(info, 0, "key", shape_.key_size);
  const uint32_t program =
      static_cast<uint32_t>(readHandle<ProgramHandle>(info, 1, "program").descriptor(env));
  const int result = bpf_map_update_elem(fd, key.data, &program, BPF_ANY);
  if (result < 0) fail(env, "put a program into", result);
}

void MapHandle::setMap(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  if (shape_.type != BPF_MAP_TYPE_ARRAY_OF_MAPS && shape_.type != BPF_MAP_TYPE_HASH_OF_MAPS) {
    throwType(env, say("put a map into") + ": not a map of maps");
  }
  const Bytes key = readExactly(info, 0, "key", shape_.key_size);
  const uint32_t inner = static_cast<uint32_t>(readHandle<MapHandle>(info, 1, "map").descriptor(env));
  const int result = bpf_map_update_elem(fd, key.data, &inner, BPF_ANY);
  if (result < 0) fail(env, "put a map into", result);
}

Napi::Value MapHandle::lookup(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  const Bytes key = readExactly(info, 0, "key", shape_.key_size);
  std::vector<uint8_t> value(valueBytes_);
  const int result = bpf_map_lookup_elem(fd, key.data, value.data());
  if (result == -ENOENT) return env.Undefined();
  if (result < 0) fail(env, "look up in", result);
  return copyBytes(env, value.data(), value.size());
}

Napi::Value MapHandle::remove(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  const Bytes key = readExactly(info, 0, "key", shape_.key_size);
  const int result = bpf_map_delete_elem(fd, key.data);
  if (result < 0 && result != -ENOENT) fail(env, "delete from", result);
  return Napi::Boolean::New(env, result == 0);
}

Napi::Value MapHandle::nextKey(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  const void* before = absent(info, 0) ? nullptr : readExactly(info, 0, "key", shape_.key_size).data;
  std::vector<uint8_t> next(shape_.key_size);
  const int result = bpf_map_get_next_key(fd, before, next.data());
  if (result == -ENOENT) return env.Undefined();
  if (result < 0) fail(env, "walk", result);
  return copyBytes(env, next.data(), next.size());
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

void MapHandle::freeze(const Napi::CallbackInfo& info) {
  const int result = bpf_map_freeze(descriptor(info.Env()));
  if (result < 0) fail(info.Env(), "freeze", result);
}

void MapHandle::pin(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  const std::string path = readText(info, 0, "path", kLongestPath);
  const int result = bpf_obj_pin(fd, path.c_str());
  if (result < 0) throwKernel(env, say("pin") + " at `" + path + "`", result);
}

void MapHandle::writeMapped(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  const uint64_t offset = readOffset(info, 0, "offset");
  const Bytes bytes = readBytes(info, 1, "bytes");
  checkMapped(env, shape_, offset, bytes.length);
  const Window window(fd, PROT_READ | PROT_WRITE, offset, bytes.length);
  if (window.error() != 0) fail(env, "map for writing", window.error());
  std::memcpy(window.data(), bytes.data, bytes.length);
}

void MapHandle::storeMapped32(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  const uint64_t offset = readOffset(info, 0, "offset");
  const uint32_t value = readU32(info, 1, "value");
  if (offset % 4 != 0) throwRange(env, "offset must be a multiple of 4");
  checkMapped(env, shape_, offset, 4);
  const Window window(fd, PROT_READ | PROT_WRITE, offset, 4);
  if (window.error() != 0) fail(env, "map for writing", window.error());
  // Release order: whoever sees this word also sees every table written before it.
  __atomic_store_n(reinterpret_cast<uint32_t*>(window.data()), value, __ATOMIC_RELEASE);
}

Napi::Value MapHandle::readMapped(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  const uint64_t offset = readOffset(info, 0, "offset");
  const uint64_t length = readOffset(info, 1, "length");
  checkMapped(env, shape_, offset, length);
  const Window window(fd, PROT_READ, offset, static_cast<size_t>(length));
  if (window.error() != 0) fail(env, "map for reading", window.error());
  return copyBytes(env, window.data(), static_cast<size_t>(length));
}

void MapHandle::close(const Napi::CallbackInfo&) { fd_.close(); }

Napi::Value MapHandle::closed(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), !fd_.open());
}

Napi::Value createMap(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const uint32_t type = readU32(info, 0, "type");
  const std::string name = readText(info, 1, "name", kLongestName);
  const uint32_t keySize = readU32(info, 2, "keySize");
  const uint32_t valueSize = readU32(info, 3, "valueSize");
  const uint32_t maxEntries = readU32(info, 4, "maxEntries");
  struct bpf_map_create_opts options {};
  options.sz = sizeof(options);
  options.map_flags = readU32(info, 5, "flags");
  if (!absent(info, 6)) {
    options.inner_map_fd = static_cast<uint32_t>(readHandle<MapHandle>(info, 6, "inner").descriptor(env));
  }
  // libbpf 1.x raises RLIMIT_MEMLOCK itself on kernels that still count it (before 5.11).
  const int fd = bpf_map_create(static_cast<enum bpf_map_type>(type), name.c_str(), keySize, valueSize,
                                maxEntries, &options);
  if (fd < 0) throwKernel(env, "create map `" + name + "`", fd);
  return MapHandle::wrap(env, Descriptor(fd));
}

Napi::Value openPinnedMap(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::string path = readText(info, 0, "path", kLongestPath);
  return MapHandle::wrap(env, openPinned(env, path, "map"));
}

Napi::Value openMapById(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const uint32_t id = readU32(info, 0, "id");
  Descriptor fd(bpf_map_get_fd_by_id(id));
  if (!fd.open()) throwKernel(env, "open map " + std::to_string(id), errno);
  return MapHandle::wrap(env, std::move(fd));
}

}  // namespace policyc
