/** What the running kernel can do, found out by trying and not by its version. */
import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { TABLE_BYTES } from '../target.js';
import { KernelError } from './kernel-error.js';
import { type MapHandle, nativeDoor } from './native.js';
import { createMap, loadProgram, queryTcx } from './native-calls.js';
import { takesIngress } from './test-run-object.js';
import { testSkb } from './test-skb.js';
import { mapFlag, updateFlag } from './uapi.js';

export type Probe =
  { readonly available: true } | { readonly available: false; readonly reason: string };

export type Feature =
  /** The kernel describes its own types in /sys/kernel/btf/vmlinux. */
  | 'kernel-btf'
  /** tc programs load. */
  | 'tc-programs'
  | 'tc-test-run'
  /** Chains of tc programs held by links (6.6). */
  | 'tcx'
  | 'ring-buffer'
  | 'batch-operations'
  | 'lpm-trie'
  | 'lru-hash'
  | 'tail-calls'
  | 'bpf-to-bpf-calls'
  /** Programs run as machine code. */
  | 'jit'
  /** One store takes effect on all CPUs before another: membarrier(2) waits for all programs. */
  | 'membarrier'
  /** Test packets may say by which interface they came in. */
  | 'test-ingress'
  /** bpf_jiffies64, the cheapest clock (5.6). */
  | 'jiffies'
  /** Direct loads from an array's value (5.2). */
  | 'direct-value'
  | 'mappable-array'
  /** One array may be larger than 4 MiB (not on 5.10). */
  | 'large-array'
  | 'map-freeze';

export interface KernelFeatures {
  /** As `uname -r` says; for people, not for decisions. */
  readonly release: string;
  readonly features: Readonly<Record<Feature, Probe>>;
}

/** Tries every feature. Creates nothing that stays; takes some milliseconds. */
export function probeFeatures(): KernelFeatures {
  return {
    release: release(),
    features: {
      'kernel-btf': existsSync('/sys/kernel/btf/vmlinux')
        ? { available: true }
        : { available: false, reason: 'no /sys/kernel/btf/vmlinux' },
      'tc-programs': attempt(() => load(RETURN_ZERO)),
      'tc-test-run': attempt(tryTestRun),
      tcx: attempt(() => queryTcx(1, 'ingress')),
      'ring-buffer': attempt(() => tryMap('ringbuf', 0, 0, 4096)),
      'batch-operations': attempt(tryBatch),
      'lpm-trie': attempt(() => tryMap('lpm-trie', 8, 4, 1, mapFlag.noPrealloc)),
      'lru-hash': attempt(() => tryMap('lru-hash', 4, 4, 16)),
      'tail-calls': attempt(tryTailCall),
      'bpf-to-bpf-calls': attempt(() => load(CALL_OWN_FUNCTION)),
      jit: jitProbe(),
      membarrier: nativeDoor().hasMembarrier()
        ? { available: true }
        : { available: false, reason: 'refused' },
      'test-ingress': attempt(takesIngress),
      jiffies: attempt(() => load(CALL_JIFFIES)),
      'direct-value': attempt(tryDirectValue),
      'mappable-array': attempt(() => tryMap('array', 4, 8, 1, mapFlag.mappable)),
      'large-array': attempt(tryLargeArray),
      'map-freeze': attempt(tryFreeze),
    },
  };
}

const JIT_ENABLE = '/proc/sys/net/core/bpf_jit_enable';

/** The setting is missing where the kernel was built to have nothing but the JIT. */
function jitProbe(): Probe {
  if (!existsSync(JIT_ENABLE)) return { available: true };
  const setting = readFileSync(JIT_ENABLE, 'utf8').trim();
  return setting === '0'
    ? { available: false, reason: 'net.core.bpf_jit_enable is 0' }
    : { available: true };
}

/** `net.core.bpf_jit_harden`: 2 blinds the constants of root's programs too; undefined where unknown. */
export function jitHardening(): number | undefined {
  try {
    return Number(readFileSync('/proc/sys/net/core/bpf_jit_harden', 'utf8'));
  } catch {
    return undefined;
  }
}

/** @param run answers false, or throws, where the kernel refuses */
function attempt(run: () => unknown): Probe {
  try {
    return run() === false ? { available: false, reason: 'EINVAL' } : { available: true };
  } catch (error) {
    if (error instanceof KernelError) return { available: false, reason: error.code };
    throw error;
  }
}

type Slot = readonly [code: number, registers: number, offset: number, immediate: number];

/** Instructions as `struct bpf_insn`; `registers` is source << 4 | destination. */
function encode(slots: readonly Slot[]): Buffer {
  const bytes = Buffer.alloc(8 * slots.length);
  slots.forEach(([code, registers, offset, immediate], index) => {
    bytes.writeUInt8(code, 8 * index);
    bytes.writeUInt8(registers, 8 * index + 1);
    bytes.writeInt16LE(offset, 8 * index + 2);
    bytes.writeInt32LE(immediate, 8 * index + 4);
  });
  return bytes;
}

const MOV_R0_ZERO: Slot = [0xb7, 0, 0, 0];
const EXIT: Slot = [0x95, 0, 0, 0];
const RETURN_ZERO = encode([MOV_R0_ZERO, EXIT]);
/** Helper 118 is bpf_jiffies64. */
const CALL_JIFFIES = encode([[0x85, 0, 0, 118], MOV_R0_ZERO, EXIT]);
/** BPF_PSEUDO_CALL (source register 1) over the exit to the function behind it. */
const CALL_OWN_FUNCTION = encode([[0x85, 0x10, 0, 1], EXIT, MOV_R0_ZERO, EXIT]);
/** BPF_PSEUDO_MAP_IDX_VALUE (source register 6) of map 0, then r0 = *(u32 *)r1. */
const READ_VALUE = encode([[0x18, 0x61, 0, 0], [0, 0, 0, 0], [0x61, 0x10, 0, 0], EXIT]);

/** bpf_tail_call (helper 12) to slot 0 of BPF_PSEUDO_MAP_IDX (source register 5) map 0. */
const TAIL_CALL = encode([
  [0x18, 0x52, 0, 0],
  [0, 0, 0, 0],
  [0xb7, 3, 0, 0],
  [0x85, 0, 0, 12],
  MOV_R0_ZERO,
  EXIT,
]);

function load(instructions: Buffer): void {
  loadProgram({ type: 'sched-cls', name: 'probe', instructions }).close();
}

function tryTestRun(): void {
  const program = loadProgram({ type: 'sched-cls', name: 'probe', instructions: RETURN_ZERO });
  try {
    testSkb(program, Buffer.alloc(64));
  } finally {
    program.close();
  }
}

function tryMap(
  type: Parameters<typeof createMap>[0]['type'],
  keySize: number,
  valueSize: number,
  maxEntries: number,
  flags = 0,
): void {
  createMap({ type, name: 'probe', keySize, valueSize, maxEntries, flags }).close();
}

function tryLargeArray(): void {
  tryMap('array', 4, TABLE_BYTES.small + 8, 1);
}

function tryBatch(): void {
  const map = createMap({ type: 'hash', name: 'probe', keySize: 4, valueSize: 4, maxEntries: 2 });
  try {
    const whole = map.updateBatch(Buffer.from('key1key2'), Buffer.alloc(8), updateFlag.any);
    if (!whole) throw new KernelError('update a map in one batch', 22, '');
  } finally {
    map.close();
  }
}

function tryDirectValue(): void {
  const map = createMap({ type: 'array', name: 'probe', keySize: 4, valueSize: 8, maxEntries: 1 });
  tryWithMap(READ_VALUE, map);
}

function tryTailCall(): void {
  const map = createMap({
    type: 'prog-array',
    name: 'probe',
    keySize: 4,
    valueSize: 4,
    maxEntries: 1,
  });
  tryWithMap(TAIL_CALL, map);
}

function tryWithMap(instructions: Buffer, map: MapHandle): void {
  try {
    loadProgram({ type: 'sched-cls', name: 'probe', instructions, maps: [map] }).close();
  } finally {
    map.close();
  }
}

function tryFreeze(): void {
  const map = createMap({ type: 'array', name: 'probe', keySize: 4, valueSize: 4, maxEntries: 1 });
  try {
    map.freeze();
  } finally {
    map.close();
  }
}

/**
 * Bytes that one array of the running kernel takes.
 * @throws {KernelError} if this process may not use BPF at all
 */
export function maxArrayBytes(): number {
  requireBpf();
  return attempt(tryLargeArray).available ? TABLE_BYTES.large : TABLE_BYTES.small;
}

/** @throws {KernelError} if this process may not use BPF at all */
export function requireBpf(): void {
  nativeDoor().createMap(2, 'probe', 4, 4, 1, 0, undefined).close();
}

/** Whether this process may use BPF at all: the reason if it may not, such as `EPERM`. */
export function bpfRefusal(): string | undefined {
  const probe = attempt(requireBpf);
  return probe.available ? undefined : probe.reason;
}
