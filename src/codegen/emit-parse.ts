/** Emits the packet parser: Ethernet, VLAN tags, IPv4, IPv6 and its extension headers, layer 4. */
import type { Direction } from '../ir/model.js';
import { r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, type Assembler } from './assembler.js';
import { EXIT, FRAME, PACKET, SKB, TCP } from './emit-frame.js';
import { PORT_INDEX } from './layout.js';

/** EtherTypes as a little-endian load sees them. */
const ETHERTYPE = { ipv4: 0x0008, ipv6: 0xdd86, arp: 0x0608, vlan: 0x0081, qinq: 0xa888 } as const;
const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, ah: 51, icmpv6: 58, sctp: 132 } as const;
/** IPv6 extension headers that have a length in units of 8 bytes, less one (RFC 8200). */
const EXTENSION_HEADERS = [0, 43, 60] as const;
const FRAGMENT_HEADER = 44;
const MAX_EXTENSION_HEADERS = 6;
const ETHERNET_BYTES = 14;
/** Enough for two tags, the longest IPv4 header, or IPv6 with extensions, and a quoted packet. */
const PULL_BYTES = 256;

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
  for (const tag of ['tag1', 'tag2']) {
    asm.branch('eq', r1, ETHERTYPE.vlan, `${tag}_skip`);
    asm.branch('ne', r1, ETHERTYPE.qinq, 'ethertype');
    asm.label(`${tag}_skip`);
    asm.add(r7, 4);
    emitEnsure(asm, ETHERNET_BYTES);
    asm.load(2, r1, r7, 12);
  }
  asm.label('ethertype');
  asm.branch('eq', r1, ETHERTYPE.ipv4, 'ipv4');
  asm.branch('eq', r1, ETHERTYPE.ipv6, 'ipv6');
  asm.branch('eq', r1, ETHERTYPE.arp, 'neighbour');
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
  asm.load(1, r4, r7, 6);
  asm.load(2, r3, r7, 4);
  asm.toBigEndian(r3, 16);
  asm.add(r7, 40);
  for (let i = 0; i < MAX_EXTENSION_HEADERS; i += 1) emitExtensionHeader(asm, i);
  for (const header of [...EXTENSION_HEADERS, FRAGMENT_HEADER, PROTOCOL.ah]) {
    asm.branch('eq', r4, header, EXIT.malformed);
  }
  asm.jump('transport');
}

/**
 * One extension header: r4 is the next header, r3 the payload bytes that are left, as the fixed
 * header says: 0 and less for jumbograms and large GSO packets, which are no fragments.
 */
function emitExtensionHeader(asm: Assembler, index: number): void {
  const next = `extension_${index + 1}`;
  const generic = `generic_${index}`;
  const authentication = `authentication_${index}`;
  const skip = `skip_${index}`;
  for (const header of EXTENSION_HEADERS) asm.branch('eq', r4, header, generic);
  asm.branch('eq', r4, PROTOCOL.ah, authentication);
  asm.branch('ne', r4, FRAGMENT_HEADER, 'transport');
  emitEnsure(asm, 8);
  asm.load(1, r4, r7, 0);
  asm.load(2, r5, r7, 2);
  asm.toBigEndian(r5, 16);
  asm.add(r7, 8);
  asm.sub(r3, 8);
  asm.mov(r2, r5);
  asm.rsh(r2, 3).comment('fragment offset, in units of 8 bytes');
  asm.branch('ne', r2, 0, 'later_fragment');
  asm.and(r5, 1).comment('more fragments');
  asm.branch('eq', r5, 0, next);
  asm.branch('sle', r3, 0, EXIT.malformed);
  asm.store(4, r10, FRAME.fragmentBytes, r3);
  asm.jump(next);
  asm.label(generic);
  emitEnsure(asm, 8);
  asm.load(1, r4, r7, 0);
  asm.load(1, r1, r7, 1);
  asm.add(r1, 1);
  asm.lsh(r1, 3);
  asm.jump(skip);
  asm.label(authentication);
  emitEnsure(asm, 8);
  asm.load(1, r4, r7, 0);
  asm.load(1, r1, r7, 1);
  asm.add(r1, 2);
  asm.lsh(r1, 2);
  asm.label(skip);
  asm.sub(r3, r1);
  asm.add(r7, r1);
  asm.label(next);
}

/** Layer 4: r4 is the protocol, r7 its header. Fills ports, port indexes and packet bits. */
function emitTransport(asm: Assembler, direction: Direction): void {
  asm.label('transport');
  asm.store(1, r10, FRAME.keyProtocol, r4);
  asm.branch('eq', r4, PROTOCOL.tcp, 'tcp');
  asm.branch('eq', r4, PROTOCOL.udp, 'udp');
  asm.branch('eq', r4, PROTOCOL.sctp, 'sctp');
  asm.load(1, r1, r10, FRAME.keyFamily);
  asm.branch('eq', r1, 6, 'transport6');
  asm.branch('eq', r4, PROTOCOL.icmp, 'icmp');
  asm.jump('other');
  asm.label('transport6');
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
  asm.store(1, r10, FRAME.keyProtocol, r4);
  asm.load(4, r1, r10, FRAME.packet);
  asm.or(r1, PACKET.noReply);
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
  emitEnsure(asm, 8);
  asm.load(1, r2, r7, 0);
  emitIcmpKinds(asm, { requests: [8, 13, 15, 17], replies: [0, 14, 16, 18], errors: [3, 11, 12] });
  asm.label('icmpv6');
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
  asm.mov(r1, PACKET.opens);
  for (const type of kinds.requests) asm.branch('eq', r2, type, 'icmp_echo');
  asm.mov(r1, 0);
  for (const type of kinds.replies) asm.branch('eq', r2, type, 'icmp_echo');
  asm.mov(r1, PACKET.icmpError | PACKET.noReply);
  for (const type of kinds.errors) asm.branch('eq', r2, type, 'icmp_single');
  asm.mov(r1, PACKET.noReply);
  asm.jump('icmp_single');
}

/**
 * Neighbour discovery passes with hop limit 255, which no router lets through (RFC 4861), and
 * multicast listener reports with 1 (RFC 3810). A router advertisement from a pod does not.
 */
function emitNeighbourDiscovery(asm: Assembler, direction: Direction): void {
  const done = asm.freshLabel('not_neighbour');
  const listener = asm.freshLabel('listener');
  asm.load(4, r3, r10, FRAME.packet);
  asm.rsh(r3, 16);
  asm.branch('eq', r3, 1, listener);
  asm.branch('ne', r3, 255, done);
  const types = direction === 'ingress' ? [133, 134, 135, 136] : [133, 135, 136];
  for (const type of types) asm.branch('eq', r2, type, 'neighbour');
  asm.jump(done);
  asm.label(listener);
  for (const type of [130, 131, 132, 143]) asm.branch('eq', r2, type, 'neighbour');
  asm.label(done);
}
