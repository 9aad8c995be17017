// What every native class shares: the environment's own state, strict argument readers, and failures.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <string>

#include <napi.h>

namespace policyc {

// One per JavaScript environment (main thread or worker), so that nothing is shared between them.
struct Door {
  Napi::FunctionReference failure;  // (operation, errno, log) => Error
  Napi::FunctionReference map;
  Napi::FunctionReference program;
  Napi::FunctionReference object;
  Napi::FunctionReference link;
  Napi::FunctionReference ringBuffer;
};

// The kernel or libbpf refused: `error` is a positive errno. Takes libbpf's negative results as well.
[[noreturn]] void throwKernel(Napi::Env env, const std::string& operation, int error,
                              const std::string& log = "");
// The caller misused the door: a TypeError, a RangeError, or an Error for a wrong state.
[[noreturn]] void throwType(Napi::Env env, const std::string& message);
[[noreturn]] void throwRange(Napi::Env env, const std::string& message);
[[noreturn]] void throwState(Napi::Env env, const std::string& message);

// Keeps what libbpf says on this thread while it lives; libbpf's print callback is process-wide.
class LogCapture {
 public:
  explicit LogCapture(bool verbose);
  ~LogCapture();
  LogCapture(const LogCapture&) = delete;
  LogCapture& operator=(const LogCapture&) = delete;
  void append(const char* format, va_list arguments);
  bool verbose() const { return verbose_; }
  const std::string& text() const { return text_; }

 private:
  LogCapture* outer_;
  bool verbose_;
  std::string text_;
};

// Installs the print callback that feeds LogCapture. Idempotent.
void captureLibbpfLog();

// Owns a descriptor. Numbers never reach JavaScript, so a reused number cannot be mistaken for ours.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void close();
  int release();

 private:
  int fd_ = -1;
};

// Opens what is pinned at the path. BPF_OBJ_GET hands out any kind, so the kind is checked: `map`, `prog`
// or `link`, as the kernel names its descriptors.
Descriptor openPinned(Napi::Env env, const std::string& path, const std::string& kind);

// A byte view of the caller; valid only until JavaScript runs again.
struct Bytes {
  uint8_t* data;
  size_t length;
};

// Argument readers. All of a call's arguments are primitives, byte arrays or handles, so that reading
// them runs no JavaScript: no getter can close the handle that the call is about.
uint32_t readU32(const Napi::CallbackInfo& info, size_t index, const char* name);
uint64_t readOffset(const Napi::CallbackInfo& info, size_t index, const char* name);
bool readBool(const Napi::CallbackInfo& info, size_t index, const char* name);
// Text of 1 to `longest` bytes without NUL.
std::string readText(const Napi::CallbackInfo& info, size_t index, const char* name, size_t longest);
Bytes readBytes(const Napi::CallbackInfo& info, size_t index, const char* name);
Bytes readExactly(const Napi::CallbackInfo& info, size_t index, const char* name, size_t length);
uint32_t readInterface(const Napi::CallbackInfo& info, size_t index);
bool absent(const Napi::CallbackInfo& info, size_t index);

constexpr size_t kLongestPath = 4095;  // PATH_MAX without the NUL
constexpr size_t kLongestName = 15;    // BPF_OBJ_NAME_LEN without the NUL

// Checks the type tag first: unwrapping another class's object would read memory of the wrong shape.
template <class Handle>
Handle& readHandle(const Napi::Env& env, const Napi::Value& value, const char* name) {
  if (!value.IsObject() || !value.As<Napi::Object>().CheckTypeTag(&Handle::kTag)) {
    throwType(env, std::string(name) + " must be a " + Handle::kNoun + " handle");
  }
  return *Handle::Unwrap(value.As<Napi::Object>());
}

template <class Handle>
Handle& readHandle(const Napi::CallbackInfo& info, size_t index, const char* name) {
  return readHandle<Handle>(info.Env(), info[index], name);
}

Napi::Buffer<uint8_t> copyBytes(Napi::Env env, const void* data, size_t length);

}  // namespace policyc
