/** Sets of addresses: CIDR blocks, their exceptions, and the arithmetic between sets. */
import {
  ADDRESS_BITS,
  formatPrefix,
  hostPrefix,
  parseAddress,
  parsePrefix,
  prefixLast,
  type Address,
  type Family,
  type Prefix,
} from '../../address.js';
import type { Text } from '../../parser/ast.js';
import { noteOrigin } from '../clause-origins.js';
import type { Reporter } from './context.js';

/** Addresses in some prefix of `include` and in none of `exclude`; a set is the union of parts. */
export interface SetPart {
  readonly include: readonly Prefix[];
  readonly exclude: readonly Prefix[];
}

export function readPrefix(node: Text, reporter: Reporter): Prefix | undefined {
  const prefix = parsePrefix(node.text);
  if (prefix === undefined) {
    const address = parseAddress(node.text);
    const example = address === undefined ? undefined : formatPrefix(hostPrefix(address));
    reporter.report('policy/bad-cidr', { text: node.text, example }, node.span);
    return undefined;
  }
  const written = parseAddress(node.text.slice(0, node.text.indexOf('/')));
  if (written !== undefined && written.value !== prefix.value) {
    const args = { text: node.text, meaning: formatPrefix(prefix) };
    reporter.report('policy/host-bits', args, node.span);
  }
  return noteOrigin(prefix, node.span);
}

/** The parts without the addresses of `taken`. */
export function subtractSet(
  parts: readonly SetPart[],
  taken: readonly SetPart[],
): readonly SetPart[] {
  const exclude = taken.flatMap((part) => flattenPart(part));
  return parts.map((part) => ({ include: part.include, exclude: [...part.exclude, ...exclude] }));
}

/** The part as prefixes alone; without exceptions as it is. */
function flattenPart(part: SetPart): readonly Prefix[] {
  if (part.exclude.length === 0) return part.include;
  return ([4, 6] as const).flatMap((family) => {
    const holes = rangesOf(part.exclude, family);
    const rest: Prefix[] = [];
    let next = 0;
    for (const { first, last } of rangesOf(part.include, family)) {
      let start = first;
      while ((holes[next]?.last ?? last) < start) next += 1;
      for (let i = next; i < holes.length; i += 1) {
        const hole = holes[i];
        if (hole === undefined || hole.first > last) break;
        if (hole.first > start) pushPrefixes(rest, family, start, hole.first - 1n);
        start = hole.last + 1n;
      }
      if (start <= last) pushPrefixes(rest, family, start, last);
    }
    return rest;
  });
}

/** Addresses from `first` to `last`, both included. */
interface Range {
  readonly first: bigint;
  last: bigint;
}

/** The prefixes of a family as ranges: sorted, apart from each other. */
function rangesOf(prefixes: readonly Prefix[], family: Family): readonly Range[] {
  const sorted = prefixes
    .filter((prefix) => prefix.family === family)
    .map((prefix): Range => ({ first: prefix.value, last: prefixLast(prefix) }))
    .sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const merged: Range[] = [];
  for (const range of sorted) {
    const before = merged.at(-1);
    if (before === undefined || range.first > before.last + 1n) merged.push(range);
    else if (range.last > before.last) before.last = range.last;
  }
  return merged;
}

/** Adds the fewest prefixes that hold the addresses from `first` to `last`. */
function pushPrefixes(into: Prefix[], family: Family, first: bigint, last: bigint): void {
  for (let start = first; start <= last;) {
    let length = ADDRESS_BITS[family];
    let size = 1n;
    while (length > 0 && start % (size * 2n) === 0n && start + size * 2n - 1n <= last) {
      size *= 2n;
      length -= 1;
    }
    into.push({ family, value: start, length });
    start += size;
  }
}

/** Tells quickly whether a prefix touches any of many. */
export class PrefixIndex {
  readonly #byFamily: Record<4 | 6, { readonly prefixes: Set<string>; readonly starts: bigint[] }> =
    { 4: { prefixes: new Set(), starts: [] }, 6: { prefixes: new Set(), starts: [] } };

  constructor(prefixes: Iterable<Prefix>) {
    for (const prefix of prefixes) {
      const family = this.#byFamily[prefix.family];
      family.prefixes.add(keyOf(prefix, prefix.length));
      family.starts.push(prefix.value);
    }
    for (const { starts } of Object.values(this.#byFamily)) {
      starts.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    }
  }

  touches(prefix: Prefix): boolean {
    const { prefixes, starts } = this.#byFamily[prefix.family];
    for (let length = 0; length <= prefix.length; length += 1) {
      if (prefixes.has(keyOf(prefix, length))) return true;
    }
    const end = prefix.value + (1n << BigInt(ADDRESS_BITS[prefix.family] - prefix.length));
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? end) < prefix.value) low = middle + 1;
      else high = middle;
    }
    const next = starts[low];
    return next !== undefined && next < end;
  }
}

function keyOf(address: Address, length: number): string {
  const shift = BigInt(ADDRESS_BITS[address.family] - length);
  return `${length}:${(address.value >> shift).toString(16)}`;
}
