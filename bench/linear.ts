/** Layouts that try rule after rule, like Calico's and bpfilter's without sets. IPv4 alone. */
import { Assembler, r1, r2, r7, r10 } from '../src/codegen/assembly/assembler.js';
import type { CidrRule } from './packets.js';
import { emitStart, emitVerdicts, OFFSET, TCP, type Peer } from './peers.js';

export const CALICO_LIKE = 'rule after rule (Calico-like)';
export const BPFILTER_LINEAR = 'rule after rule (bpfilter-like)';
const { protocol, source, destinationPort } = OFFSET[4];
/** Where a Calico-like program keeps what it has parsed. */
const STATE = { source: -8, destinationPort: -4 } as const;

/** Rules compare what was parsed once and lies in memory: mask, address, port. */
export function calicoLike(rules: readonly CidrRule[]): Peer {
  const asm = new Assembler('calico_like', 'program');
  emitStart(asm, 4);
  asm.load(4, r1, r7, source);
  asm.toBigEndian(r1, 32);
  asm.store(4, r10, STATE.source, r1);
  asm.load(2, r1, r7, destinationPort);
  asm.toBigEndian(r1, 16);
  asm.store(4, r10, STATE.destinationPort, r1);
  for (const [i, { prefix, port }] of rules.entries()) {
    const next = `rule_${i + 1}`;
    asm.load(4, r1, r10, STATE.source);
    emitCompare(asm, prefix, next);
    asm.load(4, r2, r10, STATE.destinationPort);
    asm.branch('eq', r2, port, 'allow');
    asm.label(next);
  }
  asm.jump('deny');
  emitVerdicts(asm);
  return peerOf(CALICO_LIKE, 'calico_like', asm);
}

/** Rules read what they compare from the packet, each for itself: protocol, address, port. */
export function bpfilterLinear(rules: readonly CidrRule[]): Peer {
  const asm = new Assembler('bpfilter_linear', 'program');
  emitStart(asm, 4);
  for (const [i, { prefix, port }] of rules.entries()) {
    const next = `rule_${i + 1}`;
    asm.load(1, r1, r7, protocol);
    asm.branch('ne', r1, TCP, next);
    asm.load(4, r1, r7, source);
    asm.toBigEndian(r1, 32);
    emitCompare(asm, prefix, next);
    asm.load(2, r1, r7, destinationPort);
    asm.toBigEndian(r1, 16);
    asm.branch('eq', r1, port, 'allow');
    asm.label(next);
  }
  asm.jump('deny');
  emitVerdicts(asm);
  return peerOf(BPFILTER_LINEAR, 'bpfilter_linear', asm);
}

/** r1 = an address in the CPU's order. */
function emitCompare(asm: Assembler, { value, length }: CidrRule['prefix'], next: string): void {
  if (length < 32) asm.rsh32(r1, 32 - length);
  const base = Number(value) >>> ((32 - length) % 32);
  asm.branch('ne', r1, base | 0, next, { width: 32 });
}

function peerOf(name: string, program: string, asm: Assembler): Peer {
  const listing = { license: 'Apache-2.0', functions: [asm.finish()], tables: [], maps: [] };
  return { name, program, listing, maps: [] };
}
