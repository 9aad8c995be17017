// ELF objects: opening from memory, giving them maps of the right size, loading, taking out handles.
#include "object.h"

#include <cerrno>
#include <cstring>

#include <bpf/bpf.h>
#include <fcntl.h>

#include "map.h"
#include "program.h"

namespace policyc {

const napi_type_tag ObjectHandle::kTag = {0x7d02c5e81f4b963a, 0x9a6b31d70c2e4f03};

namespace {

Descriptor duplicate(Napi::Env env, int fd, const std::string& operation) {
  Descriptor copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy.open()) throwKernel(env, operation, errno);
  return copy;
}

}  // namespace

ObjectHandle::ObjectHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ObjectHandle>(info) {
  info.This().As<Napi::Object>().TypeTag(&kTag);
}

ObjectHandle::~ObjectHandle() { release(); }

void ObjectHandle::define(Napi::Env env, Door& door) {
  Napi::Function made = DefineClass(
      env, "ObjectHandle",
      {InstanceMethod<&ObjectHandle::programs>("programs"), InstanceMethod<&ObjectHandle::maps>("maps"),
       InstanceMethod<&ObjectHandle::reuseMap>("reuseMap"),
       InstanceMethod<&ObjectHandle::resizeMap>("resizeMap"),
       InstanceMethod<&ObjectHandle::setProgramType>("setProgramType"),
       InstanceMethod<&ObjectHandle::setAutoload>("setAutoload"), InstanceMethod<&ObjectHandle::load>("load"),
       InstanceMethod<&ObjectHandle::program>("program"), InstanceMethod<&ObjectHandle::map>("map"),
       InstanceMethod<&ObjectHandle::close>("close"), InstanceAccessor<&ObjectHandle::closed>("closed")});
  door.object = Napi::Persistent(made);
}

void ObjectHandle::adopt(std::vector<uint8_t> image, struct bpf_object* object) {
  image_ = std::move(image);
  object_ = object;
  phase_ = Phase::kOpen;
  struct bpf_map* each;
  bpf_object__for_each_map(each, object_) maps_.emplace(bpf_map__name(each), each);
}

// INVARIANT: when libbpf closes an object, each data section's map has the size that it had at opening.
// libbpf maps a section's bytes at opening and unmaps them at closing by the size of then, which
// bpf_map__reuse_fd changed to the reused map's: left so, closing unmaps foreign memory behind it
// (libbpf 1.1, bpf_map_mmap_sz in bpf_map__destroy). So a stand-in of the first size goes back in.
void ObjectHandle::release() {
  if (object_ == nullptr) return;
  bool restored = true;
  for (auto& [map, stand] : stands_) restored = bpf_map__reuse_fd(map, stand.get()) == 0 && restored;
  // Should even that fail (no descriptor or memory left), leaking the object is the safe way out.
  if (restored) bpf_object__close(object_);
  object_ = nullptr;
  phase_ = Phase::kClosed;
  stands_.clear();
  maps_.clear();
  image_ = {};
}

void ObjectHandle::expect(Napi::Env env, Phase wanted) const {
  if (phase_ == Phase::kClosed) throwState(env, "the object handle is closed");
  if (phase_ == wanted) return;
  if (wanted == Phase::kOpen) throwState(env, "the object has been loaded already");
  throwState(env, phase_ == Phase::kFailed ? "the object failed to load" : "the object is not loaded yet");
}

struct bpf_map* ObjectHandle::findMap(const Napi::CallbackInfo& info, size_t index) const {
  const std::string name = readText(info, index, "name", 255);
  const auto found = maps_.find(name);
  if (found == maps_.end()) throwRange(info.Env(), "the object has no map `" + name + "`");
  return found->second;
}

struct bpf_program* ObjectHandle::findProgram(const Napi::CallbackInfo& info, size_t index) const {
  const std::string name = readText(info, index, "name", 255);
  struct bpf_program* found = bpf_object__find_program_by_name(object_, name.c_str());
  if (found == nullptr) throwRange(info.Env(), "the object has no program `" + name + "`");
  return found;
}

Napi::Value ObjectHandle::programs(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (phase_ == Phase::kClosed) expect(env, Phase::kOpen);
  Napi::Array list = Napi::Array::New(env);
  struct bpf_program* each;
  bpf_object__for_each_program(each, object_) {
    Napi::Object made = Napi::Object::New(env);
    made.Set("name", bpf_program__name(each));
    made.Set("section", bpf_program__section_name(each));
    made.Set("type", static_cast<uint32_t>(bpf_program__type(each)));
    made.Set("expectedAttachType", static_cast<uint32_t>(bpf_program__expected_attach_type(each)));
    made.Set("instructions", static_cast<double>(bpf_program__insn_cnt(each)));
    list.Set(list.Length(), made);
  }
  return list;
}

Napi::Value ObjectHandle::maps(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (phase_ == Phase::kClosed) expect(env, Phase::kOpen);
  Napi::Array list = Napi::Array::New(env);
  for (const auto& [name, each] : maps_) {
    Napi::Object made = Napi::Object::New(env);
    made.Set("name", name);
    made.Set("type", static_cast<uint32_t>(bpf_map__type(each)));
    made.Set("keySize", bpf_map__key_size(each));
    made.Set("valueSize", bpf_map__value_size(each));
    made.Set("maxEntries", bpf_map__max_entries(each));
    made.Set("flags", bpf_map__map_flags(each));
    made.Set("section", bpf_map__is_internal(each));
    list.Set(list.Length(), made);
  }
  return list;
}

void ObjectHandle::reuseMap(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  expect(env, Phase::kOpen);
  struct bpf_map* map = findMap(info, 0);
  const int fd = readHandle<MapHandle>(info, 1, "map").descriptor(env);
  const std::string operation = std::string("reuse a map as `") + bpf_map__name(map) + "`";
  if (bpf_map__is_internal(map) && stands_.find(map) == stands_.end()) {
    const int stand = bpf_map_create(BPF_MAP_TYPE_ARRAY, "stand_in", 4, bpf_map__value_size(map),
                                     bpf_map__max_entries(map), nullptr);
    if (stand < 0) throwKernel(env, operation, stand);
    stands_.emplace(map, Descriptor(stand));
  }
  const LogCapture capture(false);
  const int result = bpf_map__reuse_fd(map, fd);
  if (result < 0) throwKernel(env, operation, result, capture.text());
}

void ObjectHandle::resizeMap(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  expect(env, Phase::kOpen);
  struct bpf_map* map = findMap(info, 0);
  const uint32_t entries = readU32(info, 1, "maxEntries");
  if (bpf_map__is_internal(map)) throwType(env, "a data section's map is resized by reusing another map");
  const LogCapture capture(false);
  const int result = bpf_map__set_max_entries(map, entries);
  if (result < 0) {
    throwKernel(env, std::string("resize map `") + bpf_map__name(map) + "`", result, capture.text());
  }
}

void ObjectHandle::setProgramType(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  expect(env, Phase::kOpen);
  struct bpf_program* program = findProgram(info, 0);
  const uint32_t type = readU32(info, 1, "type");
  const uint32_t attachType = readU32(info, 2, "expectedAttachType");
  const std::string operation = std::string("set the type of program `") + bpf_program__name(program) + "`";
  int result = bpf_program__set_type(program, static_cast<enum bpf_prog_type>(type));
  if (result == 0) {
    result =
        bpf_program__set_expected_attach_type(program, static_cast<enum bpf_attach_type>(attachType));
  }
  if (result < 0) throwKernel(env, operation, result);
}

void ObjectHandle::setAutoload(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  expect(env, Phase::kOpen);
  struct bpf_program* program = findProgram(info, 0);
  const int result = bpf_program__set_autoload(program, readBool(info, 1, "load"));
  if (result < 0) throwKernel(env, std::string("choose program `") + bpf_program__name(program) + "`", result);
}

Napi::Value ObjectHandle::load(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  expect(env, Phase::kOpen);
  const uint32_t level = readU32(info, 0, "logLevel");
  if (level > 7) throwRange(env, "logLevel must be 0 to 7");
  struct bpf_program* each;
  bpf_object__for_each_program(each, object_) bpf_program__set_log_level(each, level);
  // Without a buffer of ours libbpf allocates the verifier's log, grows it and prints it: as a warning
  // when the load fails (then level 1 at least), as a debug line when it works.
  const LogCapture capture(level > 0);
  const int result = bpf_object__load(object_);
  phase_ = result < 0 ? Phase::kFailed : Phase::kLoaded;
  if (result < 0) {
    throwKernel(env, std::string("load object `") + bpf_object__name(object_) + "`", result, capture.text());
  }
  return Napi::String::New(env, capture.text());
}

Napi::Value ObjectHandle::program(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  expect(env, Phase::kLoaded);
  struct bpf_program* program = findProgram(info, 0);
  const std::string name = bpf_program__name(program);
  const int fd = bpf_program__fd(program);
  if (fd < 0) throwState(env, "program `" + name + "` was not loaded");
  return ProgramHandle::wrap(env, duplicate(env, fd, "take out program `" + name + "`"));
}

Napi::Value ObjectHandle::map(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  expect(env, Phase::kLoaded);
  struct bpf_map* map = findMap(info, 0);
  const int fd = bpf_map__fd(map);
  if (fd < 0) throwState(env, "the map was not created");
  return MapHandle::wrap(env, duplicate(env, fd, std::string("take out map `") + bpf_map__name(map) + "`"));
}

void ObjectHandle::close(const Napi::CallbackInfo&) { release(); }

Napi::Value ObjectHandle::closed(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), phase_ == Phase::kClosed);
}

Napi::Value openObject(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const Bytes bytes = readBytes(info, 0, "bytes");
  const std::string name = readText(info, 1, "name", 255);
  std::vector<uint8_t> image(bytes.data, bytes.data + bytes.length);
  struct bpf_object_open_opts options {};
  options.sz = sizeof(options);
  options.object_name = name.c_str();
  const LogCapture capture(false);
  errno = 0;
  struct bpf_object* object = bpf_object__open_mem(image.data(), image.size(), &options);
  if (object == nullptr) throwKernel(env, "open object `" + name + "`", errno, capture.text());
  Napi::Object made = env.GetInstanceData<Door>()->object.New({});
  ObjectHandle::Unwrap(made)->adopt(std::move(image), object);
  return made;
}

}  // namespace policyc
