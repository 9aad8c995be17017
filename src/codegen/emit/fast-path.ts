/** Emits the fast path: plain packets of TCP and UDP are parsed and judged in registers. */
import type { Direction } from '../../ir/model.js';
import type { Effects, LookupPlan } from '../../ir/plan.js';
import { r1, r2, r5, r6, r7, r8, r9, r10, type Assembler } from '../assembly/assembler.js';
import { emitOwnNodeTest, OPPOSITE } from './connections.js';
import { emitLoadField } from './fields.js';
import { emitExit, FRAME, PACKET, SKB, TCP } from './frame.js';
import {
  emitPlainAddress4,
  emitPlainAddress6,
  emitPlainFrame,
  emitPlainHeaders,
  emitPlainStart,
} from './plain-headers.js';
import { emitTrieLookup } from './trie.js';
import { emitCallFindAddress6 } from './trie6.js';
import { emitDenseVerdict } from './verdict.js';
import {
  CELL,
  CLASS_BITS,
  CLOSED_ASPECT,
  FLAVOUR_STRIDE,
  FLAVOURS,
  portGroup,
  ROW_ASPECT_SHIFT,
  SHAPE,
  SHAPE_FLAG,
} from '../layout.js';

/**
 * Judges a plain packet and lets it pass if that is all there is to do. What is no plain packet goes
 * to `slow`, where the whole parser begins; a plain one that needs more than a verdict goes on behind
 * the verdict, at `allowed` or `denied`, with the frame as the parser leaves it. Arrays decide,
 * in a code layout too: they have no branches that a CPU can mispredict.
 * INVARIANT: the whole parser says the same of a plain packet. r6 = context.
 */
export function emitFastPath(asm: Assembler, direction: Direction, plan: LookupPlan): void {
  emitLoadField(asm, r1, 'shape', SHAPE.flags);
  asm.and(r1, SHAPE_FLAG.rowsHash | SHAPE_FLAG.cellsHash);
  asm.branch('ne', r1, 0, 'slow');
  if (plan.effects[OPPOSITE[direction]].rejects) {
    asm.load(4, r1, r6, SKB.mark).comment('an answer of our own has a mark');
    asm.branch('ne', r1, 0, 'slow');
  }
  emitPlainStart(asm);
  emitTrieTest(asm, SHAPE_FLAG.trie4);
  emitPlainHeaders(asm, 4);
  emitPlainAddress4(asm, direction);
  emitTrieLookup(asm);
  asm.label('fast_entry');
  if (direction === 'ingress') emitLeaveNodes(asm);
  emitDenseVerdict(asm, direction);
  asm.branch('sge', r7, 0, 'fast_denied', { width: 32 });
  if (plan.effects[direction].logsAllowed) asm.branch('set', r7, 1 << CELL.logBit, 'frame');
  asm.load(4, r1, r10, FRAME.packet);
  const own = direction === 'egress' ? TCP.fin | TCP.rst : 0;
  asm.branch('set', r1, PACKET.opens | own, 'fast_state');
  asm.label('fast');
  emitExit(asm, 'allow', 'judged');
  asm.label('fast_plain6');
  emitTrieTest(asm, SHAPE_FLAG.trie6);
  emitPlainHeaders(asm, 6);
  emitPlainAddress6(asm, direction);
  emitCallFindAddress6(asm);
  asm.jump('fast_entry');
  emitStateTest(asm);
  emitDenied(asm, direction, plan.effects[direction]);
  emitFrame(asm, direction);
  asm.label('slow');
}

/** Addresses that are not in a trie are looked up by the whole way. Keeps r3 and r7. */
function emitTrieTest(asm: Assembler, flag: number): void {
  emitLoadField(asm, r1, 'shape', SHAPE.flags);
  asm.and(r1, flag);
  asm.branch('eq', r1, 0, 'slow');
}

/** What the own node itself made is exempt from the tables. */
function emitLeaveNodes(asm: Assembler): void {
  asm.mov32(r1, r8);
  asm.rsh32(r1, CLASS_BITS);
  asm.and32(r1, FLAVOUR_STRIDE - 1);
  asm.branch('eq', r1, FLAVOURS.indexOf('node'), 'slow');
}

/** A packet that opens or ends a connection passes at once where its replies need no state. */
function emitStateTest(asm: Assembler): void {
  asm.label('fast_state');
  emitAspects(asm);
  asm.branch('set', r5, 1 << ROW_ASPECT_SHIFT, 'frame');
  asm.jump('fast');
}

/** Where the tables allow nothing the other way, a denied packet is nobody's reply. */
function emitDenied(asm: Assembler, direction: Direction, effects: Effects): void {
  asm.label('fast_denied');
  emitAspects(asm);
  asm.branch('set', r5, 1 << (ROW_ASPECT_SHIFT + CLOSED_ASPECT), 'fast_closed');
  asm.jump('frame');
  asm.label('fast_closed');
  const told =
    (effects.logsDenied ? 1 << CELL.logBit : 0) | (effects.rejects ? 1 << CELL.rejectBit : 0);
  if (told !== 0) asm.branch('set', r7, told, 'frame');
  asm.label(asm.freshLabel('foreign_answer')).comment('it may be for the other half to know');
  asm.load(4, r1, r6, SKB.cb2);
  asm.branch('ne', r1, 0, 'frame');
  if (direction === 'egress') emitOwnNodeTest(asm, 'frame');
  emitExit(asm, 'deny', 'judged');
}

/** r5 = first word of the row → its aspects of the packet's protocol, where those of the first one are. */
function emitAspects(asm: Assembler): void {
  asm.mov(r2, r9);
  asm.rsh(r2, 16);
  asm.and(r2, portGroup('UDP'));
  asm.rsh(r5, r2);
}

/** Fills the frame as the parser does, and goes on behind the verdict. r7 = cell. */
function emitFrame(asm: Assembler, direction: Direction): void {
  asm.label('frame');
  emitPlainFrame(asm, direction);
  asm.branch('sge', r7, 0, 'denied', { width: 32 });
  asm.jump('allowed');
}
