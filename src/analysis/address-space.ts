/** The address space of both families as intervals, each with its class; and sets of classes as prefixes. */
import {
  ADDRESS_BITS,
  maskAddress,
  prefixLast,
  type Address,
  type Family,
  type Prefix,
} from '../address.js';
import type { AddressClass, AddressClasses, ClassId } from '../codegen/bind/classes.js';
import type { Flavour } from '../codegen/layout.js';
import { bug } from '../diagnostics.js';

export interface AddressInterval {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
  readonly classId: ClassId;
}

/** A prefix without some prefixes in it. */
export interface PrefixExcept {
  readonly prefix: Prefix;
  readonly except: readonly Prefix[];
}

export class AddressSpace {
  /** By family, ascending, without gaps or overlaps. */
  readonly intervals: Readonly<Record<Family, readonly AddressInterval[]>>;
  readonly #byClass = new Map<ClassId, AddressInterval[]>();
  readonly #classes: readonly AddressClass[];
  readonly #byFlavour = new Map<string, Neighbours>();

  constructor({ classes, entries }: AddressClasses) {
    this.#classes = classes;
    this.intervals = { 4: cutFamily(4, entries), 6: cutFamily(6, entries) };
    for (const family of [4, 6] as const) {
      for (const interval of this.intervals[family]) {
        const list = this.#byClass.get(interval.classId);
        if (list === undefined) this.#byClass.set(interval.classId, [interval]);
        else list.push(interval);
      }
    }
  }

  /** Where the class lies; nowhere, where others cover all of it. */
  of(id: ClassId): readonly AddressInterval[] {
    return this.#byClass.get(id) ?? [];
  }

  families(classes: readonly AddressClass[]): ReadonlySet<Family> {
    return new Set(classes.flatMap(({ id }) => this.of(id)).map(({ family }) => family));
  }

  /** The lowest address, IPv4 first. */
  firstAddress(classes: readonly AddressClass[], family?: Family): Address | undefined {
    const found = classes
      .flatMap(({ id }) => this.of(id))
      .filter((one) => family === undefined || one.family === family)
      .sort((a, b) => a.family - b.family || (a.first < b.first ? -1 : 1));
    const [lowest] = found;
    return lowest === undefined ? undefined : { family: lowest.family, value: lowest.first };
  }

  /**
   * The fewest prefixes, each less some others, that hold all addresses of these classes and none of
   * others of their flavour, which all of them have. Addresses of other flavours may be in or out: they
   * are told by name.
   */
  prefixesOf(classes: readonly AddressClass[], family: Family): readonly PrefixExcept[] {
    const [one] = classes;
    if (one === undefined) return [];
    const neighbours = this.#neighbours(one.flavour, family);
    const wanted = classes
      .flatMap(({ id }) => this.of(id))
      .filter((interval) => interval.family === family)
      .map((interval) => neighbours.places.get(interval) ?? bug('an interval of another flavour'))
      .sort((a, b) => a - b);
    const runs: Run[] = [];
    let next = 0;
    const pushOthers = (to: number): void => {
      const [first, last] = [neighbours.list[next], neighbours.list[to - 1]];
      if (next < to && first !== undefined && last !== undefined) {
        runs.push({ first: first.first, last: last.last, inside: false });
      }
    };
    for (const place of wanted) {
      pushOthers(place);
      const interval = neighbours.list[place] ?? bug(`no interval ${place}`);
      const open = runs.at(-1);
      if (open?.inside === true) open.last = interval.last;
      else runs.push({ first: interval.first, last: interval.last, inside: true });
      next = place + 1;
    }
    if (runs.length === 0) return [];
    pushOthers(neighbours.list.length);
    const root: Prefix = { family, value: 0n, length: 0 };
    return assemble(cover(root, runs, 0, runs.length));
  }

  /** The intervals of a flavour, ascending, and where each stands. */
  #neighbours(flavour: Flavour, family: Family): Neighbours {
    const key = `${flavour} ${family}`;
    let known = this.#byFlavour.get(key);
    if (known === undefined) {
      const list = this.intervals[family].filter(
        ({ classId }) => this.#classes[classId]?.flavour === flavour,
      );
      known = { list, places: new Map(list.map((interval, i) => [interval, i])) };
      this.#byFlavour.set(key, known);
    }
    return known;
  }
}

interface Neighbours {
  readonly list: readonly AddressInterval[];
  readonly places: ReadonlyMap<AddressInterval, number>;
}

interface Run {
  readonly first: bigint;
  last: bigint;
  readonly inside: boolean;
}

function cutFamily(family: Family, entries: AddressClasses['entries']): readonly AddressInterval[] {
  const sorted = entries
    .filter(({ prefix }) => prefix.family === family)
    .sort(({ prefix: a }, { prefix: b }) => {
      if (a.value !== b.value) return a.value < b.value ? -1 : 1;
      return a.length - b.length;
    });
  const end = (1n << BigInt(ADDRESS_BITS[family])) - 1n;
  const intervals: AddressInterval[] = [];
  const open: { readonly last: bigint; readonly classId: ClassId }[] = [{ last: end, classId: 0 }];
  let at = 0n;
  const fill = (to: bigint): void => {
    if (at > to) return;
    intervals.push({ family, first: at, last: to, classId: open.at(-1)?.classId ?? 0 });
    at = to + 1n;
  };
  for (const { prefix, classId } of sorted) {
    for (let top = open.at(-1); top !== undefined && top.last < prefix.value; top = open.at(-1)) {
      fill(top.last);
      open.pop();
    }
    fill(prefix.value - 1n);
    open.push({ last: prefixLast(prefix), classId });
  }
  for (let top = open.at(-1); top !== undefined; top = open.at(-1)) {
    fill(top.last);
    open.pop();
  }
  return intervals;
}

/** A tree of prefixes: what is in it, apart from what is within another that says otherwise. */
interface Node {
  readonly prefix: Prefix;
  readonly inside: boolean;
  readonly within: readonly Node[];
}

/** What a part of the tree costs if what surrounds it is in, and if it is out. */
interface Choice {
  readonly in: readonly Node[];
  readonly out: readonly Node[];
}

/** Runs from `from` to before `to` touch the prefix. */
function cover(prefix: Prefix, runs: readonly Run[], from: number, to: number): Choice {
  const first = runs[from];
  if (first === undefined || from >= to) return { in: [], out: [] };
  if (to - from === 1) {
    const node: Node = { prefix: tighten(prefix, first), inside: first.inside, within: [] };
    return first.inside ? { in: [], out: [node] } : { in: [node], out: [] };
  }
  const length = prefix.length + 1;
  const half = 1n << BigInt(ADDRESS_BITS[prefix.family] - length);
  const middle = prefix.value | half;
  let split = from;
  while (split < to && (runs[split]?.last ?? 0n) < middle) split += 1;
  const straddles = split < to && (runs[split]?.first ?? 0n) < middle;
  const left = cover({ ...prefix, length }, runs, from, straddles ? split + 1 : split);
  const right = cover({ ...prefix, value: middle, length }, runs, split, to);
  const plain: Choice = { in: [...left.in, ...right.in], out: [...left.out, ...right.out] };
  // Say the prefix as a whole and its exceptions where that is no longer.
  const asIn: Node = { prefix, inside: true, within: plain.in };
  const asOut: Node = { prefix, inside: false, within: plain.out };
  return {
    in: size(plain.out) + 1 <= size(plain.in) ? [asOut] : plain.in,
    out: size(plain.in) + 1 <= size(plain.out) ? [asIn] : plain.out,
  };
}

/** The longest prefix that holds all that the run and the prefix have in common. */
function tighten(prefix: Prefix, run: Run): Prefix {
  const first = run.first > prefix.value ? run.first : prefix.value;
  const end = prefixLast(prefix);
  const differing = first ^ (run.last < end ? run.last : end);
  const bits = differing === 0n ? 0 : differing.toString(2).length;
  return maskAddress({ ...prefix, value: first }, ADDRESS_BITS[prefix.family] - bits);
}

function size(nodes: readonly Node[]): number {
  return nodes.reduce((sum, { within }) => sum + 1 + size(within), 0);
}

/** What is in again within an exception stands for itself. */
function assemble({ out }: Choice): readonly PrefixExcept[] {
  const found: PrefixExcept[] = [];
  const visit = (node: Node): void => {
    found.push({ prefix: node.prefix, except: node.within.map(({ prefix }) => prefix) });
    for (const hole of node.within) hole.within.forEach(visit);
  };
  out.forEach(visit);
  return found;
}
