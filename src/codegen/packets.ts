/** Packets: builds the first packet of a flow, from the Ethernet header on. */
import { addressBytes, type Address } from '../address.js';
import { bug } from '../diagnostics.js';
import type { Protocol } from '../ir/interpret.js';

export interface PacketFields {
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: Protocol;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Echo request unless told. */
  readonly icmpType?: number;
  readonly icmpCode?: number;
  /** SYN (2) unless told. */
  readonly tcpFlags?: number;
  readonly payload?: Uint8Array;
}

/** Protocol numbers (IANA). */
const NUMBERS: Readonly<Record<Protocol, number>> = {
  TCP: 6,
  UDP: 17,
  SCTP: 132,
  ICMP: 1,
  ICMPv6: 58,
};
const ETHERNET_BYTES = 14;
const HOP_LIMIT = 64;
const TCP_SYN = 0x02;
const SCTP_INIT = 1;
const DESTINATION_MAC = [0x02, 0, 0, 0, 0, 0x02];
const SOURCE_MAC = [0x02, 0, 0, 0, 0, 0x01];

/** Checksums are right, so that the packet could also be sent. */
export function buildPacket(fields: PacketFields): Uint8Array {
  const { source, destination } = fields;
  if (source.family !== destination.family) bug('a packet between two address families');
  const transport = transportOf(fields);
  const header =
    source.family === 4 ? ipv4Header(fields, transport) : ipv6Header(fields, transport);
  const etherType = source.family === 4 ? [0x08, 0x00] : [0x86, 0xdd];
  const packet = new Uint8Array(ETHERNET_BYTES + header.length + transport.length);
  packet.set([...DESTINATION_MAC, ...SOURCE_MAC, ...etherType]);
  packet.set(header, ETHERNET_BYTES);
  packet.set(transport, ETHERNET_BYTES + header.length);
  return packet;
}

function ipv4Header(fields: PacketFields, transport: Uint8Array): Uint8Array {
  const header = new Uint8Array(20);
  const view = new DataView(header.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, header.length + transport.length);
  view.setUint8(8, HOP_LIMIT);
  view.setUint8(9, NUMBERS[fields.protocol]);
  header.set(addressBytes(fields.source), 12);
  header.set(addressBytes(fields.destination), 16);
  view.setUint16(10, internetChecksum([header]));
  return header;
}

function ipv6Header(fields: PacketFields, transport: Uint8Array): Uint8Array {
  const header = new Uint8Array(40);
  const view = new DataView(header.buffer);
  view.setUint8(0, 0x60);
  view.setUint16(4, transport.length);
  view.setUint8(6, NUMBERS[fields.protocol]);
  view.setUint8(7, HOP_LIMIT);
  header.set(addressBytes(fields.source), 8);
  header.set(addressBytes(fields.destination), 24);
  return header;
}

function transportOf(fields: PacketFields): Uint8Array {
  const payload = fields.payload ?? new Uint8Array();
  switch (fields.protocol) {
    case 'TCP':
      return tcpSegment(fields, payload);
    case 'UDP':
      return udpDatagram(fields, payload);
    case 'SCTP':
      return sctpPacket(fields, payload);
    case 'ICMP':
    case 'ICMPv6':
      return icmpMessage(fields, payload);
  }
}

function tcpSegment(fields: PacketFields, payload: Uint8Array): Uint8Array {
  const [bytes, view] = withPorts(fields, 20, payload);
  view.setUint32(4, 1);
  view.setUint8(12, 5 << 4);
  view.setUint8(13, fields.tcpFlags ?? TCP_SYN);
  view.setUint16(14, 0xffff);
  view.setUint16(16, transportChecksum(fields, bytes));
  return bytes;
}

function udpDatagram(fields: PacketFields, payload: Uint8Array): Uint8Array {
  const [bytes, view] = withPorts(fields, 8, payload);
  view.setUint16(4, bytes.length);
  // Zero means "no checksum", so that a sum of zero is sent as its complement (RFC 768).
  view.setUint16(6, transportChecksum(fields, bytes) || 0xffff);
  return bytes;
}

/** A common header and an INIT chunk, without its CRC32c, which no program looks at. */
function sctpPacket(fields: PacketFields, payload: Uint8Array): Uint8Array {
  const [bytes, view] = withPorts(fields, 32, payload);
  view.setUint8(12, SCTP_INIT);
  view.setUint16(14, 20);
  return bytes;
}

function icmpMessage(fields: PacketFields, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, fields.icmpType ?? (fields.protocol === 'ICMP' ? 8 : 128));
  view.setUint8(1, fields.icmpCode ?? 0);
  view.setUint16(4, 1);
  view.setUint16(6, 1);
  bytes.set(payload, 8);
  const sum =
    fields.protocol === 'ICMP' ? internetChecksum([bytes]) : transportChecksum(fields, bytes);
  view.setUint16(2, sum);
  return bytes;
}

function withPorts(
  fields: PacketFields,
  headerBytes: number,
  payload: Uint8Array,
): readonly [Uint8Array, DataView] {
  const bytes = new Uint8Array(headerBytes + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, fields.sourcePort);
  view.setUint16(2, fields.destinationPort);
  bytes.set(payload, headerBytes);
  return [bytes, view];
}

/** With the pseudo header of RFC 9293 or RFC 8200. */
function transportChecksum(fields: PacketFields, bytes: Uint8Array): number {
  const pseudo = new Uint8Array(8);
  const view = new DataView(pseudo.buffer);
  view.setUint32(0, bytes.length);
  view.setUint32(4, NUMBERS[fields.protocol]);
  return internetChecksum([
    addressBytes(fields.source),
    addressBytes(fields.destination),
    pseudo,
    bytes,
  ]);
}

/** The ones' complement of the ones' complement sum (RFC 1071). */
function internetChecksum(parts: readonly Uint8Array[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) {
      sum += ((part[i] ?? 0) << 8) | (part[i + 1] ?? 0);
    }
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
