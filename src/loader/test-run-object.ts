/** Objects for BPF_PROG_TEST_RUN, also where the kernel cannot say by which interface a test packet came in. */
import { bug } from '../diagnostics.js';
import { KernelError } from './kernel-error.js';
import { loadProgram } from './native-calls.js';
import { testSkb, type SkbFields } from './test-skb.js';

/** What to load and to give for test runs on this kernel, in place of an object and of fields. */
export interface TestRuns {
  readonly object: (object: Uint8Array) => Uint8Array;
  readonly fields: (fields: SkbFields) => SkbFields;
}

const AS_THEY_ARE: TestRuns = { object: (object) => object, fields: (fields) => fields };

/** Linux 5.10 answers EINVAL to an ingress_ifindex, 6.1 takes it. */
const BY_SCRATCH: TestRuns = { object: readIngressFromScratch, fields: ingressInScratch };

let known: TestRuns | undefined;

/** @throws {KernelError} if the kernel refuses a program that does nothing */
export function testRuns(): TestRuns {
  known ??= takesIngress() ? AS_THEY_ARE : BY_SCRATCH;
  return known;
}

/** r0 = 0, exit. */
const RETURN_ZERO = Buffer.from('b7000000000000009500000000000000', 'hex');

/**
 * Whether test packets may say by which interface they came in.
 * @throws {KernelError} if the kernel refuses a program that does nothing
 */
export function takesIngress(): boolean {
  const program = loadProgram({ type: 'sched-cls', name: 'probe', instructions: RETURN_ZERO });
  try {
    testSkb(program, Buffer.alloc(64), { ingressIfindex: 1 });
    return true;
  } catch (error) {
    if (error instanceof KernelError && error.code === 'EINVAL') return false;
    throw error;
  } finally {
    program.close();
  }
}

/** The word of skb->cb that no program of ours uses. */
const SCRATCH_WORD = 4;

export function ingressInScratch({ ingressIfindex, ...fields }: SkbFields): SkbFields {
  if (ingressIfindex === undefined) return fields;
  const cb = Array.from({ length: SCRATCH_WORD }, (_, word) => fields.cb?.[word] ?? 0);
  if (fields.cb?.[SCRATCH_WORD] !== undefined) bug('skb->cb[4] is taken');
  return { ...fields, cb: [...cb, ingressIfindex] };
}

/** ELF64, little-endian: where the section headers are, and what of them is read. */
const ELF = { sections: 40, sectionSize: 58, sectionCount: 60 } as const;
const SECTION = { flags: 8, offset: 24, size: 32 } as const;
const EXECUTABLE = 4n;

/** `rX = *(u32 *)(r6 + offset)`: r6 holds the context in every program of ours. */
const LOAD_WORD = 0x61;
const CONTEXT_REGISTER = 6;
const INGRESS_IFINDEX = 36;
const SCRATCH = 48 + 4 * SCRATCH_WORD;

/** The same object, but for the offset of each load of ingress_ifindex. */
export function readIngressFromScratch(object: Uint8Array): Uint8Array {
  const changed = object.slice();
  const view = new DataView(changed.buffer);
  const headers = Number(view.getBigUint64(ELF.sections, true));
  const size = view.getUint16(ELF.sectionSize, true);
  for (let i = 0; i < view.getUint16(ELF.sectionCount, true); i += 1) {
    const header = headers + i * size;
    if ((view.getBigUint64(header + SECTION.flags, true) & EXECUTABLE) === 0n) continue;
    const start = Number(view.getBigUint64(header + SECTION.offset, true));
    const end = start + Number(view.getBigUint64(header + SECTION.size, true));
    for (let slot = start; slot < end; slot += 8) {
      if (view.getUint8(slot) !== LOAD_WORD) continue;
      if (view.getUint8(slot + 1) >> 4 !== CONTEXT_REGISTER) continue;
      if (view.getInt16(slot + 2, true) !== INGRESS_IFINDEX) continue;
      view.setInt16(slot + 2, SCRATCH, true);
    }
  }
  return changed;
}
