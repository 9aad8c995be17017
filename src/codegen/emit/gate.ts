/** Emits gates, which choose the generation that judges a packet, and what programs do behind a gate. */
import type { Direction } from '../../ir/model.js';
import { Assembler, r0, r1, r2, r3, r4, r5, r6, r7 } from '../assembly/assembler.js';
import { emitExit, EXIT, SKB } from './frame.js';
import { ANSWER_MARK, DROP, GATE, gateSlot, PASS } from '../layout.js';
import type { FunctionListing, Listing } from '../assembly/listing.js';

/** The gates' names, by the direction that they judge; at most 15 characters (BPF_OBJ_NAME_LEN). */
export const GATE_PROGRAMS = { ingress: 'gate_to_pod', egress: 'gate_from_pod' } as const;
/** What stands in for a program that was taken away. */
export const SHUT_PROGRAM = 'gate_shut';

/** The two gates of a pod. No policy is in them: they are the same bytes for every pod and node. */
export function emitGates(): Listing {
  return {
    license: 'Apache-2.0',
    functions: [emitGate('ingress'), emitGate('egress'), emitShut()],
    tables: [{ name: GATE.controlTable, frozen: false, initial: new Uint8Array(4) }],
    maps: [GATE.halves],
  };
}

/**
 * Jumps to the half in force. skb->cb[2] tells it whether the other half has to allow as well.
 *
 * INVARIANT: the word is read once for a packet. Both calls have constant indexes, which the JIT makes
 * plain jumps; an index in a register costs fifteen times as much.
 */
function emitGate(direction: Direction): FunctionListing {
  const asm = new Assembler(GATE_PROGRAMS[direction], 'program');
  asm.loadTable(r2, GATE.controlTable);
  asm.load(4, r4, r2, 0);
  asm.mov(r5, r4);
  asm.rsh(r5, 1);
  asm.store(4, r1, SKB.cb2, r5);
  asm.branch('set', r4, 1, 'half_1');
  emitTailCall(asm, gateSlot(direction, 0));
  asm.jump('empty');
  asm.label('half_1');
  emitTailCall(asm, gateSlot(direction, 1));
  asm.label('empty').comment('a half without a program lets nothing pass');
  asm.mov(r0, DROP);
  asm.exit();
  return asm.finish();
}

/**
 * Drops. To empty a slot takes the kernel a grace period for each program that jumps to it
 * (bpf_arch_poke_desc_update in arch/x86/net/bpf_jit_comp.c); to put another program there takes none.
 */
function emitShut(): FunctionListing {
  const asm = new Assembler(SHUT_PROGRAM, 'program');
  asm.mov(r6, r1);
  asm.mov(r7, 0);
  emitExit(asm, 'deny', 'corrupt');
  return asm.finish();
}

/** r1 = context. Goes on below where the slot is empty. */
function emitTailCall(asm: Assembler, slot: number): void {
  asm.loadMap(r2, GATE.halves.name);
  asm.mov(r3, slot);
  asm.call('tail_call');
}

/**
 * Where packets that this half allows come if skb->cb[2] is not zero. Behind a gate the other half is
 * asked, once; without one the word is somebody else's.
 */
export function emitAskOtherHalf(asm: Assembler, direction: Direction): void {
  asm.label(EXIT.askOtherHalf);
  emitLoadHalf(asm);
  asm.branch('ne', r3, 0, 'gated');
  asm.mov(r0, PASS);
  asm.exit();
  asm.label('gated');
  // From a register: before Linux 6.4 the verifier refuses to store an immediate into the context.
  asm.mov(r1, 0);
  asm.store(4, r6, SKB.cb2, r1);
  asm.add(r3, gateSlot(direction, 0) - 1);
  asm.mov(r1, r6);
  asm.loadMap(r2, GATE.halves.name);
  asm.call('tail_call');
  asm.mov(r7, 0);
  emitExit(asm, 'deny', 'corrupt');
}

/** Does `body` unless the other half will be asked, which then has the last word. */
export function emitIfLast(asm: Assembler, body: () => void): void {
  const last = asm.freshLabel('last');
  const done = asm.freshLabel('not_last');
  asm.label(asm.freshLabel('whether_last'));
  asm.load(4, r1, r6, SKB.cb2);
  asm.branch('eq', r1, 0, last);
  emitLoadHalf(asm);
  asm.branch('ne', r3, 0, done);
  asm.label(last);
  body();
  asm.label(done);
}

/**
 * A generation that rejects answers at the interface's other hook, and the generation beside it may
 * know nothing of answers: a denied packet with the answers' mark is left to the other half.
 */
export function emitAskAboutAnswer(asm: Assembler): void {
  const denied = asm.freshLabel('no_foreign_answer');
  asm.label(asm.freshLabel('foreign_answer'));
  asm.load(4, r1, r6, SKB.cb2);
  asm.branch('eq', r1, 0, denied);
  asm.load(4, r1, r6, SKB.mark);
  asm.branch('ne', r1, ANSWER_MARK, denied, { width: 32 });
  emitLoadHalf(asm);
  asm.branch('ne', r3, 0, 'gated');
  asm.label(denied);
}

/** r3 = 1 + the other half, or 0: a constant to the verifier, since the table is frozen. */
function emitLoadHalf(asm: Assembler): void {
  asm.loadTable(r1, GATE.halfTable);
  asm.load(4, r3, r1, 0);
}
