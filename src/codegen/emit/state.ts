/** Emits who creates connection state and who shortens it, and the exit of packets that are dropped. */
import type { Direction } from '../../ir/model.js';
import type { Effects } from '../../ir/plan.js';
import { r0, r1, r2, r3, r4, r8, r9, r10, type Assembler } from '../assembly/assembler.js';
import {
  emitConnectionLookup,
  emitKeyedCall,
  judgeName,
  openedBy,
  OPPOSITE,
} from './connections.js';
import { emitExit, EXIT, FRAME, PACKET, TCP } from './frame.js';
import { emitAskAboutAnswer, emitIfLast } from './gate.js';
import { emitLogIfAsked } from './log.js';
import { emitRecent } from './recent.js';
import { emitRejectIfAsked } from './reject.js';
import { emitRow } from './verdict.js';
import { OTHER_GROUP, ROW_ASPECT_SHIFT } from '../layout.js';
import { CONNECTION, CONNECTION_FLAG } from '../layout/state.js';

/**
 * An allowed packet whose replies the opposite direction would deny leaves state for them.
 * r7 = cell, r8 = entry, r9 = port index. Ends at the exit `pass`.
 */
export function emitRemember(asm: Assembler, direction: Direction, effects: Effects): void {
  asm.load(4, r1, r10, FRAME.packet);
  asm.branch('set', r1, PACKET.opens, 'opens');
  if (direction === 'egress') {
    asm.comment("only the pod's own RST or FIN may shorten an entry");
    asm.branch('ge', r9, 1 << 16, EXIT.pass);
    asm.branch('set', r1, TCP.fin | TCP.rst, 'closes');
  }
  asm.jump(EXIT.pass);

  asm.label('opens');
  if (effects.logsAllowed) emitIfLast(asm, () => emitLogIfAsked(asm, direction));
  emitNeedsState(asm, direction);
  const maps = openedBy(direction);
  emitConnectionLookup(asm, maps, 'create');
  asm.mov(r9, r0);
  asm.call('jiffies64');
  asm.store(8, r9, CONNECTION.lastSeen, r0);
  asm.load(4, r1, r9, CONNECTION.flags);
  asm.branch('set', r1, CONNECTION_FLAG.closing, 'reopens');
  asm.jump(EXIT.pass);
  asm.label('reopens').comment('half-open again');
  asm.and(r1, CONNECTION_FLAG.live);
  asm.store(4, r9, CONNECTION.flags, r1);
  asm.jump(EXIT.pass);
  asm.label('create');
  asm.call('jiffies64');
  asm.store(8, r10, FRAME.connectionValue + CONNECTION.lastSeen, r0);
  asm.store(8, r10, FRAME.connectionValue + CONNECTION.flags, 0);
  asm.mov(r3, r10);
  asm.add(r3, FRAME.connectionValue);
  asm.mov(r4, 0);
  emitKeyedCall(asm, maps.pending, 'map_update_elem');

  asm.label(EXIT.pass);
  emitExit(asm, 'allow', 'judged');
  if (direction === 'egress') emitCloses(asm);
}

/**
 * Goes to `pass` unless replies need state: the row says that some of the protocol's ports are denied
 * on the way back. A TCP connection is entered once, all others with many a packet: of these the
 * packet's own source port has to be one that is denied, so that servers keep no state of clients.
 */
function emitNeedsState(asm: Assembler, direction: Direction): void {
  emitRow(asm, direction);
  asm.mov(r2, r9);
  asm.rsh(r2, 16);
  asm.and(r2, OTHER_GROUP);
  asm.rsh(r1, r2);
  asm.branch('set', r1, 1 << ROW_ASPECT_SHIFT, 'maybe_needs_state');
  asm.jump(EXIT.pass);
  asm.label('maybe_needs_state');
  asm.branch('lt', r9, 1 << 16, 'needs_state');
  emitRecent(asm, EXIT.pass);
  asm.mov(r1, r8);
  asm.load(4, r2, r10, FRAME.source);
  asm.callFunction(judgeName(OPPOSITE[direction]));
  asm.branch('slt', r0, 0, EXIT.pass, { width: 32 });
  asm.label('needs_state');
}

function emitCloses(asm: Assembler): void {
  asm.label('closes');
  emitConnectionLookup(asm, openedBy('egress'), EXIT.pass);
  asm.load(4, r1, r0, CONNECTION.flags);
  asm.or(r1, CONNECTION_FLAG.closing);
  asm.store(4, r0, CONNECTION.flags, r1);
  asm.jump(EXIT.pass);
}

/** The exit of denied packets: r7 is the cell that denied. */
export function emitDrop(asm: Assembler, direction: Direction, effects: Effects): void {
  asm.label(EXIT.drop);
  emitAskAboutAnswer(asm);
  if (effects.logsDenied) emitLogIfAsked(asm, direction);
  if (effects.rejects) emitRejectIfAsked(asm, direction);
  else emitExit(asm, 'deny', 'judged');
}
