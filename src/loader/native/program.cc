// Programs: loading bare instructions, facts about a loaded program, test runs and pinning.
#include "program.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "map.h"

namespace policyc {

const napi_type_tag ProgramHandle::kTag = {0x2b90a7c4d1e65f38, 0xb14f7ce2950a3d02};

namespace {

// The kernel accepts log buffers of up to UINT_MAX >> 2 bytes (kernel/bpf/log.c).
constexpr uint32_t kFirstLog = 64 * 1024;
constexpr uint32_t kLargestLog = 0x3fffffff;

// The kernel's limit for privileged programs (BPF_COMPLEXITY_LIMIT_INSNS).
constexpr size_t kMostInstructions = 1000000;

// Instructions name maps by their place in the list: ld_imm64 with BPF_PSEUDO_MAP_IDX or _IDX_VALUE.
// Kernels before 5.14 know only descriptors, so those are filled in here.
void fillDescriptors(Napi::Env env, std::vector<struct bpf_insn>& code, const std::vector<int>& maps) {
  for (size_t i = 0; i < code.size(); i += 1) {
    if (code[i].code != (BPF_LD | BPF_IMM | BPF_DW)) continue;
    if (i + 1 >= code.size()) throwRange(env, "the last instruction is half of a 64-bit load");
    struct bpf_insn& first = code[i];
    i += 1;
    if (first.src_reg == 0) continue;
    if (first.src_reg != BPF_PSEUDO_MAP_IDX && first.src_reg != BPF_PSEUDO_MAP_IDX_VALUE) {
      throwType(env, "instruction " + std::to_string(i - 1) + " must name its map by its place in the list");
    }
    if (first.imm < 0 || static_cast<size_t>(first.imm) >= maps.size()) {
      throwRange(env, "instruction " + std::to_string(i - 1) + " names map " + std::to_string(first.imm) +
                          " of " + std::to_string(maps.size()));
    }
    first.src_reg = first.src_reg == BPF_PSEUDO_MAP_IDX ? BPF_PSEUDO_MAP_FD : BPF_PSEUDO_MAP_VALUE;
    first.imm = maps[static_cast<size_t>(first.imm)];
  }
}

std::vector<int> readMaps(const Napi::CallbackInfo& info, size_t index) {
  Napi::Env env = info.Env();
  if (!info[index].IsArray()) throwType(env, "maps must be an array of map handles");
  const Napi::Array list = info[index].As<Napi::Array>();
  std::vector<int> maps;
  // An array may hide getters: every element is fetched before the first is looked at.
  std::vector<Napi::Value> values;
  const uint32_t length = list.Length();
  for (uint32_t i = 0; i < length; i += 1) values.push_back(list.Get(i));
  for (const Napi::Value& value : values) {
    maps.push_back(readHandle<MapHandle>(env, value, "maps").descriptor(env));
  }
  return maps;
}

}  // namespace

ProgramHandle::ProgramHandle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ProgramHandle>(info) {
  info.This().As<Napi::Object>().TypeTag(&kTag);
}

void ProgramHandle::define(Napi::Env env, Door& door) {
  Napi::Function made = DefineClass(
      env, "ProgramHandle",
      {InstanceMethod<&ProgramHandle::facts>("facts"), InstanceMethod<&ProgramHandle::reach>("reach"), InstanceMethod<&ProgramHandle::testRun>("testRun"),
       InstanceMethod<&ProgramHandle::pin>("pin"), InstanceMethod<&ProgramHandle::close>("close"),
       InstanceAccessor<&ProgramHandle::closed>("closed")});
  door.program = Napi::Persistent(made);
}

Napi::Object ProgramHandle::wrap(Napi::Env env, Descriptor descriptor) {
  Napi::Object made = env.GetInstanceData<Door>()->program.New({});
  Unwrap(made)->fd_ = std::move(descriptor);
  return made;
}

int ProgramHandle::descriptor(Napi::Env env) const {
  if (!fd_.open()) throwState(env, "the program handle is closed");
  return fd_.get();
}

Napi::Value ProgramHandle::facts(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  struct bpf_prog_info seen {};
  uint32_t length = sizeof(seen);
  const int result = bpf_obj_get_info_by_fd(fd, &seen, &length);
  if (result < 0) throwKernel(env, "read the facts of a program", result);
  char tag[2 * sizeof(seen.tag) + 1] = {};
  for (size_t i = 0; i < sizeof(seen.tag); i += 1) std::snprintf(tag + 2 * i, 3, "%02x", seen.tag[i]);
  Napi::Object made = Napi::Object::New(env);
  made.Set("id", seen.id);
  made.Set("type", seen.type);
  made.Set("name", seen.name);
  made.Set("tag", tag);
  // Without the right to see them the kernel reports zero bytes; both lengths are in bytes.
  made.Set("translatedBytes", seen.xlated_prog_len);
  made.Set("jitedBytes", seen.jited_prog_len);
  made.Set("verifiedInstructions", seen.verified_insns);
  made.Set("mapCount", seen.nr_map_ids);
  made.Set("runCount", static_cast<double>(seen.run_cnt));
  made.Set("runTimeNs", static_cast<double>(seen.run_time_ns));
  return made;
}

// What the program calls, as distances from __bpf_call_base (kernel/bpf/verifier.c, do_misc_fixups), and
// the maps that it refers to. The kernel hides distances, as zeros, from those who may not see addresses.
Napi::Value ProgramHandle::reach(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  struct bpf_prog_info sizes {};
  uint32_t length = sizeof(sizes);
  int result = bpf_obj_get_info_by_fd(fd, &sizes, &length);
  std::vector<struct bpf_insn> code(sizes.xlated_prog_len / sizeof(struct bpf_insn));
  std::vector<uint32_t> maps(sizes.nr_map_ids);
  struct bpf_prog_info seen {};
  seen.xlated_prog_len = static_cast<uint32_t>(code.size() * sizeof(struct bpf_insn));
  seen.xlated_prog_insns = reinterpret_cast<uint64_t>(code.data());
  seen.nr_map_ids = static_cast<uint32_t>(maps.size());
  seen.map_ids = reinterpret_cast<uint64_t>(maps.data());
  length = sizeof(seen);
  if (result == 0) result = bpf_obj_get_info_by_fd(fd, &seen, &length);
  if (result < 0) throwKernel(env, "read the instructions of a program", result);
  Napi::Array calls = Napi::Array::New(env);
  for (const struct bpf_insn& each : code) {
    const bool isHelper = each.code == (BPF_JMP | BPF_CALL) && each.src_reg == 0;
    if (isHelper) calls.Set(calls.Length(), each.imm);
  }
  // Of programs with blinded constants it hides all instructions.
  if (seen.xlated_prog_insns == 0 && !code.empty()) calls.Set(calls.Length(), 0);
  Napi::Array mapIds = Napi::Array::New(env);
  for (const uint32_t id : maps) mapIds.Set(mapIds.Length(), id);
  Napi::Object made = Napi::Object::New(env);
  made.Set("calls", calls);
  made.Set("mapIds", mapIds);
  return made;
}

Napi::Value ProgramHandle::testRun(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  const Bytes packet = readBytes(info, 0, "packet");
  const bool bare = absent(info, 1);
  const Bytes context = bare ? Bytes{nullptr, 0} : readBytes(info, 1, "context");
  const uint32_t repeat = readU32(info, 2, "repeat");
  const uint32_t room = readU32(info, 3, "room");
  if (packet.length > 1 << 20 || room > 1 << 20) throwRange(env, "packets have at most 1 MiB");
  if (context.length > 4096) throwRange(env, "contexts have at most 4096 bytes");

  std::vector<uint8_t> packetOut(packet.length + room);
  std::vector<uint8_t> contextOut(context.length);
  struct bpf_test_run_opts options {};
  options.sz = sizeof(options);
  options.data_in = packet.data;
  options.data_size_in = static_cast<uint32_t>(packet.length);
  // A program that takes no packet is refused if it is offered room for one.
  options.data_out = packetOut.empty() ? nullptr : packetOut.data();
  options.data_size_out = static_cast<uint32_t>(packetOut.size());
  options.ctx_in = bare ? nullptr : context.data;
  options.ctx_size_in = static_cast<uint32_t>(context.length);
  options.ctx_out = bare ? nullptr : contextOut.data();
  options.ctx_size_out = static_cast<uint32_t>(contextOut.size());
  options.repeat = static_cast<int>(repeat);
  const int result = bpf_prog_test_run_opts(fd, &options);
  if (result < 0) throwKernel(env, "run the program on a test packet", result);

  Napi::Object made = Napi::Object::New(env);
  made.Set("result", options.retval);
  made.Set("packet", copyBytes(env, packetOut.data(), options.data_size_out));
  made.Set("context", copyBytes(env, contextOut.data(), options.ctx_size_out));
  made.Set("durationNs", options.duration);
  return made;
}

void ProgramHandle::pin(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const int fd = descriptor(env);
  const std::string path = readText(info, 0, "path", kLongestPath);
  const int result = bpf_obj_pin(fd, path.c_str());
  if (result < 0) throwKernel(env, "pin a program at `" + path + "`", result);
}

void ProgramHandle::close(const Napi::CallbackInfo&) { fd_.close(); }

Napi::Value ProgramHandle::closed(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), !fd_.open());
}

Napi::Value loadProgram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  // The only argument that may run JavaScript comes first.
  const std::vector<int> maps = readMaps(info, 5);
  const uint32_t type = readU32(info, 0, "type");
  const std::string name = readText(info, 1, "name", kLongestName);
  const std::string license = readText(info, 2, "license", 127);
  const uint32_t attachType = readU32(info, 3, "expectedAttachType");
  const Bytes bytes = readBytes(info, 4, "instructions");
  const size_t count = bytes.length / sizeof(struct bpf_insn);
  if (count == 0 || bytes.length % sizeof(struct bpf_insn) != 0 || count > kMostInstructions) {
    throwRange(env, "instructions must be 1 to 1000000 slots of 8 bytes");
  }
  std::vector<struct bpf_insn> code(count);
  std::memcpy(code.data(), bytes.data, bytes.length);
  fillDescriptors(env, code, maps);

  struct bpf_prog_load_opts options {};
  options.sz = sizeof(options);
  options.expected_attach_type = static_cast<enum bpf_attach_type>(attachType);
  const auto attempt = [&] {
    return bpf_prog_load(static_cast<enum bpf_prog_type>(type), name.c_str(), license.c_str(), code.data(),
                         count, &options);
  };
  int fd = attempt();
  if (fd >= 0) return ProgramHandle::wrap(env, Descriptor(fd));
  // Only a failure is worth the slower run with a log; ENOSPC then means that the log did not fit.
  const int reason = -fd;
  std::vector<char> log;
  for (uint32_t size = kFirstLog; size <= kLargestLog; size *= 4) {
    log.assign(size, '\0');
    options.log_buf = log.data();
    options.log_size = size;
    options.log_level = 1;
    fd = attempt();
    if (fd >= 0) return ProgramHandle::wrap(env, Descriptor(fd));
    if (fd != -ENOSPC) break;
  }
  throwKernel(env, "load program `" + name + "`", fd == -ENOSPC ? reason : -fd, log.data());
}

Napi::Value openPinnedProgram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const std::string path = readText(info, 0, "path", kLongestPath);
  return ProgramHandle::wrap(env, openPinned(env, path, "prog"));
}

Napi::Value openProgramById(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const uint32_t id = readU32(info, 0, "id");
  Descriptor fd(bpf_prog_get_fd_by_id(id));
  if (!fd.open()) throwKernel(env, "open program " + std::to_string(id), errno);
  return ProgramHandle::wrap(env, std::move(fd));
}

}  // namespace policyc
