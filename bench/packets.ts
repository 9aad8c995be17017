/** Rules and packets of the bench: N pairs of a CIDR and a port, and 65,536 packets for them. */
import { PACKETS, RECORD_BYTES } from './driver.js';

export interface CidrRule {
  readonly base: number;
  readonly length: number;
  readonly port: number;
}

/** How the CIDRs lie: side by side, or anywhere and of any length. */
export type CidrSpread = 'neighbours' | 'scattered';
export type Traffic = 'allowed' | 'denied';

export const OWN_ADDRESS = '10.244.0.5';
const OWN = 0x0af4_0005;
const FIRST_NET = 0x1400_0000;
const PORTS = 100;

/** A repeatable stream of 32-bit numbers: xorshift32. */
export function randomWords(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

export function cidrRules(count: number, spread: CidrSpread): readonly CidrRule[] {
  const random = randomWords(count);
  const taken = new Set<number>();
  return Array.from({ length: count }, (_, i) => {
    const port = 1000 + (i % PORTS);
    if (spread === 'neighbours') return { base: FIRST_NET + i * 256, length: 24, port };
    for (;;) {
      const length = 20 + (random() % 13);
      const base = (random() & (-1 << (32 - length))) >>> 0;
      const top = base >>> 24;
      if (taken.has(base) || top < 11 || top >= 224) continue;
      taken.add(base);
      return { base, length, port };
    }
  });
}

export function cidrOf({ base, length }: CidrRule): string {
  return `${[24, 16, 8, 0].map((shift) => (base >>> shift) & 0xff).join('.')}/${length}`;
}

/** Records for the driver: packets to the pod, from an address of a random rule, to its port or to none. */
export function packetRecords(rules: readonly CidrRule[], traffic: Traffic): Uint8Array {
  const random = randomWords(rules.length + 1);
  const records = new Uint8Array(PACKETS * RECORD_BYTES[4]);
  const view = new DataView(records.buffer);
  for (let i = 0; i < PACKETS; i += 1) {
    const rule = rules[random() % rules.length];
    if (rule === undefined) throw new Error('no rules');
    const at = i * RECORD_BYTES[4];
    const host = rule.length === 32 ? 0 : random() % 2 ** (32 - rule.length);
    view.setUint32(at, rule.base + host);
    view.setUint32(at + 4, OWN);
    view.setUint16(at + 8, 32_768 + (random() % 28_000));
    view.setUint16(at + 10, traffic === 'allowed' ? rule.port : 5000 + (random() % 1000));
  }
  return records;
}
