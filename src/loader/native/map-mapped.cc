// Arrays in memory: reading and writing the values of a mappable array without system calls for each.
#include <cerrno>
#include <cstring>

#include <sys/mman.h>
#include <unistd.h>

#include "map.h"

namespace policyc {

namespace {

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

}  // namespace policyc
