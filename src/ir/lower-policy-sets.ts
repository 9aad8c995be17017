/** Sets of addresses: CIDR blocks, their exceptions, and the arithmetic between sets. */
import {
  ADDRESS_BITS,
  formatPrefix,
  hostPrefix,
  parseAddress,
  parsePrefix,
  prefixCovers,
  type Address,
  type Prefix,
} from '../address.js';
import type { Text } from '../parser/ast.js';
import type { Reporter } from './lower-policy-context.js';

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
  return prefix;
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
  let rest = part.include;
  for (const hole of part.exclude) rest = rest.flatMap((prefix) => punch(prefix, hole));
  return rest;
}

/** The prefixes that cover `prefix` without `hole`: one for each bit between them. */
function punch(prefix: Prefix, hole: Prefix): readonly Prefix[] {
  if (prefixCovers(hole, prefix)) return [];
  if (!prefixCovers(prefix, hole)) return [prefix];
  const rest: Prefix[] = [];
  for (let length = prefix.length + 1; length <= hole.length; length += 1) {
    const shift = BigInt(ADDRESS_BITS[prefix.family] - length);
    rest.push({ family: prefix.family, value: ((hole.value >> shift) ^ 1n) << shift, length });
  }
  return rest;
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
