/** Emits the subprogram that turns a packet into the answer to it: a TCP RST, or an ICMP error that quotes it. */
import { Assembler, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10 } from '../assembly/assembler.js';
import { SKB, TCP } from './frame.js';
import { ETHERTYPE, PROTOCOL } from './headers.js';
import { ANSWER_MARK, DROP } from '../layout.js';
import type { FunctionListing } from '../assembly/listing.js';

export const REJECT_PACKET = 'reject_packet';

/** What `reject_packet` is told: offset of layer 4, its protocol, and the flag of bpf_redirect. */
export const ARGUMENT = { protocolShift: 16, ingressShift: 24 } as const;
export const BPF_F_INGRESS = 1;
/** BPF_F_RECOMPUTE_CSUM | BPF_F_INVALIDATE_HASH. */
const STORE_FLAGS = 3;

const ETHERNET_BYTES = 14;
const MAC_BYTES = 12;
const TCP_BYTES = 20;
const ICMP_BYTES = 8;
/** Of the packet: any IPv4 header and 8 bytes, or an IPv6 header and what mostly stands behind it. */
const QUOTE_BYTES = 128;

/** Stack slots of `reject_packet`. */
const OUT = -176;
const ETHERNET = -192;
/** While a RST is built, the headers that it answers stand where a quote would. */
const IN = OUT + 80;
const IN_TCP = OUT + 120;

interface FamilyLayout {
  readonly family: 4 | 6;
  readonly header: number;
  readonly source: number;
  readonly addressBytes: number;
  /** Of the field in the IP header that says how long the packet is, and what it leaves out. */
  readonly length: number;
  readonly uncounted: number;
  readonly icmp: number;
  /** First words of the ICMP message: type, code, no checksum yet. */
  readonly prohibited: number;
}

const FAMILIES: readonly FamilyLayout[] = [
  {
    family: 4,
    header: 20,
    source: 12,
    addressBytes: 4,
    length: 2,
    uncounted: 0,
    icmp: PROTOCOL.icmp,
    // Destination unreachable (3), communication administratively prohibited (13): RFC 1812.
    prohibited: 0x0d03,
  },
  {
    family: 6,
    header: 40,
    source: 8,
    addressBytes: 16,
    length: 4,
    uncounted: 40,
    icmp: PROTOCOL.icmpv6,
    // Destination unreachable (1), communication administratively prohibited (1): RFC 4443.
    prohibited: 0x0101,
  },
];

/**
 * reject_packet(skb, see {@link ARGUMENT}) → TC_ACT_REDIRECT with the packet turned into its answer,
 * or TC_ACT_SHOT where there can be none. The answer goes back to where the packet came from, as if
 * its destination had sent it.
 */
export function emitRejectPacket(): FunctionListing {
  const asm = new Assembler(REJECT_PACKET, 'subprogram', ['context', 'number']);
  asm.mov(r6, r1);
  asm.mov32(r7, r2);
  asm.load(4, r1, r6, SKB.vlanPresent);
  asm.branch('ne', r1, 0, 'none');
  emitLoad(asm, 0, ETHERNET, ETHERNET_BYTES);
  asm.load(1, r1, r10, ETHERNET);
  asm.comment('sent to a group');
  asm.branch('set', r1, 1, 'none');
  asm.mov32(r9, r7);
  asm.rsh32(r9, ARGUMENT.protocolShift);
  asm.and32(r9, 0xff);
  asm.load(2, r1, r10, ETHERNET + MAC_BYTES);
  asm.branch('eq', r1, ETHERTYPE.ipv4, 'reject4');
  asm.branch('eq', r1, ETHERTYPE.ipv6, 'reject6');
  asm.label('none');
  asm.mov(r0, DROP);
  asm.exit();
  for (const layout of FAMILIES) {
    asm.label(`reject${layout.family}`);
    emitLoad(asm, ETHERNET_BYTES, IN, layout.header);
    emitUnicastCheck(asm, layout);
    asm.branch('ne', r9, PROTOCOL.tcp, `icmp${layout.family}`);
    emitRst(asm, layout);
    asm.label(`icmp${layout.family}`);
    emitIcmpError(asm, layout);
  }
  emitSend(asm);
  return asm.finish();
}

/** Neither end may be a group, nobody, or (IPv4) loopback: RFC 1122 section 3.2.2, RFC 4443 section 2.4. */
function emitUnicastCheck(asm: Assembler, { family, source, addressBytes }: FamilyLayout): void {
  const from = IN + source;
  const to = from + addressBytes;
  if (family === 4) {
    for (const address of [from, to]) {
      asm.load(1, r1, r10, address);
      asm.branch('ge', r1, 224, 'none');
      asm.branch('eq', r1, 0, 'none');
      asm.branch('eq', r1, 127, 'none');
    }
    return;
  }
  for (const address of [from, to]) {
    asm.load(1, r1, r10, address);
    asm.branch('eq', r1, 0xff, 'none');
    asm.load(8, r1, r10, address);
    asm.load(8, r2, r10, address + 8);
    asm.or(r1, r2);
    asm.branch('eq', r1, 0, 'none');
  }
}

/** RFC 9293 section 3.10.7.1: what a host answers that has no such connection. */
function emitRst(asm: Assembler, layout: FamilyLayout): void {
  const { family, header, source, addressBytes } = layout;
  const acknowledges = `acknowledges${family}`;
  const numbered = `numbered${family}`;
  const tcp = OUT + header;
  asm.mov32(r8, r7);
  asm.and32(r8, 0xffff);
  emitLoad(asm, r8, IN_TCP, 16);
  emitIpHeader(asm, layout, PROTOCOL.tcp);
  emitIpLength(asm, layout, TCP_BYTES);
  asm.load(2, r1, r10, IN_TCP + 2);
  asm.store(2, r10, tcp, r1);
  asm.load(2, r1, r10, IN_TCP);
  asm.store(2, r10, tcp + 2, r1);
  asm.store(4, r10, tcp + 12, 0);
  asm.store(4, r10, tcp + 16, 0);
  asm.store(1, r10, tcp + 12, (TCP_BYTES / 4) << 4);
  asm.load(1, r1, r10, IN_TCP + 13);
  asm.branch('set', r1, TCP.ack, acknowledges);
  emitSegmentLength(asm, layout);
  asm.load(4, r1, r10, IN_TCP + 4);
  asm.toBigEndian(r1, 32);
  asm.add32(r1, r8);
  asm.toBigEndian(r1, 32);
  asm.store(4, r10, tcp + 4, 0);
  asm.store(4, r10, tcp + 8, r1);
  asm.store(1, r10, tcp + 13, TCP.rst | TCP.ack);
  asm.jump(numbered);
  asm.label(acknowledges);
  asm.load(4, r1, r10, IN_TCP + 8);
  asm.store(4, r10, tcp + 4, r1);
  asm.store(4, r10, tcp + 8, 0);
  asm.store(1, r10, tcp + 13, TCP.rst);
  asm.label(numbered);

  // The packet may be one whose checksum is for a device to complete (CHECKSUM_PARTIAL), which no
  // program can see: the device would then sum up our segment and overwrite the checksum. With P the
  // pseudo header's sum and S the segment's, a window of -(2P + S) makes P the right checksum and
  // what the device would come to. Nobody reads the window of a RST.
  emitSum(asm, OUT + source, 2 * addressBytes, swap16(PROTOCOL.tcp + TCP_BYTES));
  asm.mov(r8, r0);
  emitSum(asm, tcp, TCP_BYTES, 0);
  asm.store(2, r10, tcp + 16, r8);
  asm.lsh(r8, 1);
  asm.add(r0, r8);
  emitFold(asm);
  asm.xor(r0, 0xffff);
  asm.store(2, r10, tcp + 14, r0);
  asm.mov(r8, header + TCP_BYTES);
  asm.jump('send');
}

/** r8 = offset of layer 4 → what the segment takes up of the sequence numbers. */
function emitSegmentLength(asm: Assembler, { family, length, uncounted }: FamilyLayout): void {
  const noSyn = `no_syn${family}`;
  const noFin = `no_fin${family}`;
  asm.load(2, r1, r10, IN + length);
  asm.toBigEndian(r1, 16);
  asm.add32(r1, uncounted + ETHERNET_BYTES);
  asm.sub32(r1, r8);
  asm.load(1, r2, r10, IN_TCP + 12);
  asm.rsh(r2, 4);
  asm.lsh(r2, 2);
  asm.sub32(r1, r2);
  asm.branch('slt', r1, 0, 'none', { width: 32 });
  asm.mov32(r8, r1);
  asm.load(1, r1, r10, IN_TCP + 13);
  asm.mov(r2, r1);
  asm.and(r2, TCP.syn);
  asm.branch('eq', r2, 0, noSyn);
  asm.add32(r8, 1);
  asm.label(noSyn);
  asm.and(r1, TCP.fin);
  asm.branch('eq', r1, 0, noFin);
  asm.add32(r8, 1);
  asm.label(noFin);
}

/** RFC 792, RFC 1812 section 4.3, RFC 4443 section 3.1: an error that quotes the packet's beginning. */
function emitIcmpError(asm: Assembler, layout: FamilyLayout): void {
  const { family, header, source, addressBytes, length, uncounted, icmp, prohibited } = layout;
  const message = OUT + header;
  const quote = message + ICMP_BYTES;
  emitIpHeader(asm, layout, icmp);
  asm.load(2, r8, r10, IN + length);
  asm.toBigEndian(r8, 16);
  asm.add(r8, uncounted);
  asm.load(4, r1, r6, SKB.len);
  asm.sub32(r1, ETHERNET_BYTES);
  asm.branch('le', r8, r1, `whole${family}`, { width: 32 });
  asm.mov32(r8, r1);
  asm.label(`whole${family}`);
  asm.branch('le', r8, QUOTE_BYTES, `quoted${family}`);
  asm.mov(r8, QUOTE_BYTES);
  asm.label(`quoted${family}`);
  asm.branch('lt', r8, header, 'none');
  for (let at = 0; at < QUOTE_BYTES; at += 4) asm.store(4, r10, quote + at, 0);
  emitLoad(asm, ETHERNET_BYTES, quote, r8);
  asm.store(4, r10, message, prohibited);
  asm.store(4, r10, message + 4, 0);
  asm.add(r8, ICMP_BYTES);
  emitIpLength(asm, layout, r8);

  asm.mov(r4, r8);
  asm.add(r4, 3);
  asm.comment('whole words: zeros behind the quote change no sum');
  asm.rsh(r4, 2);
  asm.lsh(r4, 2);
  asm.mov(r5, 0);
  let from = message;
  if (family === 6) {
    from = OUT + source;
    asm.add(r4, 2 * addressBytes);
    asm.mov(r5, r8);
    asm.add(r5, icmp);
    asm.toBigEndian(r5, 16);
  }
  asm.mov(r1, 0);
  asm.mov(r2, 0);
  asm.mov(r3, r10);
  asm.add(r3, from);
  asm.call('csum_diff');
  emitFold(asm);
  asm.xor(r0, 0xffff);
  asm.store(2, r10, message + 2, r0);
  asm.add(r8, header);
  asm.jump('send');
}

/** All but the length, and for IPv4 what depends on it. */
function emitIpHeader(asm: Assembler, layout: FamilyLayout, protocol: number): void {
  const { family, source, addressBytes } = layout;
  if (family === 4) {
    // ICMP errors have precedence 6 (RFC 1812 section 4.3.2.5).
    asm.store(4, r10, OUT, protocol === PROTOCOL.tcp ? 0x0045 : 0xc045);
    asm.comment("don't fragment");
    asm.store(4, r10, OUT + 4, 0x0040_0000);
    asm.store(4, r10, OUT + 8, HOP_LIMIT | (protocol << 8));
  } else {
    asm.store(4, r10, OUT, 0x60);
    asm.store(4, r10, OUT + 4, (protocol << 16) | (HOP_LIMIT << 24));
  }
  for (let at = 0; at < addressBytes; at += 4) {
    asm.load(4, r1, r10, IN + source + at);
    asm.load(4, r2, r10, IN + source + addressBytes + at);
    asm.store(4, r10, OUT + source + at, r2);
    asm.store(4, r10, OUT + source + addressBytes + at, r1);
  }
}

const HOP_LIMIT = 64;

/** The length field for `payload` bytes behind the header, and IPv4's header checksum. */
function emitIpLength(asm: Assembler, layout: FamilyLayout, payload: number | typeof r8): void {
  const { family, header, length, uncounted } = layout;
  asm.mov(r1, payload);
  asm.add(r1, header - uncounted);
  asm.toBigEndian(r1, 16);
  asm.store(2, r10, OUT + length, r1);
  if (family === 6) return;
  emitSum(asm, OUT, header, 0);
  asm.xor(r0, 0xffff);
  asm.store(2, r10, OUT + 10, r0);
}

/** r8 = bytes in `OUT`: puts them behind the Ethernet header, turned round, and sends it all back. */
function emitSend(asm: Assembler): void {
  asm.label('send');
  asm.mov(r1, r6);
  asm.mov(r2, r8);
  asm.add(r2, ETHERNET_BYTES);
  asm.mov(r3, 0);
  asm.call('skb_change_tail');
  asm.branch('ne', r0, 0, 'none');
  emitStore(asm, ETHERNET_BYTES, OUT, r8);
  for (const at of [0, 2, 4]) {
    asm.load(2, r1, r10, ETHERNET + at);
    asm.load(2, r2, r10, ETHERNET + 6 + at);
    asm.store(2, r10, ETHERNET + at, r2);
    asm.store(2, r10, ETHERNET + 6 + at, r1);
  }
  emitStore(asm, 0, ETHERNET, MAC_BYTES);
  asm.mov32(r1, ANSWER_MARK);
  asm.store(4, r6, SKB.mark, r1);
  asm.load(4, r1, r6, SKB.ifindex);
  asm.mov32(r2, r7);
  asm.rsh32(r2, ARGUMENT.ingressShift);
  asm.and32(r2, BPF_F_INGRESS);
  asm.call('redirect');
  asm.exit();
}

/** Copies bytes of the packet to the stack, or leaves. */
function emitLoad(
  asm: Assembler,
  offset: number | typeof r8,
  slot: number,
  bytes: number | typeof r8,
): void {
  asm.mov(r1, r6);
  asm.mov(r2, offset);
  asm.mov(r3, r10);
  asm.add(r3, slot);
  asm.mov(r4, bytes);
  asm.call('skb_load_bytes');
  asm.branch('ne', r0, 0, 'none');
}

function emitStore(asm: Assembler, offset: number, slot: number, bytes: number | typeof r8): void {
  asm.mov(r1, r6);
  asm.mov(r2, offset);
  asm.mov(r3, r10);
  asm.add(r3, slot);
  asm.mov(r4, bytes);
  asm.mov(r5, STORE_FLAGS);
  asm.call('skb_store_bytes');
  asm.branch('ne', r0, 0, 'none');
}

/** r0 = the ones' complement sum, 16 bits, of a part of the stack and a start. */
function emitSum(asm: Assembler, slot: number, bytes: number, start: number): void {
  asm.mov(r1, 0);
  asm.mov(r2, 0);
  asm.mov(r3, r10);
  asm.add(r3, slot);
  asm.mov(r4, bytes);
  asm.mov(r5, start);
  asm.call('csum_diff');
  emitFold(asm);
}

/** bpf_csum_diff gives 16 bits since Linux 6.13, and 32 before. */
function emitFold(asm: Assembler): void {
  asm.mov32(r0, r0);
  for (let round = 0; round < 2; round += 1) {
    asm.mov(r1, r0);
    asm.rsh(r1, 16);
    asm.and(r0, 0xffff);
    asm.add(r0, r1);
  }
}

/** A 16-bit number as sums of words in the host's order have it. */
function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}
