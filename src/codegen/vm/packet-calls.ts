/** The VM's kernel functions that change packets and checksums (net/core/filter.c). */
import type { SocketBuffer } from './context.js';
import { ERRNO } from './maps.js';
import { violate } from './memory.js';

const ETHERNET_BYTES = 14;
const FIELD_SIZE_MASK = 0xfn;
const PSEUDO_HEADER = 0x10n;
const MARK_MANGLED_0 = 0x20n;
const MARK_ENFORCE = 0x40n;
const IPV6_CHECKSUM = 0x80n;
/** Where UDP has no checksum, zero is written as all ones (CSUM_MANGLED_0). */
const MANGLED_ZERO = 0xffff;
/** SKB_MAX_ALLOC on x86-64, and BPF_SKB_MAX_LEN of a loopback device. */
const MAX_PACKET_BYTES = 16_064;

/** Adds the 16-bit words of `bytes` as the host reads them; carries go round. */
function sum16(bytes: Uint8Array, start: number): number {
  let sum = start;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] ?? 0) + (bytes[i + 1] ?? 0) * 256;
  return fold(sum);
}

function fold(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x1_0000) + Math.floor(folded / 0x1_0000);
  return folded;
}

function fold32(value: bigint): number {
  return fold(Number(value & 0xffff_ffffn));
}

/** The checksum `old` after the difference was added to what it sums up. */
function addToChecksum(old: number, difference: number): number {
  return ~fold((~old & 0xffff) + difference) & 0xffff;
}

/** The difference that replacing `from` by `to` makes; undefined if the flags name no size. */
function fieldDifference(from: bigint, to: bigint, flags: bigint): number | undefined {
  switch (flags & FIELD_SIZE_MASK) {
    case 0n:
      return from === 0n ? fold32(to) : undefined;
    case 2n:
      return fold((~Number(from & 0xffffn) & 0xffff) + Number(to & 0xffffn));
    case 4n:
      return fold((~fold32(from) & 0xffff) + fold32(to));
    default:
      return undefined;
  }
}

/** Makes the bytes up to `end` writable: pointers into the packet are stale, even on failure. */
function makeWritable(buffer: SocketBuffer, end: number): boolean {
  const fits = end <= buffer.packet.length;
  const linear = buffer.linear.size;
  buffer.replacePacket(buffer.packet, fits ? Math.max(end, linear) : linear);
  return fits;
}

export function replaceL3(
  buffer: SocketBuffer,
  offset: number,
  from: bigint,
  to: bigint,
  flags: bigint,
): number {
  const valid = (flags & ~FIELD_SIZE_MASK) === 0n;
  const reachable = offset <= 0xffff && offset % 2 === 0;
  if (!makeWritable(buffer, valid && reachable ? offset + 2 : 0)) return ERRNO.EFAULT;
  if (!valid) return ERRNO.EINVAL;
  if (!reachable) return ERRNO.EFAULT;
  const difference = fieldDifference(from, to, flags);
  if (difference === undefined) return ERRNO.EINVAL;
  const view = viewOf(buffer.packet);
  view.setUint16(offset, addToChecksum(view.getUint16(offset, true), difference), true);
  return 0;
}

/** Packets of a run have no checksum offload (CHECKSUM_NONE), so that PSEUDO_HEADER changes nothing. */
export function replaceL4(
  buffer: SocketBuffer,
  offset: number,
  from: bigint,
  to: bigint,
  flags: bigint,
): number {
  const known = FIELD_SIZE_MASK | PSEUDO_HEADER | MARK_MANGLED_0 | MARK_ENFORCE | IPV6_CHECKSUM;
  const valid = (flags & ~known) === 0n;
  const reachable = offset <= 0xffff && offset % 2 === 0;
  if (!makeWritable(buffer, valid && reachable ? offset + 2 : 0)) return ERRNO.EFAULT;
  if (!valid) return ERRNO.EINVAL;
  if (!reachable) return ERRNO.EFAULT;
  const view = viewOf(buffer.packet);
  const old = view.getUint16(offset, true);
  const mangled = (flags & MARK_MANGLED_0) !== 0n;
  if (mangled && (flags & MARK_ENFORCE) === 0n && old === 0) return 0;
  const difference = fieldDifference(from, to, flags);
  if (difference === undefined) return ERRNO.EINVAL;
  const sum = addToChecksum(old, difference);
  view.setUint16(offset, mangled && sum === 0 ? MANGLED_ZERO : sum, true);
  return 0;
}

/** Folded to 16 bits, as Linux 6.13 and later return it; earlier ones return an equal sum unfolded. */
export function csumDiff(from: Uint8Array, to: Uint8Array, seed: number): number {
  for (const { length } of [from, to]) {
    // An error on older kernels, a sum on Linux 6.18.
    if (length % 4 !== 0) violate(`a checksum over ${length} bytes`);
  }
  const removed = ~sum16(from, 0) & 0xffff;
  return from.length === 0 ? sum16(to, seed) : fold(sum16(to, seed) + removed);
}

export function changeTail(buffer: SocketBuffer, size: number, flags: bigint): number {
  const valid = flags === 0n && size >= ETHERNET_BYTES && size <= MAX_PACKET_BYTES;
  const packet = buffer.packet;
  if (!valid) {
    buffer.replacePacket(packet, buffer.linear.size);
    return ERRNO.EINVAL;
  }
  const changed = new Uint8Array(size);
  changed.set(packet.subarray(0, size));
  // Both growing and trimming make the packet linear first.
  buffer.replacePacket(changed, size);
  return 0;
}

const ADJUST_NET = 0;
const ADJUST_MAC = 1;
const FIXED_GSO = 1n;
const MAX_ADJUST = 0xfff;
const ETHERTYPE_IPV4 = 0x0008;
const ETHERTYPE_IPV6 = 0xdd86;

/** Grows or shrinks behind the Ethernet header or behind the fixed network header. */
export function adjustRoom(
  buffer: SocketBuffer,
  difference: number,
  mode: number,
  flags: bigint,
): number {
  if ((flags & ~FIXED_GSO) !== 0n) violate('skb_adjust_room with encapsulation is not modelled');
  const { packet, protocol } = buffer;
  const fail = (error: number): number => {
    buffer.replacePacket(packet, buffer.linear.size);
    return error;
  };
  if (Math.abs(difference) > MAX_ADJUST) return fail(ERRNO.EFAULT);
  const header = protocol === ETHERTYPE_IPV4 ? 20 : protocol === ETHERTYPE_IPV6 ? 40 : undefined;
  if (header === undefined || (mode !== ADJUST_NET && mode !== ADJUST_MAC)) {
    return fail(ERRNO.ENOTSUPP);
  }
  const place = ETHERNET_BYTES + (mode === ADJUST_NET ? header : 0);
  const current = packet.length - ETHERNET_BYTES;
  if (difference < 0 && current + difference < header) return fail(ERRNO.ENOTSUPP);
  if (packet.length + difference > MAX_PACKET_BYTES) return fail(ERRNO.ENOTSUPP);
  if (place > packet.length) return fail(ERRNO.ENOMEM);
  const changed = new Uint8Array(packet.length + difference);
  changed.set(packet.subarray(0, place));
  changed.set(packet.subarray(place + Math.max(-difference, 0)), place + Math.max(difference, 0));
  buffer.replacePacket(changed, Math.max(buffer.linear.size + difference, place));
  return 0;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
