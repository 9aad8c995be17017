/** Emits the fast path: plain IPv4 packets of TCP and UDP are parsed and judged in registers. */
import type { Direction } from '../ir/model.js';
import type { Effects, LookupPlan } from '../ir/plan.js';
import { r1, r2, r3, r5, r6, r7, r8, r9, r10, type Assembler } from './assembler.js';
import { emitLoadField } from './emit-fields.js';
import { emitExit, EXIT, FRAME, PACKET, SKB, TCP } from './emit-frame.js';
import { ETHERTYPE, PROTOCOL } from './emit-headers.js';
import { emitOwnNodeTest, OPPOSITE } from './emit-state.js';
import { emitTrieLookup } from './emit-trie.js';
import { emitDenseVerdict } from './emit-verdict.js';
import {
  CELL,
  CLASS_BITS,
  CLOSED_ASPECT,
  FLAVOUR_STRIDE,
  FLAVOURS,
  portGroup,
  portIndex,
  ROW_ASPECT_SHIFT,
  SHAPE,
  SHAPE_FLAG,
  SUBJECT,
} from './layout.js';

/** Offsets from the Ethernet header, where the IPv4 header has no options. */
const OFFSET = {
  etherType: 12,
  versionAndLength: 14,
  fragment: 20,
  protocol: 23,
  source: 26,
  destination: 30,
  transport: 34,
  sourcePort: 34,
  destinationPort: 36,
  tcpFlags: 47,
} as const;
const UDP_BYTES = 42;
const TCP_BYTES = 54;
/** Version 4, a header of 20 bytes. */
const PLAIN_HEADER = 0x45;
/** More fragments, and the offset, as a little-endian load sees them. */
const FRAGMENT_MASK = 0xff3f;

/**
 * Judges a plain packet and lets it pass if that is all there is to do. What is no plain packet goes
 * to `slow`, where the whole parser begins; a plain one that needs more than a verdict goes on behind
 * the verdict, at `allowed` or `denied`, with the frame as the parser leaves it. Arrays decide,
 * in a code layout too: they have no branches that a CPU can mispredict.
 * INVARIANT: the whole parser says the same of a plain packet. r6 = context.
 */
export function emitFastPath(asm: Assembler, direction: Direction, plan: LookupPlan): void {
  emitLoadField(asm, r1, 'shape', SHAPE.flags);
  asm.and(r1, SHAPE_FLAG.trie4 | SHAPE_FLAG.rowsHash | SHAPE_FLAG.cellsHash);
  asm.branch('ne', r1, SHAPE_FLAG.trie4, 'slow');
  if (plan.effects[OPPOSITE[direction]].rejects) {
    asm.load(4, r1, r6, SKB.mark).comment('an answer of our own has a mark');
    asm.branch('ne', r1, 0, 'slow');
  }
  emitPlainHeaders(asm);
  emitAddresses(asm, direction);
  asm.mov(r1, 0);
  emitTrieLookup(asm);
  if (direction === 'ingress') emitLeaveNodes(asm);
  emitDenseVerdict(asm, direction);
  asm.branch('sge', r7, 0, 'fast_denied', { width: 32 });
  if (plan.effects[direction].logsAllowed) asm.branch('set', r7, 1 << CELL.logBit, 'frame');
  asm.load(4, r1, r10, FRAME.packet);
  const own = direction === 'egress' ? TCP.fin | TCP.rst : 0;
  asm.branch('set', r1, PACKET.opens | own, 'fast_state');
  asm.label('fast');
  emitExit(asm, 'allow', 'judged');
  emitStateTest(asm);
  emitDenied(asm, direction, plan.effects[direction]);
  emitFrame(asm, direction);
  asm.label('slow');
}

/** r7 = packet, r9 = port index of the destination; the `packet` slot as the parser fills it. */
function emitPlainHeaders(asm: Assembler): void {
  asm.load(4, r7, r6, SKB.data);
  asm.load(4, r3, r6, SKB.dataEnd);
  asm.mov(r1, r7);
  asm.add(r1, UDP_BYTES);
  asm.branch('gt', r1, r3, 'slow');
  asm.load(2, r1, r7, OFFSET.etherType);
  asm.branch('ne', r1, ETHERTYPE.ipv4, 'slow');
  asm.load(1, r1, r7, OFFSET.versionAndLength);
  asm.branch('ne', r1, PLAIN_HEADER, 'slow');
  asm.load(2, r1, r7, OFFSET.fragment);
  asm.branch('set', r1, FRAGMENT_MASK, 'slow');
  asm.load(2, r9, r7, OFFSET.destinationPort);
  asm.toBigEndian(r9, 16);
  asm.load(1, r1, r7, OFFSET.protocol);
  asm.branch('eq', r1, PROTOCOL.tcp, 'fast_tcp');
  asm.branch('ne', r1, PROTOCOL.udp, 'slow');
  asm.or(r9, portIndex('UDP', 0));
  asm.mov(r2, PACKET.opens);
  asm.jump('fast_ports');
  asm.label('fast_tcp');
  asm.mov(r1, r7);
  asm.add(r1, TCP_BYTES);
  asm.branch('gt', r1, r3, 'slow');
  asm.load(1, r2, r7, OFFSET.tcpFlags);
  asm.mov(r1, r2);
  asm.and(r1, TCP.syn | TCP.ack);
  asm.branch('ne', r1, TCP.syn, 'fast_ports');
  asm.or(r2, PACKET.opens);
  asm.label('fast_ports');
  asm.store(4, r10, FRAME.packet, r2);
}

/** r2 = remote address in host order. Leaves for the pod itself and for sources not its own. */
function emitAddresses(asm: Assembler, direction: Direction): void {
  const [remote, local] = ends(direction, OFFSET.source, OFFSET.destination);
  emitLoadField(asm, r1, 'subject', SUBJECT.own4);
  asm.load(4, r2, r7, remote);
  asm.branch('eq', r1, r2, 'slow');
  if (direction === 'egress') {
    asm.branch('eq', r1, 0, 'slow');
    asm.load(4, r3, r7, local);
    asm.branch('ne', r1, r3, 'slow');
  }
  asm.toBigEndian(r2, 32);
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
  asm.load(4, r2, r6, SKB.data);
  asm.load(4, r3, r6, SKB.dataEnd);
  asm.mov(r1, r2);
  asm.add(r1, UDP_BYTES);
  asm.branch('gt', r1, r3, EXIT.malformed);
  const [remote, local] = ends(direction, OFFSET.source, OFFSET.destination);
  for (const [slot, offset] of [
    [FRAME.keyRemote, remote],
    [FRAME.local, local],
  ] as const) {
    asm.load(4, r1, r2, offset);
    asm.store(4, r10, slot, r1);
    asm.store(4, r10, slot + 4, 0);
    asm.store(8, r10, slot + 8, 0);
  }
  emitLoadField(asm, r1, 'subject', SUBJECT.incarnation);
  asm.store(4, r10, FRAME.keyIncarnation, r1);
  asm.store(2, r10, FRAME.keyZero, 0);
  asm.store(1, r10, FRAME.keyFamily, 4);
  asm.load(1, r1, r2, OFFSET.protocol);
  asm.store(1, r10, FRAME.keyProtocol, r1);
  asm.store(4, r10, FRAME.destination, r9);
  asm.mov(r3, r9);
  asm.rsh(r3, 16);
  asm.lsh(r3, 16);
  asm.load(2, r1, r2, OFFSET.sourcePort);
  asm.toBigEndian(r1, 16);
  const [remotePort, localPort] = ends(direction, r1, r9);
  asm.store(2, r10, FRAME.keyRemotePort, remotePort);
  asm.store(2, r10, FRAME.keyLocalPort, localPort);
  asm.or(r1, r3);
  asm.store(4, r10, FRAME.source, r1);
  asm.add(r2, OFFSET.transport);
  asm.store(8, r10, FRAME.transport, r2);
  asm.branch('sge', r7, 0, 'denied', { width: 32 });
  asm.jump('allowed');
}

/** [remote, local] of what a packet has as source and destination. */
function ends<Value>(
  direction: Direction,
  source: Value,
  destination: Value,
): readonly [Value, Value] {
  return direction === 'ingress' ? [source, destination] : [destination, source];
}
