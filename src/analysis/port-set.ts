/** Sets of ports: intervals of the port index, and how they are said. */
import { OTHER_GROUP, PORT_INDEX, PROTOCOL_GROUPS } from '../codegen/layout.js';
import type { PortProtocol } from '../ir/model.js';

/** First and last port index, both included. */
export type PortInterval = readonly [first: number, last: number];

/** Ascending, without gaps of length zero. */
export type PortSet = readonly PortInterval[];

/** A range of ports of one protocol; `other` is every protocol without ports, ICMP among them. */
export type PortRange =
  | { readonly protocol: PortProtocol; readonly first: number; readonly last: number }
  | { readonly protocol: 'other' };

export function unitePorts(sets: readonly PortSet[]): PortSet {
  const sorted = sets.flat().sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [first, last] of sorted) {
    const open = merged.at(-1);
    if (open !== undefined && first <= open[1] + 1) open[1] = Math.max(open[1], last);
    else merged.push([first, last]);
  }
  return merged;
}

export function portSetKey(set: PortSet): string {
  return set.map(([first, last]) => `${first}-${last}`).join();
}

export function hasPort(set: PortSet, index: number): boolean {
  return set.some(([first, last]) => first <= index && index <= last);
}

/** By protocol: TCP, UDP, SCTP, and what has no ports. */
export function portRanges(set: PortSet): readonly PortRange[] {
  const ranges: PortRange[] = [];
  for (const [first, last] of set) {
    for (let group = first >>> 16; group <= last >>> 16; group += 1) {
      const protocol = PROTOCOL_GROUPS[group];
      if (protocol === undefined || group === OTHER_GROUP) {
        ranges.push({ protocol: 'other' });
        continue;
      }
      const base = group << 16;
      ranges.push({
        protocol,
        first: Math.max(first, base) - base,
        last: Math.min(last, base + 0xffff) - base,
      });
    }
  }
  return ranges;
}

/** Fewer ports than these are an exception. */
const FEW = 0x8000;

/**
 * In the words of the policy language: `443/tcp, 8000-8100/tcp`, `any port`, `any tcp`; `any port but 443/tcp`
 * where that is shorter.
 */
export function portText(set: PortSet): string {
  const ranges = portRanges(set);
  const whole = (range: PortRange): boolean =>
    range.protocol === 'other' || (range.first === 0 && range.last === 0xffff);
  if (ranges.length === OTHER_GROUP + 1 && ranges.every(whole)) return 'any port';
  const gaps = missingPorts(set);
  const missing = portRanges(gaps);
  const isFew = gaps.reduce((sum, [first, last]) => sum + last - first + 1, 0) < FEW;
  const has = new Set(ranges.map(({ protocol }) => protocol));
  if (isFew && has.size === OTHER_GROUP + 1 && missing.length < ranges.length) {
    return `any port but ${missing.map(rangeText).join(', ')}`;
  }
  return ranges.map(rangeText).join(', ');
}

function missingPorts(set: PortSet): PortSet {
  const gaps: PortInterval[] = [];
  let next = 0;
  for (const [first, last] of set) {
    if (next < first) gaps.push([next, first - 1]);
    next = last + 1;
  }
  return next <= PORT_INDEX.other ? [...gaps, [next, PORT_INDEX.other]] : gaps;
}

function rangeText(range: PortRange): string {
  if (range.protocol === 'other') return 'icmp and others';
  const { protocol, first, last } = range;
  const name = protocol.toLowerCase();
  if (first === 0 && last === 0xffff) return `any ${name}`;
  return first === last ? `${first}/${name}` : `${first}-${last}/${name}`;
}

/** What a port index means in a packet; undefined stands for ICMP of the packet's family. */
export function protocolAt(index: number): { protocol: PortProtocol; port: number } | undefined {
  const protocol = PROTOCOL_GROUPS[index >>> 16];
  return index >= PORT_INDEX.other || protocol === undefined
    ? undefined
    : { protocol, port: index & 0xffff };
}
