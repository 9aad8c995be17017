// Arguments in, failures out: the checks at the border between JavaScript and libbpf.
#include "door.h"

#include <cerrno>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

namespace policyc {

namespace {

thread_local LogCapture* current = nullptr;

int collect(enum libbpf_print_level level, const char* format, va_list arguments) {
  if (current != nullptr && (level == LIBBPF_WARN || current->verbose())) {
    current->append(format, arguments);
  }
  return 0;
}

[[noreturn]] void throwCoded(Napi::Error error, const char* code) {
  error.Set("code", Napi::String::New(error.Env(), code));
  throw error;
}

}  // namespace

void throwKernel(Napi::Env env, const std::string& operation, int error, const std::string& log) {
  const int number = error < 0 ? -error : error;
  Door* door = env.GetInstanceData<Door>();
  Napi::Value made = door->failure.Call({Napi::String::New(env, operation), Napi::Number::New(env, number),
                                         Napi::String::New(env, log)});
  throw Napi::Error(env, made);
}

void throwType(Napi::Env env, const std::string& message) {
  throwCoded(Napi::TypeError::New(env, message), "ERR_POLICYC_ARGUMENT");
}

void throwRange(Napi::Env env, const std::string& message) {
  throwCoded(Napi::RangeError::New(env, message), "ERR_POLICYC_ARGUMENT");
}

void throwState(Napi::Env env, const std::string& message) {
  throwCoded(Napi::Error::New(env, message), "ERR_POLICYC_STATE");
}

LogCapture::LogCapture(bool verbose) : outer_(current), verbose_(verbose) { current = this; }

LogCapture::~LogCapture() { current = outer_; }

void LogCapture::append(const char* format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  const int length = std::vsnprintf(nullptr, 0, format, again);
  va_end(again);
  if (length <= 0) return;
  const size_t start = text_.size();
  text_.resize(start + static_cast<size_t>(length) + 1);
  std::vsnprintf(&text_[start], static_cast<size_t>(length) + 1, format, arguments);
  text_.pop_back();
}

void captureLibbpfLog() { libbpf_set_print(collect); }

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = other.release();
  }
  return *this;
}

void Descriptor::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

int Descriptor::release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

Descriptor openPinned(Napi::Env env, const std::string& path, const std::string& kind) {
  Descriptor fd(bpf_obj_get(path.c_str()));
  const std::string operation = "open the pinned " + kind + " `" + path + "`";
  if (!fd.open()) throwKernel(env, operation, errno);
  char text[64] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(fd.get());
  if (::readlink(link.c_str(), text, sizeof(text) - 1) < 0) throwKernel(env, operation, errno);
  // `anon_inode:bpf-map`, or with brackets on some kernels; links say `bpf_link` or `bpf-link`.
  const std::string found(text);
  if (found.find("bpf-" + kind) == std::string::npos && found.find("bpf_" + kind) == std::string::npos) {
    throwType(env, "`" + path + "` holds no " + kind + " but " + found);
  }
  return fd;
}

namespace {

double readInteger(const Napi::CallbackInfo& info, size_t index, const char* name, double largest) {
  const Napi::Value value = info[index];
  if (!value.IsNumber()) throwType(info.Env(), std::string(name) + " must be a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= 0 && number <= largest) || std::trunc(number) != number) {
    char limit[32];
    std::snprintf(limit, sizeof(limit), "%.0f", largest);
    throwRange(info.Env(), std::string(name) + " must be an integer from 0 to " + limit);
  }
  return number;
}

}  // namespace

uint32_t readU32(const Napi::CallbackInfo& info, size_t index, const char* name) {
  return static_cast<uint32_t>(readInteger(info, index, name, 4294967295.0));
}

uint64_t readOffset(const Napi::CallbackInfo& info, size_t index, const char* name) {
  return static_cast<uint64_t>(readInteger(info, index, name, 9007199254740991.0));
}

bool readBool(const Napi::CallbackInfo& info, size_t index, const char* name) {
  const Napi::Value value = info[index];
  if (!value.IsBoolean()) throwType(info.Env(), std::string(name) + " must be a boolean");
  return value.As<Napi::Boolean>().Value();
}

std::string readText(const Napi::CallbackInfo& info, size_t index, const char* name, size_t longest) {
  const Napi::Value value = info[index];
  if (!value.IsString()) throwType(info.Env(), std::string(name) + " must be a string");
  std::string text = value.As<Napi::String>().Utf8Value();
  if (text.empty() || text.size() > longest) {
    throwRange(info.Env(), std::string(name) + " must have 1 to " + std::to_string(longest) + " bytes");
  }
  if (text.find('\0') != std::string::npos) {
    throwRange(info.Env(), std::string(name) + " must not contain NUL");
  }
  return text;
}

Bytes readBytes(const Napi::CallbackInfo& info, size_t index, const char* name) {
  const Napi::Value value = info[index];
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throwType(info.Env(), std::string(name) + " must be a Uint8Array");
  }
  Napi::Uint8Array array = value.As<Napi::Uint8Array>();
  return {array.Data(), array.ByteLength()};
}

Bytes readExactly(const Napi::CallbackInfo& info, size_t index, const char* name, size_t length) {
  const Bytes bytes = readBytes(info, index, name);
  if (bytes.length != length) {
    throwRange(info.Env(), std::string(name) + " must have " + std::to_string(length) + " bytes, not " +
                               std::to_string(bytes.length));
  }
  return bytes;
}

uint32_t readInterface(const Napi::CallbackInfo& info, size_t index) {
  const uint32_t found = readU32(info, index, "interfaceIndex");
  if (found == 0 || found > INT32_MAX) throwRange(info.Env(), "interfaceIndex must be 1 to 2147483647");
  return found;
}

bool absent(const Napi::CallbackInfo& info, size_t index) {
  return info[index].IsUndefined() || info[index].IsNull();
}

Napi::Buffer<uint8_t> copyBytes(Napi::Env env, const void* data, size_t length) {
  return Napi::Buffer<uint8_t>::Copy(env, static_cast<const uint8_t*>(data), length);
}

}  // namespace policyc
