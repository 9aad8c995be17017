/** IPv4 and IPv6 addresses and prefixes, as numbers. */

export type Family = 4 | 6;

/** Bits in an address of each family. */
export const ADDRESS_BITS: Readonly<Record<Family, number>> = { 4: 32, 6: 128 };

/** An address; `value` is the address in network order read as one unsigned number. */
export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** A CIDR block; the bits of `value` past `length` are zero. */
export interface Prefix {
  readonly family: Family;
  readonly value: bigint;
  readonly length: number;
}

/**
 * Reads an address as Go's netip.ParseAddr does: no leading zeros in IPv4, no zones. An IPv4-mapped
 * IPv6 address is the IPv4 address that it maps, since that is the packet it means.
 */
export function parseAddress(text: string): Address | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/**
 * Reads `address/length`. Host bits may be set and are cleared, as in net.ParseCIDR.
 * @returns undefined where the text is no CIDR block
 */
export function parsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf('/');
  if (slash < 0) return undefined;
  const lengthText = text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(lengthText)) return undefined;
  let length = Number(lengthText);
  const addressText = text.slice(0, slash);
  const address = parseAddress(addressText);
  if (address === undefined) return undefined;
  if (address.family === 4 && addressText.includes(':')) {
    if (length > 128 || length < 96) return undefined;
    length -= 96;
  }
  if (length > ADDRESS_BITS[address.family]) return undefined;
  return maskAddress(address, length);
}

/** A number in the order of (address, length); it is made, hashed and sorted much faster than a text. */
export function prefixOrder4({ value, length }: Prefix): number {
  return Number(value) * 64 + length;
}

/** The prefix of that length which holds the address. */
export function maskAddress(address: Address, length: number): Prefix {
  const shift = BigInt(ADDRESS_BITS[address.family] - length);
  return { family: address.family, value: (address.value >> shift) << shift, length };
}

/** The prefix that holds this address alone. */
export function hostPrefix(address: Address): Prefix {
  return { family: address.family, value: address.value, length: ADDRESS_BITS[address.family] };
}

export function prefixContains(prefix: Prefix, address: Address): boolean {
  if (prefix.family !== address.family) return false;
  if (prefix.family === 4) {
    const size = 2 ** (32 - prefix.length);
    return Math.floor(Number(address.value) / size) === Math.floor(Number(prefix.value) / size);
  }
  const shift = BigInt(ADDRESS_BITS[6] - prefix.length);
  return prefix.value >> shift === address.value >> shift;
}

/** Whether every address of `inner` is in `outer`. */
export function prefixCovers(outer: Prefix, inner: Prefix): boolean {
  return outer.length <= inner.length && prefixContains(outer, inner);
}

/** The last address of the prefix, as a number. */
export function prefixLast(prefix: Prefix): bigint {
  return prefix.value | ((1n << BigInt(ADDRESS_BITS[prefix.family] - prefix.length)) - 1n);
}

/** Canonical text: dotted quad, or RFC 5952 for IPv6. */
export function formatAddress(address: Address): string {
  if (address.family === 4) {
    return [24n, 16n, 8n, 0n].map((s) => String((address.value >> s) & 255n)).join('.');
  }
  return formatIpv6(address.value);
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix)}/${prefix.length}`;
}

/** The address in network byte order: 4 or 16 bytes. */
export function addressBytes(address: Address): Uint8Array {
  const count = ADDRESS_BITS[address.family] / 8;
  const bytes = new Uint8Array(count);
  let rest = address.value;
  for (let i = count - 1; i >= 0; i -= 1) {
    bytes[i] = Number(rest & 255n);
    rest >>= 8n;
  }
  return bytes;
}

/** A text that is equal for equal addresses, cheap to use as a map key. */
export function addressKey(address: Address): string {
  return `${address.family}:${address.value.toString(16)}`;
}

function parseIpv4(text: string): Address | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    if (part.length > 1 && part.startsWith('0')) return undefined;
    const octet = Number(part);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return { family: 4, value: BigInt(value) };
}

function parseIpv6(text: string): Address | undefined {
  let head = text;
  const tail: string[] = [];
  const lastColon = text.lastIndexOf(':');
  if (text.includes('.')) {
    const ipv4 = parseIpv4(text.slice(lastColon + 1));
    if (ipv4 === undefined) return undefined;
    tail.push((ipv4.value >> 16n).toString(16), (ipv4.value & 0xffffn).toString(16));
    head = text.slice(0, lastColon);
    if (head.endsWith(':')) head += ':';
    if (head === '') return undefined;
  }
  const halves = head.split('::');
  if (halves.length > 2) return undefined;
  const groupsOf = (part: string | undefined): string[] =>
    part === undefined || part === '' ? [] : part.split(':');
  const left = groupsOf(halves[0]);
  const right = [...groupsOf(halves[1]), ...tail];
  const missing = 8 - left.length - right.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  let value = 0n;
  for (const group of [...left, ...Array<string>(missing).fill('0'), ...right]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
    value = (value << 16n) | BigInt(Number.parseInt(group, 16));
  }
  if (value >> 32n === 0xffffn) return { family: 4, value: value & 0xffffffffn };
  return { family: 6, value };
}

function formatIpv6(value: bigint): string {
  const groups = Array.from({ length: 8 }, (_, i) =>
    Number((value >> BigInt(112 - 16 * i)) & 0xffffn),
  );
  let bestStart = -1;
  let bestLength = 1;
  for (let i = 0; i < 8;) {
    let j = i;
    while (j < 8 && groups[j] === 0) j += 1;
    if (j - i > bestLength) {
      bestStart = i;
      bestLength = j - i;
    }
    i = Math.max(j, i + 1);
  }
  const hex = groups.map((group) => group.toString(16));
  if (bestStart < 0) return hex.join(':');
  return `${hex.slice(0, bestStart).join(':')}::${hex.slice(bestStart + bestLength).join(':')}`;
}
