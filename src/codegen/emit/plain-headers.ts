/** Emits the reading of plain packets in registers: TCP and UDP behind an IP header without more. */
import type { Family } from '../../address.js';
import type { Direction } from '../../ir/model.js';
import { r1, r2, r3, r4, r5, r6, r7, r9, r10, type Assembler } from '../assembly/assembler.js';
import { emitLoadField } from './fields.js';
import { EXIT, FRAME, PACKET, SKB, TCP } from './frame.js';
import { ETHERTYPE, PROTOCOL } from './headers.js';
import { portIndex, SUBJECT, SUBJECT_FLAG, TABLES } from '../layout.js';

/** Offsets from the Ethernet header. */
interface PlainLayout {
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  readonly transport: number;
}

const ETHER_TYPE = 12;
/** Of both families: the version in the upper half. */
const VERSION = 14;
/** Of IPv4: more fragments, and the offset, as a little-endian load sees them. */
const FRAGMENT = 20;
const FRAGMENT_MASK = 0xff3f;
/** Version 4, a header of 20 bytes. */
const PLAIN_HEADER4 = 0x45;

const PLAIN: Readonly<Record<Family, PlainLayout>> = {
  4: { protocol: 23, source: 26, destination: 30, transport: 34 },
  6: { protocol: 20, source: 22, destination: 38, transport: 54 },
};
const PORT_BYTES = 2;
const TCP_FLAGS = 13;
const UDP_BYTES = 8;
const TCP_BYTES = 20;

/** r6 = context → r7 = packet, r3 = its end. To `fast_plain6` for IPv6, to `slow` for what is no IP. */
export function emitPlainStart(asm: Assembler): void {
  asm.load(4, r7, r6, SKB.data);
  asm.load(4, r3, r6, SKB.dataEnd);
  asm.mov(r1, r7);
  asm.add(r1, PLAIN[4].transport + UDP_BYTES);
  asm.branch('gt', r1, r3, 'slow');
  asm.load(2, r1, r7, ETHER_TYPE);
  asm.branch('eq', r1, ETHERTYPE.ipv6, 'fast_plain6');
  asm.branch('ne', r1, ETHERTYPE.ipv4, 'slow');
}

/**
 * r7 = packet, r3 = its end → r9 = port index of the destination; the `packet` slot as the parser fills it.
 * To `slow` if there is more than a plain header.
 */
export function emitPlainHeaders(asm: Assembler, family: Family): void {
  const { protocol, transport } = PLAIN[family];
  const tcp = asm.freshLabel('fast_tcp');
  const ports = asm.freshLabel('fast_ports');
  asm.load(1, r1, r7, VERSION);
  if (family === 4) {
    asm.branch('ne', r1, PLAIN_HEADER4, 'slow');
    asm.load(2, r1, r7, FRAGMENT);
    asm.branch('set', r1, FRAGMENT_MASK, 'slow');
  } else {
    asm.rsh(r1, 4);
    asm.branch('ne', r1, 6, 'slow');
    asm.mov(r1, r7);
    asm.add(r1, transport + UDP_BYTES);
    asm.branch('gt', r1, r3, 'slow');
  }
  asm.load(2, r9, r7, transport + PORT_BYTES);
  asm.toBigEndian(r9, 16);
  asm.load(1, r1, r7, protocol);
  asm.branch('eq', r1, PROTOCOL.tcp, tcp);
  asm.branch('ne', r1, PROTOCOL.udp, 'slow');
  asm.or(r9, portIndex('UDP', 0));
  asm.mov(r2, PACKET.opens);
  asm.jump(ports);
  asm.label(tcp);
  asm.mov(r1, r7);
  asm.add(r1, transport + TCP_BYTES);
  asm.branch('gt', r1, r3, 'slow');
  asm.load(1, r2, r7, transport + TCP_FLAGS);
  asm.mov(r1, r2);
  asm.and(r1, TCP.syn | TCP.ack);
  asm.branch('ne', r1, TCP.syn, ports);
  asm.or(r2, PACKET.opens);
  asm.label(ports);
  asm.store(4, r10, FRAME.packet, r2);
}

/** r7 = packet → r2 = remote address in host order. To `slow` for the pod itself and for sources not its own. */
export function emitPlainAddress4(asm: Assembler, direction: Direction): void {
  const [remote, local] = ends(direction, PLAIN[4].source, PLAIN[4].destination);
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

/** The same of IPv6: r1, r2 = upper and lower half. */
export function emitPlainAddress6(asm: Assembler, direction: Direction): void {
  const [remote, local] = ends(direction, PLAIN[6].source, PLAIN[6].destination);
  const others = asm.freshLabel('fast_others');
  if (direction === 'egress') {
    emitLoadField(asm, r1, 'subject', SUBJECT.flags);
    asm.and(r1, SUBJECT_FLAG.has6);
    asm.branch('eq', r1, 0, 'slow');
  }
  asm.loadTable(r3, TABLES.subject);
  asm.load(8, r1, r7, remote);
  asm.load(8, r2, r7, remote + 8);
  asm.load(8, r4, r3, SUBJECT.own6);
  if (direction === 'egress') {
    asm.load(8, r5, r7, local);
    asm.branch('ne', r4, r5, 'slow');
  }
  asm.branch('ne', r1, r4, others);
  asm.load(8, r4, r3, SUBJECT.own6 + 8);
  asm.branch('eq', r2, r4, 'slow');
  asm.label(others);
  if (direction === 'egress') {
    asm.load(8, r4, r3, SUBJECT.own6 + 8);
    asm.load(8, r3, r7, local + 8);
    asm.branch('ne', r3, r4, 'slow');
  }
  asm.toBigEndian(r1, 64);
  asm.toBigEndian(r2, 64);
}

/** Fills the frame of a plain packet as the parser does. r9 = port index of the destination. Keeps r6 to r9. */
export function emitPlainFrame(asm: Assembler, direction: Direction): void {
  const filled = asm.freshLabel('frame_filled');
  asm.load(4, r2, r6, SKB.data);
  asm.load(4, r3, r6, SKB.dataEnd);
  asm.mov(r1, r2);
  asm.add(r1, PLAIN[4].transport + UDP_BYTES);
  asm.branch('gt', r1, r3, EXIT.malformed);
  asm.store(4, r10, FRAME.destination, r9);
  asm.store(4, r10, FRAME.fragmentId, 0);
  asm.load(2, r1, r2, ETHER_TYPE);
  asm.branch('eq', r1, ETHERTYPE.ipv6, 'frame6');
  emitFrameOf(asm, direction, 4);
  asm.jump(filled);
  asm.label('frame6');
  asm.mov(r1, r2);
  asm.add(r1, PLAIN[6].transport + UDP_BYTES);
  asm.branch('gt', r1, r3, EXIT.malformed);
  emitFrameOf(asm, direction, 6);
  asm.label(filled);
}

/** r2 = packet. The key's words are as wide as hashes and comparisons read them: narrower ones would make those wait. */
function emitFrameOf(asm: Assembler, direction: Direction, family: Family): void {
  const { source, destination, protocol, transport } = PLAIN[family];
  const [remote, local] = ends(direction, source, destination);
  for (const [slot, offset] of [
    [FRAME.keyRemote, remote],
    [FRAME.local, local],
  ] as const) {
    if (family === 4) {
      asm.load(4, r1, r2, offset);
      asm.store(8, r10, slot, r1);
      asm.store(8, r10, slot + 8, 0);
      continue;
    }
    for (const half of [0, 8]) {
      asm.load(8, r1, r2, offset + half);
      asm.store(8, r10, slot + half, r1);
    }
  }
  asm.load(1, r1, r2, protocol);
  asm.or(r1, family << (8 * (FRAME.keyFamily - FRAME.keyProtocol)));
  asm.store(4, r10, FRAME.keyProtocol, r1);
  asm.mov(r3, r9);
  asm.rsh(r3, 16);
  asm.lsh(r3, 16);
  asm.mov(r4, r9);
  asm.and(r4, 0xffff);
  asm.load(2, r1, r2, transport);
  asm.toBigEndian(r1, 16);
  const [remotePort, localPort] = ends(direction, r1, r4);
  asm.mov(r5, remotePort);
  asm.lsh(r5, 16);
  asm.or(r5, localPort);
  asm.lsh(r5, 32);
  emitLoadField(asm, r4, 'subject', SUBJECT.incarnation);
  asm.or(r5, r4);
  asm.store(8, r10, FRAME.keyIncarnation, r5);
  asm.or(r1, r3);
  asm.store(4, r10, FRAME.source, r1);
  asm.add(r2, transport);
  asm.store(8, r10, FRAME.transport, r2);
}

/** [remote, local] of what a packet has as source and destination. */
function ends<Value>(
  direction: Direction,
  source: Value,
  destination: Value,
): readonly [Value, Value] {
  return direction === 'ingress' ? [source, destination] : [destination, source];
}
