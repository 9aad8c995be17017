// Maps: creation, entries one by one, freezing and pinning.
#include "map.h"

#include <cerrno>
#include <vector>

#include <bpf/libbpf.h>

#include "program.h"

namespace policyc {

const napi_type_tag MapHandle::kTag = {0x5f1c6d0e9a3b4c71, 0x8e2d91f04b7a6c01};

namespace {

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

// Their values are descriptor numbers, which JavaScript never sees: setProgram and setMap fill them in.
void MapHandle::refuseDescriptors(Napi::Env env) const {
  switch (shape_.type) {
    case BPF_MAP_TYPE_PROG_ARRAY:
    case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
    case BPF_MAP_TYPE_CGROUP_ARRAY:
    case BPF_MAP_TYPE_ARRAY_OF_MAPS:
    case BPF_MAP_TYPE_HASH_OF_MAPS:
    case BPF_MAP_TYPE_SOCKMAP:
    case BPF_MAP_TYPE_SOCKHASH:
    case BPF_MAP_TYPE_XSKMAP:
    case BPF_MAP_TYPE_REUSEPORT_SOCKARRAY:
      throwType(env, say("update") + ": it holds descriptors, not bytes");
    default:
      return;
  }
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
  refuseDescriptors(env);
  const Bytes key = readExactly(info, 0, "key", shape_.key_size);
  const Bytes value = readExactly(info, 1, "value", valueBytes_);
  const int result = bpf_map_update_elem(fd, key.data, value.data, readU32(info, 2, "flags"));
  if (result < 0) fail(env, "update", result);
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
