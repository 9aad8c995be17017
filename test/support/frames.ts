/** Frames of any shape: headers are written as told, wrong ones too, so that parsers meet all there are. */
import { addressBytes, parseAddress, type Address } from '../../src/address.js';

/** Protocol numbers (IANA). */
export const PROTO = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;
export const ETHER = {
  ipv4: 0x0800,
  ipv6: 0x86dd,
  arp: 0x0806,
  vlan: 0x8100,
  qinq: 0x88a8,
} as const;
/** TCP flags. */
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const ACK = 0x10;

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`bad address ${text}`);
  return parsed;
}

export function concat(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function be16(value: number): readonly number[] {
  return [(value >>> 8) & 0xff, value & 0xff];
}

/** @param tags EtherTypes of VLAN tags, outermost first */
export function ethernet(
  type: number,
  payload: Uint8Array,
  tags: readonly number[] = [],
): Uint8Array {
  const macs = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
  return concat(macs, ...tags.map((tag) => [...be16(tag), 0, 7]), be16(type), payload);
}

export interface Ipv4Fields {
  readonly version?: number;
  /** In words of 4 bytes; what the options need unless told. */
  readonly ihl?: number;
  readonly options?: Uint8Array;
  readonly totalLength?: number;
  /** In units of 8 bytes. */
  readonly offset?: number;
  readonly more?: boolean;
  /** What the fragments of a packet share. */
  readonly id?: number;
}

/** An IPv4 packet without its Ethernet header. The header's sum is left 0: no program reads it. */
export function ipv4(
  source: string,
  destination: string,
  protocol: number,
  payload: Uint8Array,
  fields: Ipv4Fields = {},
): Uint8Array {
  const options = fields.options ?? new Uint8Array();
  const ihl = fields.ihl ?? 5 + options.length / 4;
  const total = fields.totalLength ?? 20 + options.length + payload.length;
  const fragment = (fields.offset ?? 0) | (fields.more === true ? 0x2000 : 0);
  return concat(
    [((fields.version ?? 4) << 4) | ihl, 0, ...be16(total)],
    [...be16(fields.id ?? 9), ...be16(fragment)],
    [64, protocol, 0, 0],
    addressBytes(address(source)),
    addressBytes(address(destination)),
    options,
    payload,
  );
}

export interface Ipv6Fields {
  readonly version?: number;
  readonly hopLimit?: number;
  readonly payloadLength?: number;
  readonly extensions?: readonly Extension[];
}

export interface Extension {
  readonly header: number;
  /** Without the first byte, which says what follows. */
  readonly rest: readonly number[];
}

const zeros = (count: number): readonly number[] => new Array<number>(count).fill(0);

/** Hop-by-hop (0), routing (43) or destination options (60), of 8 bytes and `more` times 8. */
export function option(header: 0 | 43 | 60, more = 0): Extension {
  return { header, rest: [more, ...zeros(6 + 8 * more)] };
}

/** Authentication header (51) of 4 times `words` + 2 bytes. */
export function authentication(words = 4): Extension {
  return { header: 51, rest: [words, ...zeros(4 * (words + 2) - 2)] };
}

export function fragmentHeader(offset: number, more: boolean, id = 9): Extension {
  const place = be16((offset << 3) | (more ? 1 : 0));
  return { header: 44, rest: [0, ...place, ...be16(id >>> 16), ...be16(id & 0xffff)] };
}

/** An IPv6 packet without its Ethernet header. */
export function ipv6(
  source: string,
  destination: string,
  protocol: number,
  payload: Uint8Array,
  fields: Ipv6Fields = {},
): Uint8Array {
  const extensions = fields.extensions ?? [];
  const kinds = [...extensions.map(({ header }) => header), protocol];
  const chain = extensions.map(({ rest }, i) => [kinds[i + 1] ?? 0, ...rest]);
  const body = concat(...chain, payload);
  return concat(
    [(fields.version ?? 6) << 4, 0, 0, 0, ...be16(fields.payloadLength ?? body.length)],
    [kinds[0] ?? 0, fields.hopLimit ?? 64],
    addressBytes(address(source)),
    addressBytes(address(destination)),
    body,
  );
}

export function tcp(
  sourcePort: number,
  destinationPort: number,
  flags = SYN,
  payload: Uint8Array = new Uint8Array(),
): Uint8Array {
  return concat(
    [...be16(sourcePort), ...be16(destinationPort), 0, 0, 0, 1, 0, 0, 0, 1],
    [0x50, flags, 0xff, 0xff, 0, 0, 0, 0],
    payload,
  );
}

export function udp(
  sourcePort: number,
  destinationPort: number,
  payload: Uint8Array = new Uint8Array(4),
): Uint8Array {
  const length = 8 + payload.length;
  return concat([...be16(sourcePort), ...be16(destinationPort), ...be16(length), 0, 0], payload);
}

/** A common header and the first bytes of an INIT chunk. */
export function sctp(sourcePort: number, destinationPort: number): Uint8Array {
  return concat([...be16(sourcePort), ...be16(destinationPort), ...zeros(8), 1, 0, 0, 4]);
}

/** @param middle identifier and sequence number, or what the type has in their place */
export function icmp(
  type: number,
  middle = 0x00070001,
  payload: Uint8Array = new Uint8Array(),
): Uint8Array {
  return concat([type, 0, 0, 0, ...be16(middle >>> 16), ...be16(middle & 0xffff)], payload);
}

/** From the Ethernet header on; the family is the addresses'. */
export function frame(
  source: string,
  destination: string,
  protocol: number,
  payload: Uint8Array,
  fields: Ipv4Fields & Ipv6Fields = {},
  tags: readonly number[] = [],
): Uint8Array {
  return address(source).family === 4
    ? ethernet(ETHER.ipv4, ipv4(source, destination, protocol, payload, fields), tags)
    : ethernet(ETHER.ipv6, ipv6(source, destination, protocol, payload, fields), tags);
}

/** What an ICMP error quotes: the packet without its Ethernet header, or its first bytes. */
export function quote(packet: Uint8Array, bytes = 1_000): Uint8Array {
  return packet.slice(14, 14 + bytes);
}
