/** Rules and packets of the bench: N pairs of a CIDR and a port, and 65,536 packets for them. */
import {
  ADDRESS_BITS,
  addressBytes,
  formatPrefix,
  maskAddress,
  parseAddress,
  type Address,
  type Family,
  type Prefix,
} from '../src/address.js';
import { buildPacket } from '../src/codegen/packets.js';
import { PACKETS, RECORD_BYTES } from './driver.js';

export interface CidrRule {
  readonly prefix: Prefix;
  /** TCP. */
  readonly port: number;
}

/** How the CIDRs lie: side by side, or anywhere and of any length. */
export type CidrSpread = 'neighbours' | 'scattered';
export type Traffic = 'allowed' | 'denied';
/** Of a flow: its SYN, or a packet of data. */
export type FlowPart = 'first' | 'later';

export const OWN_ADDRESS = { 4: '10.244.0.5', 6: 'fd00:244::5' } as const;
const PORTS = 100;
const TCP_FLAGS = { first: 0x02, later: 0x10 } as const;

type Random = () => number;

/** A repeatable stream of 32-bit numbers: xorshift32. */
export function randomWords(seed: number): Random {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** No CIDR holds another: those who look for the longest match alone need no unions then. */
export function cidrRules(
  count: number,
  spread: CidrSpread,
  family: Family = 4,
): readonly CidrRule[] {
  const random = randomWords(count);
  const networkAt = { neighbours, scattered }[spread];
  const taken = new Set<string>();
  const around = new Set<string>();
  return Array.from({ length: count }, (_, i) => {
    for (;;) {
      const prefix = networkAt(family, i, random);
      const holders = holdersOf(prefix);
      if (around.has(keyOf(prefix)) || holders.some((one) => taken.has(one))) continue;
      taken.add(keyOf(prefix));
      for (const one of holders) around.add(one);
      return { prefix, port: 1000 + (i % PORTS) };
    }
  });
}

const SHORTEST = { 4: 20, 6: 32 } as const;

/** The prefix itself, and all shorter ones that a rule could have. */
function holdersOf(prefix: Prefix): readonly string[] {
  const { family, length } = prefix;
  const count = length - SHORTEST[family] + 1;
  return Array.from({ length: count }, (_, i) => keyOf(maskAddress(prefix, length - i)));
}

function keyOf({ value, length }: Prefix): string {
  return `${value.toString(36)}/${length}`;
}

/** 20.0.0.0/24 and on, or 2001:db8::/48 and on. */
function neighbours(family: Family, i: number): Prefix {
  return family === 4
    ? maskAddress({ family, value: 0x1400_0000n + BigInt(i) * 256n }, 24)
    : maskAddress({ family, value: (0x2001_0db8_0000n + BigInt(i)) << 80n }, 48);
}

/**
 * From /20 to /32 between 11.0.0.0 and 224.0.0.0, or from /32 to /64 in 2000::/3. Routers throw away what
 * comes from 127.0.0.0/8.
 */
function scattered(family: Family, _: number, random: Random): Prefix {
  if (family === 6) {
    const upper = (BigInt(0x2000_0000 | (random() >>> 3)) << 32n) | BigInt(random());
    return maskAddress({ family, value: upper << 64n }, SHORTEST[6] + (random() % 33));
  }
  for (;;) {
    const word = random();
    const top = word >>> 24;
    if (top >= 11 && top < 224 && top !== 127) {
      return maskAddress({ family, value: BigInt(word) }, SHORTEST[4] + (random() % 13));
    }
  }
}

export function cidrOf({ prefix }: CidrRule): string {
  return formatPrefix(prefix);
}

/** A packet to the pod. */
export interface Flow {
  readonly source: Address;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** From an address of a random rule, to its port or to one that no rule has. */
export function flowsTo(rules: readonly CidrRule[], traffic: Traffic): readonly Flow[] {
  const random = randomWords(rules.length + 1);
  return Array.from({ length: PACKETS }, () => {
    const rule = rules[random() % rules.length];
    if (rule === undefined) throw new Error('no rules');
    const { family, value, length } = rule.prefix;
    const host = BigInt.asUintN(ADDRESS_BITS[family] - length, wide(random));
    const sourcePort = 32_768 + (random() % 28_000);
    const destinationPort = traffic === 'allowed' ? rule.port : 5000 + (random() % 1000);
    return { source: { family, value: value | host }, sourcePort, destinationPort };
  });
}

function wide(random: Random): bigint {
  return Array.from({ length: 4 }, random).reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
}

/** Records for the driver. */
export function recordsOf(family: Family, flows: readonly Flow[]): Uint8Array {
  const size = RECORD_BYTES[family];
  const records = new Uint8Array(flows.length * size);
  const view = new DataView(records.buffer);
  const own = addressBytes(ownAddress(family));
  for (const [i, { source, sourcePort, destinationPort }] of flows.entries()) {
    const at = i * size;
    records.set(addressBytes(source), at);
    records.set(own, at + own.length);
    view.setUint16(at + 2 * own.length, sourcePort);
    view.setUint16(at + 2 * own.length + 2, destinationPort);
  }
  return records;
}

/** The packet that the driver writes records into. */
export function templateOf(family: Family, part: FlowPart): Uint8Array {
  const source = { family, value: 0n };
  return packetOf(part, { source, sourcePort: 40_000, destinationPort: 80 });
}

/** A whole packet with its checksums. */
export function packetOf(part: FlowPart, flow: Flow): Uint8Array {
  const destination = ownAddress(flow.source.family);
  return buildPacket({ ...flow, destination, protocol: 'TCP', tcpFlags: TCP_FLAGS[part] });
}

function ownAddress(family: Family): Address {
  const parsed = parseAddress(OWN_ADDRESS[family]);
  if (parsed === undefined) throw new Error('no address of the pod');
  return parsed;
}
