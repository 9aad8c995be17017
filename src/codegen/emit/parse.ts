/** Emits the packet parser: Ethernet, VLAN tags, IPv4, IPv6 and its extension headers, layer 4. */
import type { Direction } from '../../ir/model.js';
import {
  r0,
  r1,
  r2,
  r3,
  r4,
  r5,
  r6,
  r7,
  r8,
  r9,
  r10,
  type Assembler,
} from '../assembly/assembler.js';
import { EXIT, FRAME, PACKET, SKB, TCP } from './frame.js';
import { ETHERTYPE, EXTENSIONS, PROTOCOL, SKIP_EXTENSIONS, SKIP_TAGS } from './headers.js';
import { LINK_LOCAL, LINK_MULTICAST, PORT_INDEX } from '../layout.js';

const ETHERNET_BYTES = 14;
/** Enough for two tags, the longest IPv4 header, or IPv6 with extensions, and a quoted packet. */
const PULL_BYTES = 256;
/** An ICMP header, and the longest IPv4 header with 8 bytes behind it. */
const QUOTE_BYTES = 8 + 60 + 8;

/**
 * Parses the packet. Afterwards the frame holds the connection key (less the incarnation), the port
 * indexes, the packet bits and where the layer 4 header is.
 * Falls through to the next instruction with an IP packet; all others leave.
 */
export function emitParse(asm: Assembler, direction: Direction): void {
  asm.mov(r9, 0).comment('headers as they lie; once more if they have to be pulled in');
  asm.label('parse');
  asm.load(4, r7, r6, SKB.data);
  asm.load(4, r8, r6, SKB.dataEnd);
  emitEthernet(asm);
  emitIpv4(asm, direction);
  emitIpv6(asm, direction);
  emitTransport(asm, direction);
}

/** Where the packet is shorter than it claims: pulls its headers in and parses again, once. */
export function emitPullOrGiveUp(asm: Assembler): void {
  asm.label('short');
  asm.branch('ne', r9, 0, EXIT.malformed);
  asm.mov(r9, 1);
  asm.mov(r1, r6);
  asm.load(4, r2, r6, SKB.len);
  asm.branch('le', r2, PULL_BYTES, 'pull');
  asm.mov(r2, PULL_BYTES);
  asm.label('pull');
  asm.call('skb_pull_data');
  asm.jump('parse');
}

/** Goes to `short` unless `bytes` bytes follow r7. */
export function emitEnsure(asm: Assembler, bytes: number, short = 'short'): void {
  asm.mov(r1, r7);
  asm.add(r1, bytes);
  asm.branch('gt', r1, r8, short);
}

function emitEthernet(asm: Assembler): void {
  emitEnsure(asm, ETHERNET_BYTES);
  asm.load(2, r1, r7, 12);
  asm.branch('eq', r1, ETHERTYPE.ipv4, 'ipv4');
  asm.branch('eq', r1, ETHERTYPE.ipv6, 'ipv6');
  asm.branch('eq', r1, ETHERTYPE.arp, 'neighbour');
  asm.branch('eq', r1, ETHERTYPE.vlan, 'tagged');
  asm.branch('ne', r1, ETHERTYPE.qinq, 'not_ip');
  asm.label('tagged');
  asm.mov(r1, r6);
  asm.callFunction(SKIP_TAGS);
  asm.load(4, r7, r6, SKB.data);
  asm.load(4, r8, r6, SKB.dataEnd);
  asm.mov(r1, r0);
  asm.and(r1, 0xf);
  asm.add(r7, r1);
  asm.rsh32(r0, 16);
  asm.branch('eq', r0, ETHERTYPE.ipv4, 'ipv4');
  asm.branch('eq', r0, ETHERTYPE.ipv6, 'ipv6');
  asm.branch('eq', r0, ETHERTYPE.arp, 'neighbour');
  asm.jump('not_ip');
}

function emitIpv4(asm: Assembler, direction: Direction): void {
  asm.label('ipv4');
  asm.add(r7, ETHERNET_BYTES);
  emitEnsure(asm, 20);
  asm.load(1, r1, r7, 0);
  asm.mov(r2, r1);
  asm.rsh(r2, 4);
  asm.branch('ne', r2, 4, EXIT.malformed);
  asm.and(r1, 0xf);
  asm.branch('lt', r1, 5, EXIT.malformed);
  asm.lsh(r1, 2).comment('header length in bytes');
  const [remote, local] = direction === 'ingress' ? [12, 16] : [16, 12];
  asm.load(4, r2, r7, remote);
  asm.store(4, r10, FRAME.keyRemote, r2);
  asm.store(4, r10, FRAME.keyRemote + 4, 0);
  asm.store(8, r10, FRAME.keyRemote + 8, 0);
  asm.load(4, r2, r7, local);
  asm.store(4, r10, FRAME.local, r2);
  asm.store(4, r10, FRAME.local + 4, 0);
  asm.store(8, r10, FRAME.local + 8, 0);
  asm.store(1, r10, FRAME.keyFamily, 4);
  asm.load(2, r2, r7, 4);
  asm.store(4, r10, FRAME.fragmentId, r2);
  asm.load(1, r4, r7, 9);
  asm.store(4, r10, FRAME.packet, 0);
  asm.store(4, r10, FRAME.fragmentBytes, 0);
  asm.load(2, r5, r7, 6);
  asm.toBigEndian(r5, 16);
  asm.load(2, r3, r7, 2);
  asm.toBigEndian(r3, 16);
  asm.sub(r3, r1).comment('bytes behind the header');
  asm.add(r7, r1);
  asm.mov(r2, r5);
  asm.and(r2, 0x1fff).comment('fragment offset, in units of 8 bytes');
  asm.branch('ne', r2, 0, 'later_fragment');
  asm.and(r5, 0x2000).comment('more fragments');
  asm.branch('eq', r5, 0, 'transport');
  asm.branch('sle', r3, 0, EXIT.malformed);
  asm.store(4, r10, FRAME.fragmentBytes, r3);
  asm.store(4, r10, FRAME.packet, PACKET.firstFragment);
  asm.jump('transport');
}

function emitIpv6(asm: Assembler, direction: Direction): void {
  asm.label('ipv6');
  asm.add(r7, ETHERNET_BYTES);
  emitEnsure(asm, 40);
  asm.load(1, r1, r7, 0);
  asm.rsh(r1, 4);
  asm.branch('ne', r1, 6, EXIT.malformed);
  const [remote, local] = direction === 'ingress' ? [8, 24] : [24, 8];
  for (const offset of [0, 4, 8, 12]) {
    asm.load(4, r2, r7, remote + offset);
    asm.store(4, r10, FRAME.keyRemote + offset, r2);
    asm.load(4, r2, r7, local + offset);
    asm.store(4, r10, FRAME.local + offset, r2);
  }
  asm.store(1, r10, FRAME.keyFamily, 6);
  asm.load(1, r1, r7, 7).comment('hop limit');
  asm.lsh(r1, 16);
  asm.store(4, r10, FRAME.packet, r1);
  asm.store(4, r10, FRAME.fragmentBytes, 0);
  asm.store(4, r10, FRAME.fragmentId, 0);
  asm.load(1, r4, r7, 6);
  for (const protocol of [PROTOCOL.tcp, PROTOCOL.udp, PROTOCOL.icmpv6, PROTOCOL.sctp]) {
    asm.branch('eq', r4, protocol, 'transport6');
  }
  emitExtensions(asm);
  asm.label('transport6');
  asm.add(r7, 40);
  asm.jump('transport');
}

/** IPv6 extension headers, which are rare: r7 = IPv6 header, r4 = the first header's kind. */
function emitExtensions(asm: Assembler): void {
  asm.load(2, r3, r7, 4);
  asm.toBigEndian(r3, 16);
  asm.load(4, r1, r6, SKB.data);
  asm.mov(r2, r7);
  asm.sub(r2, r1);
  asm.add(r2, 40).comment('offset of the first header');
  asm.add(r3, r2);
  asm.store(4, r10, FRAME.scratch, r3).comment('offset of the end');
  asm.lsh(r4, 16);
  asm.or(r2, r4);
  asm.mov(r1, r6);
  asm.callFunction(SKIP_EXTENSIONS);
  asm.branch('slt', r0, 0, EXIT.malformed, { width: 32 });
  asm.load(4, r7, r6, SKB.data);
  asm.load(4, r8, r6, SKB.dataEnd);
  asm.mov(r1, r0);
  asm.and(r1, EXTENSIONS.offsetMask);
  asm.add(r7, r1);
  asm.mov(r2, r0);
  asm.rsh(r2, EXTENSIONS.idShift);
  asm.store(4, r10, FRAME.fragmentId, r2);
  asm.mov(r4, r0);
  asm.rsh(r4, EXTENSIONS.protocolShift);
  asm.and(r4, 0xff);
  asm.mov(r2, 1);
  asm.branch('set', r0, EXTENSIONS.tiny, 'later_fragment');
  asm.mov(r2, 2);
  asm.branch('set', r0, EXTENSIONS.later, 'later_fragment');
  asm.branch('set', r0, EXTENSIONS.first, 'first_fragment');
  asm.jump('transport');
  asm.label('first_fragment');
  asm.load(4, r3, r10, FRAME.scratch);
  asm.sub(r3, r1);
  asm.branch('sle', r3, 0, EXIT.malformed);
  asm.store(4, r10, FRAME.fragmentBytes, r3);
  asm.load(4, r1, r10, FRAME.packet);
  asm.or(r1, PACKET.firstFragment);
  asm.store(4, r10, FRAME.packet, r1);
  asm.jump('transport');
}

/** Layer 4: r4 is the protocol, r7 its header. Fills ports, port indexes and packet bits. */
function emitTransport(asm: Assembler, direction: Direction): void {
  asm.label('transport');
  asm.store(1, r10, FRAME.keyProtocol, r4);
  asm.branch('eq', r4, PROTOCOL.tcp, 'tcp');
  asm.branch('eq', r4, PROTOCOL.udp, 'udp');
  asm.branch('eq', r4, PROTOCOL.sctp, 'sctp');
  asm.load(1, r1, r10, FRAME.keyFamily);
  asm.branch('eq', r1, 6, 'not_icmp');
  asm.branch('eq', r4, PROTOCOL.icmp, 'icmp');
  asm.jump('other');
  asm.label('not_icmp');
  asm.branch('eq', r4, PROTOCOL.icmpv6, 'icmpv6');
  asm.jump('other');

  asm.label('tcp');
  emitFragmentCheck(asm, 20);
  emitEnsure(asm, 20);
  asm.load(1, r1, r7, 13);
  asm.mov(r2, r1);
  asm.and(r2, TCP.syn | TCP.ack);
  asm.branch('ne', r2, TCP.syn, 'tcp_flags');
  asm.or(r1, PACKET.opens);
  asm.label('tcp_flags');
  asm.mov(r5, 0);
  asm.jump('ports');
  for (const [label, bytes, group] of [
    ['udp', 8, 1],
    ['sctp', 12, 2],
  ] as const) {
    asm.label(label);
    emitFragmentCheck(asm, bytes);
    emitEnsure(asm, bytes);
    asm.mov(r1, PACKET.opens);
    asm.mov(r5, group << 16);
    asm.jump('ports');
  }
  emitPorts(asm, direction);
  emitIcmp(asm, direction);

  asm.label('later_fragment').comment('r4 protocol, r2 offset: the ports are in another packet');
  emitEnsure(asm, 0);
  asm.store(1, r10, FRAME.keyProtocol, r4);
  asm.load(4, r1, r10, FRAME.packet);
  asm.or(r1, PACKET.laterFragment);
  asm.store(4, r10, FRAME.packet, r1);
  asm.mov(r5, PORT_INDEX.fragment + 1);
  asm.branch('eq', r4, PROTOCOL.udp, 'portless');
  asm.mov(r5, PORT_INDEX.fragment + 2);
  asm.branch('eq', r4, PROTOCOL.sctp, 'portless');
  asm.mov(r5, PORT_INDEX.other);
  asm.branch('ne', r4, PROTOCOL.tcp, 'portless');
  asm.mov(r5, PORT_INDEX.fragment);
  asm.branch('ne', r2, 1, 'portless');
  asm.jump(EXIT.malformed);

  asm.label('other');
  emitEnsure(asm, 0);
  asm.load(4, r1, r10, FRAME.packet);
  asm.or(r1, PACKET.opens);
  asm.store(4, r10, FRAME.packet, r1);
  asm.mov(r5, PORT_INDEX.other);
  asm.label('portless');
  asm.store(4, r10, FRAME.destination, r5);
  asm.store(4, r10, FRAME.source, r5);
  asm.store(4, r10, FRAME.keyLocalPort, 0);
  asm.label('parsed');
  asm.store(8, r10, FRAME.transport, r7);
}

/** A first fragment that does not bring its whole layer 4 header is an evasion (RFC 1858). */
function emitFragmentCheck(asm: Assembler, bytes: number): void {
  const whole = asm.freshLabel('whole');
  asm.load(4, r1, r10, FRAME.fragmentBytes);
  asm.branch('eq', r1, 0, whole);
  asm.branch('lt', r1, bytes, EXIT.malformed);
  asm.label(whole);
}

/** r5 is the first port index of the protocol, r1 the packet bits. */
function emitPorts(asm: Assembler, direction: Direction): void {
  asm.label('ports');
  asm.load(4, r2, r10, FRAME.packet);
  asm.or(r1, r2);
  asm.store(4, r10, FRAME.packet, r1);
  asm.load(2, r2, r7, 0);
  asm.toBigEndian(r2, 16);
  asm.load(2, r3, r7, 2);
  asm.toBigEndian(r3, 16);
  const [local, remote] = direction === 'ingress' ? [r3, r2] : [r2, r3];
  asm.store(2, r10, FRAME.keyLocalPort, local);
  asm.store(2, r10, FRAME.keyRemotePort, remote);
  asm.or(r2, r5);
  asm.or(r3, r5);
  asm.store(4, r10, FRAME.source, r2);
  asm.store(4, r10, FRAME.destination, r3);
  asm.jump('parsed');
}

function emitIcmp(asm: Assembler, direction: Direction): void {
  asm.label('icmp');
  emitFragmentCheck(asm, 8);
  emitEnsure(asm, 8);
  asm.load(1, r2, r7, 0);
  emitIcmpKinds(asm, { requests: [8, 13, 15, 17], replies: [0, 14, 16, 18], errors: [3, 11, 12] });
  asm.label('icmpv6');
  emitFragmentCheck(asm, 8);
  emitEnsure(asm, 8);
  asm.load(1, r2, r7, 0);
  emitNeighbourDiscovery(asm, direction);
  emitIcmpKinds(asm, { requests: [128], replies: [129], errors: [1, 2, 3, 4] });
  asm.label('icmp_echo').comment('the identifier stands for both ports');
  asm.load(2, r2, r7, 4);
  asm.toBigEndian(r2, 16);
  asm.store(2, r10, FRAME.keyLocalPort, r2);
  asm.store(2, r10, FRAME.keyRemotePort, r2);
  asm.jump('icmp_done');
  asm.label('icmp_error').comment('the packet that it quotes will be read: have it in one piece');
  asm.branch('ne', r9, 0, 'icmp_quote');
  emitEnsure(asm, QUOTE_BYTES);
  asm.label('icmp_quote');
  asm.mov(r1, PACKET.icmpError | PACKET.noReply);
  asm.label('icmp_single');
  asm.store(4, r10, FRAME.keyLocalPort, 0);
  asm.label('icmp_done');
  asm.load(4, r2, r10, FRAME.packet);
  asm.or(r1, r2);
  asm.store(4, r10, FRAME.packet, r1);
  asm.store(4, r10, FRAME.source, PORT_INDEX.other);
  asm.store(4, r10, FRAME.destination, PORT_INDEX.other);
  asm.jump('parsed');
}

interface IcmpKinds {
  readonly requests: readonly number[];
  readonly replies: readonly number[];
  readonly errors: readonly number[];
}

/** r2 is the type; leaves the packet bits in r1. */
function emitIcmpKinds(asm: Assembler, kinds: IcmpKinds): void {
  asm.mov(r1, PACKET.opens | PACKET.noReply);
  for (const type of kinds.requests) asm.branch('eq', r2, type, 'icmp_echo');
  asm.mov(r1, 0);
  for (const type of kinds.replies) asm.branch('eq', r2, type, 'icmp_echo');
  for (const type of kinds.errors) asm.branch('eq', r2, type, 'icmp_error');
  asm.mov(r1, PACKET.noReply);
  asm.jump('icmp_single');
}

/**
 * Neighbour discovery passes with hop limit 255, which no router hands on (RFC 4861), and multicast
 * listener reports with 1 (RFC 3810). A router advertisement or a query from a pod does not.
 * INVARIANT: a pod sets its hop limit as it likes, and routers look at it no more than that they count
 * it down. So what it sends passes only to the link, or it could tell the world anything this way.
 */
function emitNeighbourDiscovery(asm: Assembler, direction: Direction): void {
  const done = asm.freshLabel('not_neighbour');
  const listener = asm.freshLabel('listener');
  const egress = direction === 'egress';
  asm.load(4, r3, r10, FRAME.packet);
  asm.rsh(r3, 16);
  asm.branch('eq', r3, 1, listener);
  asm.branch('ne', r3, 255, done);
  const types = egress ? [133, 135, 136] : [133, 134, 135, 136];
  for (const type of types) asm.branch('eq', r2, type, egress ? 'solicitation' : 'neighbour');
  asm.jump(done);
  if (egress) {
    asm.label('solicitation');
    asm.load(2, r3, r10, FRAME.keyRemote);
    asm.branch('eq', r3, LINK_MULTICAST, 'neighbour');
    asm.and(r3, LINK_LOCAL.mask);
    asm.branch('eq', r3, LINK_LOCAL.prefix, 'neighbour');
    asm.load(4, r3, r10, FRAME.packet);
    asm.or(r3, PACKET.neighbour);
    asm.store(4, r10, FRAME.packet, r3);
    asm.jump(done);
  }
  asm.label(listener);
  if (egress) {
    asm.load(2, r3, r10, FRAME.keyRemote);
    asm.branch('ne', r3, LINK_MULTICAST, done);
  }
  const reports = egress ? [131, 132, 143] : [130, 131, 132, 143];
  for (const type of reports) asm.branch('eq', r2, type, 'neighbour');
  asm.label(done);
}
