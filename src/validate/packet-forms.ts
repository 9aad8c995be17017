/** Packet forms: the same packet with a tag, with options, as data, in fragments, cut, or from elsewhere. */
import type { Family } from '../address.js';
import { DROP, OUTCOMES, PASS } from '../codegen/layout.js';
import type { PacketVerdict } from '../codegen/packet-judge.js';
import { ICMP, type PortPoint } from './boundaries.js';
import { firstPacketFault, type Answer, type Expected } from './expected.js';
import { TRANSPORT_AT } from './probe-packets.js';

/** What has to become of a packet in that form. */
export type FormEnd =
  /** The same as of the plain packet. */
  | 'same'
  /** What fragments get: some port of the protocol is allowed, or none. */
  | 'fragment'
  /** Dropped, and why. */
  | 'malformed'
  | 'spoofed';

/** Of a pod that routes, packets from elsewhere are judged like its own. */
export function endFor(form: PacketForm, routes: boolean): FormEnd {
  return form.end === 'spoofed' && routes ? 'same' : form.end;
}

export interface PacketForm {
  readonly name: string;
  readonly end: FormEnd;
  /** Whether packets of the family, protocol and way can have it. */
  readonly applies: (family: Family, point: PortPoint, fromPod: boolean) => boolean;
  readonly write: (plain: Uint8Array, family: Family) => Uint8Array;
}

const TAG = [0x81, 0x00, 0x00, 0x05] as const;
const MAC_BYTES = 12;
const ETHERNET_BYTES = 14;
const TCP_FLAGS = 13;
const TCP_ACK = 0x10;
const NO_OPERATION = 1;
/** A hop-by-hop header of 8 bytes: next header, no further length, padding of 4 bytes. */
const PADDED_HEADER = [0, 0, 1, 4, 0, 0, 0, 0] as const;
const always = (): boolean => true;
const isTcp = (point: PortPoint): boolean => point >>> 16 === 0;
/** In units of 8 bytes. */
const SOME_OFFSET = 185;
/** The least of a layer 4 header that no protocol of ours can do with. */
const CUT_BYTES = 3;

export const FORMS: readonly PacketForm[] = [
  { name: 'packet with a VLAN tag', end: 'same', applies: always, write: withTag },
  { name: 'packet with IP options', end: 'same', applies: always, write: withOptions },
  {
    name: 'packet with two tags and IP options',
    end: 'same',
    applies: always,
    write: (plain, family) => withTag(withTag(withOptions(plain, family))),
  },
  {
    name: 'data packet',
    end: 'same',
    applies: (_, point) => isTcp(point),
    write: (plain, family) => {
      const packet = plain.slice();
      packet[TRANSPORT_AT[family] + TCP_FLAGS] = TCP_ACK;
      return packet;
    },
  },
  {
    name: 'packet cut short',
    end: 'malformed',
    applies: (_, point) => point <= ICMP,
    write: (plain, family) => plain.slice(0, TRANSPORT_AT[family] + CUT_BYTES),
  },
  {
    name: 'packet from a foreign address',
    end: 'spoofed',
    applies: (_family, _point, fromPod) => fromPod,
    write: (plain, family) => {
      const packet = plain.slice();
      const at = family === 4 ? ETHERNET_BYTES + 12 : ETHERNET_BYTES + 8;
      packet[at + 1] = (packet[at + 1] ?? 0) ^ 0x55;
      return packet;
    },
  },
  {
    name: 'later fragment',
    end: 'fragment',
    applies: (family, point) => family === 4 && point < ICMP,
    write: (plain) => {
      const packet = plain.slice();
      packet[ETHERNET_BYTES + 6] = SOME_OFFSET >>> 8;
      packet[ETHERNET_BYTES + 7] = SOME_OFFSET & 0xff;
      return packet;
    },
  },
];

/** Undefined where the run ended as the form must. */
export function formFault(
  end: FormEnd,
  expected: Expected,
  fragmentPasses: () => boolean,
  run: PacketVerdict,
): Answer | undefined {
  const { result, cb } = run;
  if (end === 'same') return firstPacketFault(expected, run);
  const outcome = OUTCOMES[cb[1] ?? 0] ?? 'none';
  const right =
    end === 'fragment'
      ? (result === PASS) === fragmentPasses() && outcome === 'judged'
      : result === DROP && outcome === end;
  if (right) return undefined;
  const verdict = result === PASS ? 'allow' : 'deny';
  return { verdict, reason: 'none', decider: 0, note: `it ended as ${outcome}` };
}

function withTag(plain: Uint8Array): Uint8Array {
  return Uint8Array.of(...plain.subarray(0, MAC_BYTES), ...TAG, ...plain.subarray(MAC_BYTES));
}

function withOptions(plain: Uint8Array, family: Family): Uint8Array {
  const at = TRANSPORT_AT[family];
  if (family === 4) {
    const options = [NO_OPERATION, NO_OPERATION, NO_OPERATION, 0];
    const packet = Uint8Array.of(...plain.subarray(0, at), ...options, ...plain.subarray(at));
    packet[ETHERNET_BYTES] = 0x46;
    addTo16(packet, ETHERNET_BYTES + 2, options.length);
    return packet;
  }
  const next = plain[ETHERNET_BYTES + 6] ?? 0;
  const header = [next, ...PADDED_HEADER.slice(1)];
  const packet = Uint8Array.of(...plain.subarray(0, at), ...header, ...plain.subarray(at));
  packet[ETHERNET_BYTES + 6] = 0;
  addTo16(packet, ETHERNET_BYTES + 4, header.length);
  return packet;
}

function addTo16(bytes: Uint8Array, at: number, more: number): void {
  const view = new DataView(bytes.buffer);
  view.setUint16(at, view.getUint16(at) + more);
}
