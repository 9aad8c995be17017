/** Probe packets: one frame for each family and protocol, into which addresses and ports are written. */
import { addressBytes, type Address, type Family } from '../address.js';
import { bug } from '../diagnostics.js';
import { buildPacket } from '../codegen/packets.js';
import { PROTOCOL_GROUPS } from '../codegen/layout.js';
import type { Protocol } from '../ir/interpret.js';
import type { Direction } from '../ir/model.js';
import { ICMP, OTHER_PROTOCOL, type PortPoint } from './boundaries.js';

/** The client's port of every probe. */
export const CLIENT_PORT = 49_152;
/** Encapsulating Security Payload: it has no ports that anyone could read. */
const ESP = 50;
const ETHERNET_BYTES = 14;
const ADDRESSES_AT = { 4: ETHERNET_BYTES + 12, 6: ETHERNET_BYTES + 8 } as const;
const PROTOCOL_AT = { 4: ETHERNET_BYTES + 9, 6: ETHERNET_BYTES + 6 } as const;
export const TRANSPORT_AT = { 4: ETHERNET_BYTES + 20, 6: ETHERNET_BYTES + 40 } as const;
const ADDRESS_BYTES = { 4: 4, 6: 16 } as const;

/** What the model calls the protocol of a point. */
export function protocolOf(point: PortPoint, family: Family): Protocol {
  if (point < ICMP) return PROTOCOL_GROUPS[point >>> 16] ?? bug(`no protocol of ${point}`);
  return family === 4 ? 'ICMP' : 'ICMPv6';
}

export function portOf(point: PortPoint): number {
  return point < ICMP ? point & 0xffff : 0;
}

/** `forward`: the first of a flow; `reply`: the peer's answer to it. */
export type Way = 'forward' | 'reply';

/** Writes packets into frames of its own: each is valid until the next of its kind. */
export class ProbeFrames {
  readonly #frames = new Map<string, Uint8Array>();

  /**
   * @param direction of the flow's first packet at the pod
   * @param own the pod's address, in network order
   */
  write(
    way: Way,
    direction: Direction,
    family: Family,
    own: Uint8Array,
    remote: Uint8Array,
    point: PortPoint,
  ): Uint8Array {
    const frame = this.#frameOf(way, family, point);
    const size = ADDRESS_BYTES[family];
    const fromPod = (direction === 'egress') === (way === 'forward');
    frame.set(fromPod ? own : remote, ADDRESSES_AT[family]);
    frame.set(fromPod ? remote : own, ADDRESSES_AT[family] + size);
    if (point < ICMP) {
      const at = TRANSPORT_AT[family];
      writePort(frame, way === 'forward' ? at + 2 : at, point & 0xffff);
      writePort(frame, way === 'forward' ? at : at + 2, CLIENT_PORT);
    }
    return frame;
  }

  #frameOf(way: Way, family: Family, point: PortPoint): Uint8Array {
    const kind = point < ICMP ? point >>> 16 : point;
    const key = `${way} ${family} ${kind}`;
    let frame = this.#frames.get(key);
    if (frame === undefined) {
      frame = makeFrame(way, family, point);
      this.#frames.set(key, frame);
    }
    return frame;
  }
}

const TCP_SYN_ACK = 0x12;
const ECHO_REPLY = { 4: 0, 6: 129 } as const;

function makeFrame(way: Way, family: Family, point: PortPoint): Uint8Array {
  const nobody: Address = { family, value: 0n };
  const frame = buildPacket({
    source: nobody,
    destination: nobody,
    protocol: protocolOf(point, family),
    sourcePort: CLIENT_PORT,
    destinationPort: CLIENT_PORT,
    ...(way === 'reply' ? { tcpFlags: TCP_SYN_ACK, icmpType: ECHO_REPLY[family] } : {}),
  });
  if (point === OTHER_PROTOCOL) frame[PROTOCOL_AT[family]] = ESP;
  return frame;
}

function writePort(frame: Uint8Array, at: number, port: number): void {
  frame[at] = port >>> 8;
  frame[at + 1] = port & 0xff;
}

/** An address as packets have it, remembered since many probes share it. */
export function bytesOf(address: Address): Uint8Array {
  let bytes = written.get(address);
  if (bytes === undefined) {
    bytes = addressBytes(address);
    written.set(address, bytes);
  }
  return bytes;
}

const written = new WeakMap<Address, Uint8Array>();
