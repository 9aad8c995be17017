/** Emits connection state: who creates it, and which denied packets are replies that pass. */
import type { Direction } from '../ir/model.js';
import { r0, r1, r2, r3, r4, r7, r8, r9, r10, type Assembler } from './assembler.js';
import { emitLoadField } from './emit-fields.js';
import type { Effects } from '../ir/plan.js';
import { emitAskAboutAnswer, emitIfLast } from './emit-gate.js';
import { emitLogIfAsked } from './emit-log.js';
import { emitRejectIfAsked } from './emit-reject.js';
import { emitExit, EXIT, FRAME, PACKET, TCP } from './emit-frame.js';
import { emitClassOf, emitRow } from './emit-verdict.js';
import { CONNECTION_FLAG, MAPS, OTHER_GROUP, ROW_ASPECT_SHIFT, SHAPE, SUBJECT } from './layout.js';
import type { MapDeclaration } from './listing.js';

const LAST_SEEN = 0;
const FLAGS = 8;
const IPPROTO_TCP = 6;

/** How long a connection may be idle, in seconds. */
const IDLE_LIMIT = {
  /** RFC 5382 asks for 2 hours and 4 minutes. */
  established: 7_500,
  /** RFC 5382: half-open and closing connections, 4 minutes. */
  transitory: 240,
  /** RFC 4787 recommends 5 minutes. */
  connectionless: 300,
} as const;

export const OPPOSITE: Readonly<Record<Direction, Direction>> = {
  ingress: 'egress',
  egress: 'ingress',
};

interface ConnectionMaps {
  /** Opened, and not answered yet. */
  readonly pending: MapDeclaration;
  /** Entered with the first reply. */
  readonly live: MapDeclaration;
}

/** Connections that packets of the direction open; the other program reads them for replies. */
function openedBy(direction: Direction): ConnectionMaps {
  return direction === 'egress'
    ? { pending: MAPS.pendingOut, live: MAPS.liveOut }
    : { pending: MAPS.pendingIn, live: MAPS.liveIn };
}

/** The subprogram that judges a direction by the tables of now. */
export function judgeName(direction: Direction): string {
  return `judge_${direction}`;
}

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
  asm.store(8, r9, LAST_SEEN, r0);
  asm.load(4, r1, r9, FLAGS);
  asm.and(r1, CONNECTION_FLAG.closing);
  asm.branch('eq', r1, 0, EXIT.pass);
  asm.store(4, r9, FLAGS, 0);
  asm.jump(EXIT.pass);
  asm.label('create');
  asm.call('jiffies64');
  asm.mov(r2, 0);
  emitEnter(asm, maps.pending);

  asm.label(EXIT.pass);
  emitExit(asm, 'allow', 'judged');
  if (direction === 'egress') emitCloses(asm);
}

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
  emitReplyLookup(asm, openedBy(forward));
  asm.mov(r8, r0);
  emitReplyState(asm, direction);
  asm.mov(r7, r9);
  emitExit(asm, 'allow', 'reply');
}

/** Goes to `target` if the entry in r8 is an address of the subject's own node. */
export function emitOwnNodeTest(asm: Assembler, target: string): void {
  const other = asm.freshLabel('not_own_node');
  asm.mov(r1, r8);
  emitClassOf(asm, r1);
  emitLoadField(asm, r2, 'subject', SUBJECT.ownNodeFirst);
  asm.branch('lt', r1, r2, other);
  emitLoadField(asm, r2, 'subject', SUBJECT.ownNodeLast);
  asm.branch('le', r1, r2, target);
  asm.label(other);
}

/** Goes to `pass` unless the row says that replies of the packet's protocol need state. */
function emitNeedsState(asm: Assembler, direction: Direction): void {
  emitRow(asm, direction);
  asm.mov(r2, r9);
  asm.rsh(r2, 16);
  asm.and(r2, OTHER_GROUP);
  asm.rsh(r1, r2);
  asm.branch('set', r1, 1 << ROW_ASPECT_SHIFT, 'needs_state');
  asm.jump(EXIT.pass);
  asm.label('needs_state');
}

/** r0 = the connection's value; goes to `unknown` if there is none. */
function emitConnectionLookup(
  asm: Assembler,
  { live, pending }: ConnectionMaps,
  unknown: string,
): void {
  const found = asm.freshLabel('connection');
  emitCall(asm, live, 'map_lookup_elem');
  asm.branch('ne', r0, 0, found);
  emitCall(asm, pending, 'map_lookup_elem');
  asm.branch('eq', r0, 0, unknown);
  asm.label(found);
}

/**
 * As above for what may be a reply. The first reply of TCP has SYN or RST: without, a packet is of a
 * connection that is live, or of none.
 */
function emitReplyLookup(asm: Assembler, { live, pending }: ConnectionMaps): void {
  emitCall(asm, live, 'map_lookup_elem');
  asm.branch('ne', r0, 0, 'connection_known');
  asm.load(4, r1, r10, FRAME.packet);
  asm.and(r1, TCP.allFlags);
  asm.branch('eq', r1, 0, 'maybe_pending');
  asm.branch('set', r1, TCP.syn | TCP.rst, 'maybe_pending');
  asm.jump(EXIT.drop);
  asm.label('maybe_pending');
  emitCall(asm, pending, 'map_lookup_elem');
  asm.branch('eq', r0, 0, EXIT.drop);
  asm.label('connection_known');
}

/** r0 = now, r2 = flags: enters the connection into the map. r0 = 0 if it is there. */
function emitEnter(asm: Assembler, map: MapDeclaration): void {
  asm.store(8, r10, FRAME.connectionValue + LAST_SEEN, r0);
  asm.store(8, r10, FRAME.connectionValue + FLAGS, r2);
  asm.mov(r3, r10);
  asm.add(r3, FRAME.connectionValue);
  asm.mov(r4, 0);
  emitCall(asm, map, 'map_update_elem');
}

/** With the connection's key. */
function emitCall(
  asm: Assembler,
  map: MapDeclaration,
  helper: 'map_lookup_elem' | 'map_update_elem' | 'map_delete_elem',
): void {
  asm.loadMap(r1, map.name);
  asm.mov(r2, r10);
  asm.add(r2, FRAME.key);
  asm.call(helper);
}

function emitCloses(asm: Assembler): void {
  asm.label('closes');
  emitConnectionLookup(asm, openedBy('egress'), EXIT.pass);
  asm.load(4, r1, r0, FLAGS);
  asm.or(r1, CONNECTION_FLAG.closing);
  asm.store(4, r0, FLAGS, r1);
  asm.jump(EXIT.pass);
}

/** r8 = the connection. Drops what is too old, or a SYN that is no half of a simultaneous open. */
function emitReplyState(asm: Assembler, direction: Direction): void {
  const maps = openedBy(OPPOSITE[direction]);
  asm.call('jiffies64');
  asm.mov(r1, r0);
  asm.load(8, r2, r8, LAST_SEEN);
  asm.sub(r1, r2).comment('idle jiffies; below 0 where another CPU saw the connection since');
  asm.load(4, r2, r8, FLAGS);
  emitLoadField(asm, r4, 'shape', SHAPE.jiffiesPerSecond);
  asm.load(1, r3, r10, FRAME.keyProtocol);
  asm.branch('eq', r3, IPPROTO_TCP, 'reply_tcp');
  asm.mul(r4, IDLE_LIMIT.connectionless);
  asm.branch('sgt', r1, r4, EXIT.drop);
  asm.or(r2, CONNECTION_FLAG.replied);
  asm.jump('seen');

  asm.label('reply_tcp');
  asm.mov(r3, r2);
  asm.and(r3, CONNECTION_FLAG.replied | CONNECTION_FLAG.closing);
  asm.branch('eq', r3, CONNECTION_FLAG.replied, 'established');
  asm.mul(r4, IDLE_LIMIT.transitory);
  asm.jump('limited');
  asm.label('established');
  asm.mul(r4, IDLE_LIMIT.established);
  asm.label('limited');
  asm.branch('sgt', r1, r4, EXIT.drop);
  asm.load(4, r1, r10, FRAME.packet);
  asm.branch('set', r1, PACKET.opens, 'simultaneous_open');
  asm.or(r2, CONNECTION_FLAG.replied);
  asm.jump('reply_flags');
  asm.label('simultaneous_open');
  asm.branch('set', r2, CONNECTION_FLAG.replied, EXIT.drop);
  asm.label('reply_flags');
  if (direction === 'egress') {
    asm.mov(r3, r1);
    asm.and(r3, TCP.fin | TCP.rst);
    asm.branch('eq', r3, 0, 'seen');
    asm.or(r2, CONNECTION_FLAG.closing);
  }
  asm.label('seen');
  asm.load(4, r1, r8, FLAGS);
  asm.store(4, r8, FLAGS, r2);
  asm.store(8, r8, LAST_SEEN, r0);
  asm.xor(r1, r2);
  asm.branch('set', r1, CONNECTION_FLAG.replied, 'first_reply');
  asm.jump('replied');
  asm
    .label('first_reply')
    .comment('it has been answered: among those that a flood cannot push out');
  emitEnter(asm, maps.live);
  asm.branch('ne', r0, 0, 'replied');
  emitCall(asm, maps.pending, 'map_delete_elem');
  asm.label('replied');
}

/** The exit of denied packets: r7 is the cell that denied. */
export function emitDrop(asm: Assembler, direction: Direction, effects: Effects): void {
  asm.label(EXIT.drop);
  emitAskAboutAnswer(asm);
  if (effects.logsDenied) emitLogIfAsked(asm, direction);
  if (effects.rejects) emitRejectIfAsked(asm, direction);
  else emitExit(asm, 'deny', 'judged');
}
