/** Emits the walk over rare headers, VLAN tags and IPv6 extensions, in subprograms of their own. */
import { Assembler, r0, r1, r2, r3, r4, r6, r7, r8, r9, r10 } from '../assembly/assembler.js';
import type { FunctionListing } from '../assembly/listing.js';

/** EtherTypes as a little-endian load sees them. */
export const ETHERTYPE = {
  ipv4: 0x0008,
  ipv6: 0xdd86,
  arp: 0x0608,
  vlan: 0x0081,
  qinq: 0xa888,
} as const;
export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;

export const SKIP_TAGS = 'skip_tags';
export const SKIP_EXTENSIONS = 'skip_extensions';

/** IPv6 extension headers whose second byte is a length in units of 8 bytes, less one (RFC 8200). */
const GENERIC_HEADERS = [0, 43, 60] as const;
const FRAGMENT_HEADER = 44;
/** Its length is in units of 4 bytes, less two (RFC 4302). */
const AUTHENTICATION_HEADER = 51;
const MAX_EXTENSION_HEADERS = 6;

/** What `skip_extensions` returns: offset of layer 4, its protocol, and of what it is a fragment. */
export const EXTENSIONS = {
  offsetMask: 0xfff,
  protocolShift: 12,
  /** A fragment at offset 1, in units of 8 bytes. */
  tiny: 1 << 20,
  /** A fragment at any offset but 0. */
  later: 1 << 21,
  /** A first fragment that others follow. */
  first: 1 << 22,
  /** The fragment's identification, 32 bits. */
  idShift: 32,
} as const;

const ETHERTYPE_OFFSET = 12;
const BUFFER = -8;

/**
 * skip_tags(skb) → bytes of VLAN tags in bits 0 to 3, EtherType behind them in bits 16 to 31.
 * More than two tags leave the third's EtherType, which is neither IP nor ARP.
 */
export function emitSkipTags(): FunctionListing {
  const asm = new Assembler(SKIP_TAGS, 'subprogram', ['context']);
  asm.mov(r6, r1);
  for (const tags of [1, 2]) {
    asm.mov(r7, 4 * tags);
    emitLoadBytes(asm, ETHERTYPE_OFFSET + 4 * tags, 2, 'short');
    asm.load(2, r8, r10, BUFFER);
    if (tags === 2) break;
    asm.branch('eq', r8, ETHERTYPE.vlan, 'another');
    asm.branch('ne', r8, ETHERTYPE.qinq, 'done');
    asm.label('another');
  }
  asm.label('done');
  asm.lsh(r8, 16);
  asm.or(r8, r7);
  asm.mov32(r0, r8);
  asm.exit();
  asm.label('short');
  asm.mov(r0, 0);
  asm.exit();
  return asm.finish();
}

/** skip_extensions(skb, offset | header << 16) → see {@link EXTENSIONS}, or -1 if there is no end. */
export function emitSkipExtensions(): FunctionListing {
  const asm = new Assembler(SKIP_EXTENSIONS, 'subprogram', ['context', 'number']);
  asm.mov(r6, r1);
  asm.mov32(r7, r2);
  asm.and32(r7, 0xffff).comment('r7: offset, r8: header, r9: fragment bits');
  asm.mov32(r8, r2);
  asm.rsh32(r8, 16);
  asm.mov(r9, 0);
  for (let i = 0; i < MAX_EXTENSION_HEADERS; i += 1) emitHeader(asm, i);
  for (const header of [...GENERIC_HEADERS, FRAGMENT_HEADER, AUTHENTICATION_HEADER]) {
    asm.branch('eq', r8, header, 'endless');
  }
  asm.label('done');
  asm.branch('gt', r7, EXTENSIONS.offsetMask, 'endless');
  asm.mov(r0, r8);
  asm.and(r0, 0xff);
  asm.lsh(r0, EXTENSIONS.protocolShift);
  asm.or(r0, r7);
  asm.or(r0, r9);
  asm.exit();
  asm.label('endless');
  asm.mov(r0, -1);
  asm.exit();
  return asm.finish();
}

function emitHeader(asm: Assembler, index: number): void {
  const [generic, fragment, skip] = ['generic', 'fragment', 'skip'].map(
    (name) => `${name}_${index}`,
  );
  if (generic === undefined || fragment === undefined || skip === undefined) return;
  const read = `read_${index}`;
  asm.branch('eq', r8, FRAGMENT_HEADER, read);
  asm.branch('eq', r8, AUTHENTICATION_HEADER, read);
  for (const header of GENERIC_HEADERS) asm.branch('eq', r8, header, read);
  asm.jump('done');
  asm.label(read);
  asm.mov(r3, r10);
  asm.mov(r1, r6);
  asm.mov(r2, r7);
  asm.add(r3, BUFFER);
  asm.mov(r4, 8);
  asm.call('skb_load_bytes');
  asm.branch('ne', r0, 0, 'endless');
  asm.mov(r1, r8);
  asm.load(1, r8, r10, BUFFER);
  asm.branch('eq', r1, FRAGMENT_HEADER, fragment);
  asm.load(1, r2, r10, BUFFER + 1);
  asm.branch('ne', r1, AUTHENTICATION_HEADER, generic);
  asm.add(r2, 2);
  asm.lsh(r2, 2);
  asm.jump(skip);
  asm.label(generic);
  asm.add(r2, 1);
  asm.lsh(r2, 3);
  asm.jump(skip);
  asm.label(fragment);
  emitFragment(asm, index);
  asm.mov(r2, 8);
  asm.label(skip);
  asm.add(r7, r2);
}

/** Sets the fragment bits; behind a later fragment's header there is no other. */
function emitFragment(asm: Assembler, index: number): void {
  const first = `first_${index}`;
  const whole = `whole_${index}`;
  asm.load(4, r2, r10, BUFFER + 4);
  asm.lsh(r2, EXTENSIONS.idShift);
  asm.or(r9, r2);
  asm.load(2, r2, r10, BUFFER + 2);
  asm.toBigEndian(r2, 16);
  asm.mov(r1, r2);
  asm.rsh(r1, 3).comment('fragment offset, in units of 8 bytes');
  asm.branch('eq', r1, 0, first);
  asm.or(r9, EXTENSIONS.later);
  asm.add(r7, 8);
  asm.branch('ne', r1, 1, 'done');
  asm.or(r9, EXTENSIONS.tiny);
  asm.jump('done');
  asm.label(first);
  asm.and(r2, 1).comment('more fragments');
  asm.branch('eq', r2, 0, whole);
  asm.or(r9, EXTENSIONS.first);
  asm.label(whole);
}

/** Reads bytes of the packet into the buffer, from whichever part of it they lie in. */
function emitLoadBytes(asm: Assembler, offset: number, bytes: number, short: string): void {
  asm.mov(r1, r6);
  asm.mov(r2, offset);
  asm.mov(r3, r10);
  asm.add(r3, BUFFER);
  asm.mov(r4, bytes);
  asm.call('skb_load_bytes');
  asm.branch('ne', r0, 0, short);
}
