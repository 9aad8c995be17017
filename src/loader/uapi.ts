/** Numbers of the kernel's BPF interface (include/uapi/linux/bpf.h) that the loader uses by name. */

export const mapTypeNumber = {
  hash: 1,
  array: 2,
  'prog-array': 3,
  'perf-event-array': 4,
  'percpu-hash': 5,
  'percpu-array': 6,
  'lru-hash': 9,
  'lru-percpu-hash': 10,
  'lpm-trie': 11,
  'array-of-maps': 12,
  'hash-of-maps': 13,
  ringbuf: 27,
} as const;
export type MapType = keyof typeof mapTypeNumber;

export const mapFlag = {
  /** Hash entries are allocated as they come; required by LPM tries. */
  noPrealloc: 1 << 0,
  /** Programs may only read. */
  readOnlyForPrograms: 1 << 7,
  writeOnlyForPrograms: 1 << 8,
  /** User space may mmap the values of an array. */
  mappable: 1 << 10,
} as const;

export const updateFlag = { any: 0, mustBeNew: 1, mustExist: 2 } as const;

export const programTypeNumber = {
  'socket-filter': 1,
  'sched-cls': 3,
  tracepoint: 5,
  xdp: 6,
  'cgroup-skb': 8,
  'raw-tracepoint': 17,
  'cgroup-sock-addr': 18,
  tracing: 26,
  syscall: 31,
} as const;
export type ProgramType = keyof typeof programTypeNumber;

/** Attach types; those of tcx came with Linux 6.6. */
export const attachTypeNumber = { none: 0, tcxIngress: 46, tcxEgress: 47 } as const;
