// The parts of the bpf() system call's argument that libbpf 1.1 and Debian 12's headers do not have yet.
//
// Layouts from include/uapi/linux/bpf.h of Linux 6.6 (union bpf_attr, struct bpf_link_info); they are
// kernel ABI and cannot change. Kernels before that answer EINVAL to the attach types.
#pragma once

#include <cstdint>

#include <linux/bpf.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace policyc {

constexpr uint32_t kTcxIngress = 46;  // BPF_TCX_INGRESS
constexpr uint32_t kTcxEgress = 47;   // BPF_TCX_EGRESS
constexpr uint32_t kBefore = 1U << 3;  // BPF_F_BEFORE; with no relative: before all
constexpr uint32_t kAfter = 1U << 4;   // BPF_F_AFTER; with no relative: after all
constexpr uint32_t kLinkTypeTcx = 11;  // BPF_LINK_TYPE_TCX

// BPF_LINK_CREATE with its `tcx` member.
struct LinkCreateAttr {
  uint32_t programFd;
  uint32_t interfaceIndex;
  uint32_t attachType;
  uint32_t flags;
  uint32_t relativeFd;
  uint32_t padding;
  uint64_t expectedRevision;
};
static_assert(sizeof(LinkCreateAttr) == 32);

// BPF_PROG_QUERY.
struct QueryAttr {
  uint32_t interfaceIndex;
  uint32_t attachType;
  uint32_t queryFlags;
  uint32_t attachFlags;
  uint64_t programIds;
  uint32_t count;
  uint32_t padding;
  uint64_t programAttachFlags;
  uint64_t linkIds;
  uint64_t linkAttachFlags;
  uint64_t revision;
};
static_assert(sizeof(QueryAttr) == 64);

// What BPF_OBJ_GET_INFO_BY_FD says of a tcx link; the kernel accepts a longer, zeroed buffer.
struct LinkFacts {
  uint32_t type;
  uint32_t id;
  uint32_t programId;
  uint32_t padding;
  uint32_t interfaceIndex;
  uint32_t attachType;
  uint8_t rest[128];
};

inline int bpfCall(int command, void* attribute, unsigned int size) {
  return static_cast<int>(::syscall(SYS_bpf, command, attribute, size));
}

}  // namespace policyc
