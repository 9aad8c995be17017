/** Emits what a program does with a packet that a rule rejects, and with the answer that comes of it. */
import type { Direction } from '../../ir/model.js';
import { r1, r2, r3, r6, r7, r10, type Assembler } from '../assembly/assembler.js';
import { ARGUMENT, BPF_F_INGRESS, REJECT_PACKET } from './answers.js';
import { emitExit, FRAME, PACKET, SKB, TCP } from './frame.js';
import { PROTOCOL } from './headers.js';
import { ANSWER_MARK, CELL, OUTCOMES } from '../layout.js';

/**
 * r7 = the cell that denied. Leaves with an answer if the cell asks for one and the packet may have
 * it: no RST for a RST, no error for an error or for a fragment without its layer 4 header.
 */
export function emitRejectIfAsked(asm: Assembler, direction: Direction): void {
  asm.branch('set', r7, 1 << CELL.rejectBit, 'reject');
  asm.label('silent');
  emitExit(asm, 'deny', 'judged');
  asm.label('reject');
  asm.load(4, r1, r10, FRAME.packet);
  asm.branch('set', r1, TCP.rst | PACKET.icmpError | PACKET.laterFragment, 'silent');
  asm.load(1, r2, r10, FRAME.keyProtocol);
  asm.branch('eq', r2, PROTOCOL.icmp, 'reject_icmp');
  asm.branch('ne', r2, PROTOCOL.icmpv6, 'reject_any');
  asm.label('reject_icmp').comment('of ICMP, requests alone');
  asm.branch('set', r1, PACKET.opens, 'reject_any');
  asm.jump('silent');
  asm.label('reject_any');
  asm.lsh(r2, ARGUMENT.protocolShift);
  asm.load(8, r3, r10, FRAME.transport);
  asm.load(4, r1, r6, SKB.data);
  asm.sub(r3, r1);
  asm.and(r3, 0xffff);
  asm.or(r2, r3);
  const flags = direction === 'ingress' ? BPF_F_INGRESS : 0;
  if (flags !== 0) asm.or(r2, flags << ARGUMENT.ingressShift);
  asm.mov(r1, r6);
  asm.callFunction(REJECT_PACKET);
  asm.store(4, r6, SKB.cb0, r7);
  asm.mov(r1, OUTCOMES.indexOf('judged'));
  asm.store(4, r6, SKB.cb1, r1);
  asm.exit();
}

/**
 * Lets our own answers pass, and takes their mark off. A mark alone opens nothing: what bears it
 * without being a RST or an ICMP error is judged like anything else.
 */
export function emitAnswerExit(asm: Assembler): void {
  asm.load(4, r1, r6, SKB.mark);
  asm.branch('ne', r1, ANSWER_MARK, 'no_answer', { width: 32 });
  asm.load(4, r1, r10, FRAME.packet);
  asm.branch('set', r1, TCP.rst | PACKET.icmpError, 'answer');
  asm.jump('no_answer');
  asm.label('answer');
  asm.mov(r7, 0);
  asm.store(4, r6, SKB.mark, r7);
  emitExit(asm, 'allow', 'answer');
  asm.label('no_answer');
}
