/** Emits which denied packets pass as replies: of connections that the tables of now allow, and that are known. */
import type { Direction } from '../../ir/model.js';
import { r0, r1, r2, r3, r4, r7, r8, r9, r10, type Assembler } from '../assembly/assembler.js';
import {
  emitIdleLimit,
  emitKeyedCall,
  emitOwnNodeTest,
  judgeName,
  openedBy,
  OPPOSITE,
  type ConnectionMaps,
} from './connections.js';
import { emitLoadField } from './fields.js';
import { emitNoteFragment, emitReplyFragment } from './fragments.js';
import { emitExit, EXIT, FRAME, PACKET, TCP } from './frame.js';
import { PROTOCOL } from './headers.js';
import { emitPromote } from './live.js';
import { SHAPE } from '../layout.js';
import { CONNECTION, CONNECTION_FLAG } from '../layout/state.js';

/**
 * A denied packet passes as a reply if its forward tuple is allowed by the tables of now and a
 * connection is known. The tables come first, so that floods never reach the map.
 */
export function emitReply(asm: Assembler, direction: Direction): void {
  const forward = OPPOSITE[direction];
  asm.label('denied');
  asm.load(4, r1, r10, FRAME.packet);
  asm.branch('set', r1, PACKET.icmpError, 'related');
  asm.branch('set', r1, PACKET.noReply, EXIT.drop);
  if (direction === 'egress') {
    asm.comment("the own node's connections are exempt from the tables");
    emitOwnNodeTest(asm, 'forward_allowed');
  }
  asm.mov(r1, r8);
  asm.load(4, r2, r10, FRAME.source);
  asm.callFunction(judgeName(forward));
  asm.branch('sge', r0, 0, EXIT.drop, { width: 32 });
  asm.mov(r9, r0);
  asm.jump('known');
  if (direction === 'egress') {
    asm.label('forward_allowed');
    asm.mov(r9, 0);
  }
  asm.label('known');
  asm.load(4, r1, r10, FRAME.packet);
  asm.branch('set', r1, PACKET.laterFragment, 'reply_fragment');
  emitReplyLookup(asm, openedBy(forward));
  asm.mov(r8, r0);
  emitReplyState(asm, direction);
  asm.label('replied');
  emitNoteFragment(asm, direction);
  asm.label('reply');
  asm.mov(r7, r9);
  emitExit(asm, 'allow', 'reply');
  emitReplyFragment(asm, direction);
  emitPromote(asm, forward);
}

/**
 * r0 = the connection's value. The first reply of TCP has SYN or RST: without, a packet is of a
 * connection that is live, or of none.
 */
function emitReplyLookup(asm: Assembler, { live, pending }: ConnectionMaps): void {
  emitKeyedCall(asm, live, 'map_lookup_elem');
  asm.branch('ne', r0, 0, 'connection_known');
  asm.load(4, r1, r10, FRAME.packet);
  asm.and(r1, TCP.allFlags);
  asm.branch('eq', r1, 0, 'maybe_pending');
  asm.branch('set', r1, TCP.syn | TCP.rst, 'maybe_pending');
  asm.jump(EXIT.drop);
  asm.label('maybe_pending');
  emitKeyedCall(asm, pending, 'map_lookup_elem');
  asm.branch('eq', r0, 0, EXIT.drop);
  asm.label('connection_known');
}

/**
 * r8 = the connection. Drops what is too old, or a SYN that is no half of a simultaneous open.
 * Goes on below, to `promote`, or to `replied`.
 */
function emitReplyState(asm: Assembler, direction: Direction): void {
  asm.call('jiffies64');
  asm.mov(r1, r0);
  asm.load(8, r2, r8, CONNECTION.lastSeen);
  asm.sub(r1, r2).comment('idle jiffies; below 0 where another CPU saw the connection since');
  asm.load(4, r2, r8, CONNECTION.flags);
  asm.load(1, r3, r10, FRAME.keyProtocol);
  emitIdleLimit(asm);
  asm.branch('sgt', r1, r4, EXIT.drop);
  asm.load(1, r3, r10, FRAME.keyProtocol);
  asm.branch('ne', r3, PROTOCOL.tcp, 'answered');
  asm.load(4, r3, r10, FRAME.packet);
  asm.branch('set', r3, PACKET.opens, 'simultaneous_open');
  asm.or(r2, CONNECTION_FLAG.replied);
  asm.jump('reply_flags');
  asm.label('simultaneous_open');
  asm.branch('set', r2, CONNECTION_FLAG.replied, EXIT.drop);
  asm.label('reply_flags');
  if (direction === 'egress') {
    asm.and(r3, TCP.fin | TCP.rst);
    asm.branch('eq', r3, 0, 'seen');
    asm.or(r2, CONNECTION_FLAG.closing);
  }
  asm.jump('seen');
  asm.label('answered');
  asm.or(r2, CONNECTION_FLAG.replied);

  asm.label('seen');
  asm.load(4, r3, r8, CONNECTION.flags);
  asm.branch('ne', r3, r2, 'seen_otherwise');
  emitLoadField(asm, r4, 'shape', SHAPE.jiffiesPerSecond);
  asm.comment('an entry that was written to within a second is left as it is');
  asm.branch('slt', r1, r4, 'replied');
  asm.jump('refresh');
  asm.label('seen_otherwise');
  asm.xor(r3, r2);
  asm.branch('set', r3, CONNECTION_FLAG.replied, 'first_reply');
  asm.label('refresh');
  asm.store(4, r8, CONNECTION.flags, r2);
  asm.store(8, r8, CONNECTION.lastSeen, r0);
  asm.jump('replied');
  asm.label('first_reply').comment('of those that opened anew, some are live already');
  asm.branch('set', r2, CONNECTION_FLAG.live, 'refresh');
  asm.jump('promote');
}
