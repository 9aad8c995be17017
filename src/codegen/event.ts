/** Events: the record that a program writes for a packet that is logged, and how it is read back. */
import type { Address } from '../address.js';
import type { Direction } from '../ir/model.js';
import { decodeCell, OUTCOMES, type Cell, type Outcome } from './layout.js';

/** Goes up with every change of the record. */
export const EVENT_VERSION = 1;

/** Offsets in a record. Numbers are little-endian; addresses are in network order, IPv4 in the first 4 bytes. */
export const EVENT = {
  version: 0,
  outcome: 1,
  /** 0 for packets to the pod, 1 for those that it sends. */
  direction: 2,
  /** Of ICMP and ICMPv6; 0 for all others. */
  icmpType: 3,
  cell: 4,
  /** CLOCK_MONOTONIC. */
  nanoseconds: 8,
  /** Which deciders the cell's number means. */
  fingerprint: 16,
  /** Of the whole packet, its Ethernet header included. */
  length: 20,
  /** The connection's key begins here: see FRAME in emit/frame.ts. */
  remote: 24,
  incarnation: 40,
  localPort: 44,
  remotePort: 46,
  protocol: 48,
  family: 49,
  /** The lower half of the `packet` slot: TCP flags, and what the packet is. */
  packet: 50,
  local: 52,
  /** Padding up to a multiple of 8. */
  padding: 68,
  size: 72,
} as const;

export const EVENT_DIRECTIONS: readonly Direction[] = ['ingress', 'egress'];

export interface PacketEvent {
  readonly outcome: Outcome;
  readonly direction: Direction;
  readonly cell: Cell;
  /** Since the machine was started. */
  readonly nanoseconds: bigint;
  readonly fingerprint: number;
  readonly length: number;
  readonly incarnation: number;
  readonly remote: Address;
  readonly local: Address;
  /** IANA number. */
  readonly protocol: number;
  /** 0 where the protocol has none; for ICMP echo both are its identifier. */
  readonly localPort: number;
  readonly remotePort: number;
  readonly icmpType: number;
  readonly tcpFlags: number;
  readonly laterFragment: boolean;
}

const TCP_PROTOCOL = 6;
const LATER_FRAGMENT = 1 << 12;

/** Undefined for a record of another version: another policyc's programs may share the buffer. */
export function decodeEvent(record: Uint8Array): PacketEvent | undefined {
  if (record.length !== EVENT.size || record[EVENT.version] !== EVENT_VERSION) return undefined;
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const outcome = OUTCOMES[view.getUint8(EVENT.outcome)];
  const direction = EVENT_DIRECTIONS[view.getUint8(EVENT.direction)];
  const family = view.getUint8(EVENT.family);
  if (outcome === undefined || direction === undefined) return undefined;
  if (family !== 4 && family !== 6) return undefined;
  const packet = view.getUint16(EVENT.packet, true);
  const protocol = view.getUint8(EVENT.protocol);
  return {
    outcome,
    direction,
    cell: decodeCell(view.getUint32(EVENT.cell, true)),
    nanoseconds: view.getBigUint64(EVENT.nanoseconds, true),
    fingerprint: view.getUint32(EVENT.fingerprint, true),
    length: view.getUint32(EVENT.length, true),
    incarnation: view.getUint32(EVENT.incarnation, true),
    remote: addressAt(record, EVENT.remote, family),
    local: addressAt(record, EVENT.local, family),
    protocol,
    localPort: view.getUint16(EVENT.localPort, true),
    remotePort: view.getUint16(EVENT.remotePort, true),
    icmpType: view.getUint8(EVENT.icmpType),
    tcpFlags: protocol === TCP_PROTOCOL ? packet & 0xff : 0,
    laterFragment: (packet & LATER_FRAGMENT) !== 0,
  };
}

function addressAt(record: Uint8Array, offset: number, family: 4 | 6): Address {
  let value = 0n;
  const bytes = record.subarray(offset, offset + (family === 4 ? 4 : 16));
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return { family, value };
}
