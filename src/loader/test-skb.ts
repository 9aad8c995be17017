/** Runs a tc program on one packet through BPF_PROG_TEST_RUN. */
import type { ProgramHandle } from './native.js';

/**
 * What may be given of `struct __sk_buff`; the kernel answers EINVAL to any other field
 * (convert___skb_to_skb in net/bpf/test_run.c). It derives `protocol` from the Ethernet header.
 */
export interface SkbFields {
  readonly mark?: number;
  readonly priority?: number;
  /** Where the packet came in; 0 for one that the host made. */
  readonly ingressIfindex?: number;
  /** The interface that it is at; 0 or 1 for lo. It must exist. */
  readonly ifindex?: number;
  /** Up to five words. */
  readonly cb?: readonly number[];
  /** Nanoseconds. */
  readonly timestamp?: bigint;
  readonly wireLength?: number;
  readonly gsoSegments?: number;
  readonly gsoSize?: number;
}

export interface SkbRun {
  /** What the program returned, signed: -1 is TC_ACT_UNSPEC and TCX_NEXT. */
  readonly action: number;
  /** The packet after the last repetition. */
  readonly packet: Buffer;
  readonly mark: number;
  readonly priority: number;
  readonly cb: readonly number[];
  /** The mean of all repetitions. */
  readonly durationNs: number;
}

/** Byte offsets in `struct __sk_buff` (include/uapi/linux/bpf.h). */
const offsets = {
  mark: 8,
  priority: 32,
  ingressIfindex: 36,
  ifindex: 40,
  cb: 48,
  timestamp: 152,
  wireLength: 160,
  gsoSegments: 164,
  gsoSize: 176,
} as const;
const CONTEXT_BYTES = 192;
const CB_WORDS = 5;

/** How much a program may lengthen a packet: room for an outer header or two. */
const HEADROOM = 256;

/**
 * @param packet from the Ethernet header on, 14 bytes at least
 * @param repeat how often to run the program on the same packet, to measure it
 */
export function testSkb(
  program: ProgramHandle,
  packet: Uint8Array,
  fields: SkbFields = {},
  repeat = 1,
): SkbRun {
  const ran = program.testRun(packet, skbContext(fields), repeat, HEADROOM);
  return {
    action: ran.result | 0,
    packet: ran.packet,
    mark: ran.context.readUInt32LE(offsets.mark),
    priority: ran.context.readUInt32LE(offsets.priority),
    cb: Array.from({ length: CB_WORDS }, (_, word) =>
      ran.context.readUInt32LE(offsets.cb + 4 * word),
    ),
    durationNs: ran.durationNs,
  };
}

/** The fields as the kernel lays them out. */
export function skbContext(fields: SkbFields): Buffer {
  const context = Buffer.alloc(CONTEXT_BYTES);
  context.writeUInt32LE(fields.mark ?? 0, offsets.mark);
  context.writeUInt32LE(fields.priority ?? 0, offsets.priority);
  context.writeUInt32LE(fields.ingressIfindex ?? 0, offsets.ingressIfindex);
  context.writeUInt32LE(fields.ifindex ?? 0, offsets.ifindex);
  const cb = fields.cb ?? [];
  if (cb.length > CB_WORDS) throw new RangeError(`cb has ${CB_WORDS} words, not ${cb.length}`);
  cb.forEach((word, index) => context.writeUInt32LE(word, offsets.cb + 4 * index));
  context.writeBigUInt64LE(fields.timestamp ?? 0n, offsets.timestamp);
  context.writeUInt32LE(fields.wireLength ?? 0, offsets.wireLength);
  context.writeUInt32LE(fields.gsoSegments ?? 0, offsets.gsoSegments);
  context.writeUInt32LE(fields.gsoSize ?? 0, offsets.gsoSize);
  return context;
}
