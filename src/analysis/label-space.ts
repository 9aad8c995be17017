/**
 * The space of all labels that pods, namespaces or nodes may have, cut into classes by selectors: for
 * each set of selectors that one object can satisfy without satisfying the others, labels that do.
 */
import type { Labels } from '../ir/cluster.js';
import type { LabelRequirement, LabelSelector } from '../ir/model.js';

/** One class: all labels that satisfy exactly these selectors. */
export interface LabelClass {
  /** Positions of the selectors that hold, ascending. */
  readonly selected: readonly number[];
  /** The plainest labels of the class: as few as possible, and no value that a selector names where any will do. */
  readonly labels: Labels;
  /** Which labels are in the class: all requirements hold, and of each of `never` one at least does not. */
  readonly requirements: readonly LabelRequirement[];
  readonly never: readonly (readonly LabelRequirement[])[];
}

export interface CutOptions {
  /** Of classes. */
  readonly limit: number;
  /** Labels that all objects have; a key in it has that value alone. */
  readonly known?: Labels;
  /** Keys that all objects have, with whatever value. */
  readonly present?: readonly string[];
}

/** Stands for every value that no selector names. */
export const OTHER_VALUE = 'policyc-other';

/**
 * Cuts the space. Exact: every set of labels that there can be falls into one of the classes, and each
 * class has labels.
 *
 * @returns undefined if there are more classes than the limit
 */
export function cutLabelSpace(
  selectors: readonly LabelSelector[],
  { limit, known = new Map(), present = [] }: CutOptions,
): readonly LabelClass[] | undefined {
  const space = new LabelSpace(selectors, known, present);
  const classes: LabelClass[] = [];
  const selected: number[] = [];
  // `missed` are selectors that hold somewhere in the box, and must not hold for the labels.
  const visit = (position: number, box: Box, missed: readonly Region[]): boolean => {
    const region = space.regions[position];
    if (region === undefined) {
      const point = space.pointOf(box, missed);
      if (point !== undefined) {
        classes.push({ selected: [...selected], labels: point, ...space.meaningOf(box, missed) });
      }
      return classes.length <= limit;
    }
    const inside = within(box, region);
    if (inside === undefined) return visit(position + 1, box, missed);
    const missedInside = missed.filter((one) => within(inside, one) !== undefined);
    if (space.pointOf(inside, missedInside) !== undefined) {
      selected.push(position);
      const goesOn = visit(position + 1, inside, missedInside);
      selected.pop();
      if (!goesOn) return false;
    }
    // A region that is left by one key alone is a smaller box, which costs less than a region to miss.
    const [plain, ...others] = essential(box, region) ?? [];
    if (plain !== undefined && others.length === 0) {
      const rest = narrow(box, plain.position, plain.fails);
      const missedInRest =
        rest === undefined ? [] : missed.filter((one) => within(rest, one) !== undefined);
      if (rest === undefined || space.pointOf(rest, missedInRest) === undefined) return true;
      return visit(position + 1, rest, missedInRest);
    }
    const missedHere = [...missed, region];
    if (space.pointOf(box, missedHere) === undefined) return true;
    return visit(position + 1, box, missedHere);
  };
  return visit(0, space.whole, []) ? classes : undefined;
}

/** For each key that matters, a bit for each value that it may have: the values of its domain in order. */
type Box = readonly bigint[];

/** Values of a key: bit 0 is to be absent, bit 1 any value that no selector names, then the named ones. */
const ABSENT = 1n;
const UNNAMED = 2n;
const FIRST_NAMED = 2n;

interface Domain {
  readonly key: string;
  /** The named values, and the position of each. */
  readonly values: readonly string[];
  readonly positions: ReadonlyMap<string, number>;
  readonly all: bigint;
}

/** A requirement, as the values that its key may have. */
interface Bound {
  readonly position: number;
  readonly holds: bigint;
  readonly fails: bigint;
}

/** Where a selector holds: all of its bounds. */
type Region = readonly Bound[];

class LabelSpace {
  readonly whole: Box;
  /** Of the selectors, in their order. */
  readonly regions: readonly Region[];
  readonly #domains: readonly Domain[];

  constructor(selectors: readonly LabelSelector[], known: Labels, present: readonly string[]) {
    const values = new Map<string, Set<string>>();
    for (const { requirements } of selectors) {
      for (const { key, values: named } of requirements) {
        const ofKey = values.get(key) ?? new Set<string>();
        values.set(key, ofKey);
        for (const value of named) ofKey.add(value);
      }
    }
    for (const [key, value] of known) values.get(key)?.add(value);
    this.#domains = [...values].map(([key, named]): Domain => {
      const all = (1n << (FIRST_NAMED + BigInt(named.size))) - 1n;
      const positions = new Map([...named].map((value, i) => [value, i]));
      return { key, values: [...named], positions, all };
    });
    const positionOf = new Map(this.#domains.map(({ key }, i) => [key, i]));
    this.regions = selectors.map(({ requirements }) =>
      requirements.flatMap((requirement): Region => {
        const position = positionOf.get(requirement.key) ?? -1;
        const domain = this.#domains[position];
        if (domain === undefined) return [];
        const holds = bitsWhere(domain, requirement);
        return [{ position, holds, fails: domain.all & ~holds }];
      }),
    );
    this.whole = this.#domains.map((domain) => {
      const value = known.get(domain.key);
      if (value !== undefined) return bitsOf(domain, [value]);
      return present.includes(domain.key) ? domain.all & ~ABSENT : domain.all;
    });
  }

  /** The plainest labels in the box that lie in none of the regions; undefined if there are none. */
  pointOf(box: Box, missed: readonly Region[]): Labels | undefined {
    for (const [i, region] of missed.entries()) {
      if (within(box, region) === undefined) continue;
      // The box has to leave the region by one of its bounds.
      const rest = missed.slice(i + 1);
      for (const { position, fails } of region) {
        const outside = narrow(box, position, fails);
        const point = outside && this.pointOf(outside, rest);
        if (point !== undefined) return point;
      }
      return undefined;
    }
    return this.#plainest(box);
  }

  /** The box without the regions, in requirements: those that bound it in one key become part of the box. */
  meaningOf(box: Box, missed: readonly Region[]): Pick<LabelClass, 'requirements' | 'never'> {
    let rest = box;
    let regions = missed
      .map((region) => essential(rest, region))
      .filter((one) => one !== undefined);
    for (;;) {
      const [plain] = regions.find((one) => one.length === 1) ?? [];
      if (plain === undefined) break;
      rest = narrow(rest, plain.position, plain.fails) ?? rest;
      const smaller = rest;
      regions = regions.map((one) => essential(smaller, one)).filter((one) => one !== undefined);
    }
    const outermost = regions.filter(
      (one, i) =>
        !regions.some(
          (other, j) => j !== i && covers(other, one) && (!covers(one, other) || j < i),
        ),
    );
    return {
      requirements: this.#domains.flatMap((domain, i) =>
        requirementsOf(domain, rest[i] ?? 0n, this.whole[i] ?? 0n),
      ),
      never: outermost.map((region) =>
        region.flatMap(({ position, holds }) => {
          const domain = this.#domains[position];
          return domain === undefined ? [] : requirementsOf(domain, holds, domain.all);
        }),
      ),
    };
  }

  #plainest(box: Box): Labels {
    const labels = new Map<string, string>();
    for (const [i, { key, values }] of this.#domains.entries()) {
      const bits = box[i] ?? 0n;
      if ((bits & ABSENT) !== 0n) continue;
      const named = values.find((_, at) => (bits & (1n << (FIRST_NAMED + BigInt(at)))) !== 0n);
      // Where another value does as well, a named one would say more than is meant.
      labels.set(key, (bits & UNNAMED) !== 0n ? OTHER_VALUE : (named ?? OTHER_VALUE));
    }
    return labels;
  }
}

/** The part of the box in the region; undefined if that is empty. */
function within(box: Box, region: Region): Box | undefined {
  let part: Box | undefined = box;
  for (const { position, holds } of region) part = part && narrow(part, position, holds);
  return part;
}

/** The bounds of a region that the box does not keep anyway; undefined if they do not meet. */
function essential(box: Box, region: Region): Region | undefined {
  if (within(box, region) === undefined) return undefined;
  return region.filter(({ position, fails }) => ((box[position] ?? 0n) & fails) !== 0n);
}

/** Whether `outer` holds wherever `inner` does. */
function covers(outer: Region, inner: Region): boolean {
  return outer.every(({ position, fails }) =>
    inner.some((one) => one.position === position && (one.holds & fails) === 0n),
  );
}

function narrow(box: Box, position: number, values: bigint): Box | undefined {
  const bits = box[position] ?? 0n;
  const left = bits & values;
  if (left === 0n) return undefined;
  return left === bits ? box : box.with(position, left);
}

function bitsOf({ positions }: Domain, wanted: readonly string[]): bigint {
  let bits = 0n;
  for (const value of wanted) {
    const at = positions.get(value);
    if (at !== undefined) bits |= 1n << (FIRST_NAMED + BigInt(at));
  }
  return bits;
}

/**
 * Requirements that exactly these values of the key satisfy, as Kubernetes writes them.
 * @param possible values that the key can have at all
 */
function requirementsOf(
  { key, values }: Domain,
  bits: bigint,
  possible: bigint,
): readonly LabelRequirement[] {
  if (bits === possible) return [];
  const has = (at: number): boolean => (bits & (1n << (FIRST_NAMED + BigInt(at)))) !== 0n;
  const absent = (bits & ABSENT) !== 0n;
  const unnamed = (bits & UNNAMED) !== 0n;
  const held = values.filter((_, at) => has(at));
  if (absent && held.length === 0 && !unnamed) {
    return [{ key, operator: 'DoesNotExist', values: [] }];
  }
  if (!absent && !unnamed) return [{ key, operator: 'In', values: held }];
  const others = values.filter((_, at) => !has(at));
  const mustExist = !absent && (possible & ABSENT) !== 0n;
  return [
    ...(mustExist ? [{ key, operator: 'Exists', values: [] } as const] : []),
    ...(others.length > 0 ? [{ key, operator: 'NotIn', values: others } as const] : []),
  ];
}

/** The values of the key for which the requirement holds (Kubernetes' labels.Requirement). */
function bitsWhere(domain: Domain, { operator, values }: LabelRequirement): bigint {
  switch (operator) {
    case 'In':
      return bitsOf(domain, values);
    case 'NotIn':
      return domain.all & ~bitsOf(domain, values);
    case 'Exists':
      return domain.all & ~ABSENT;
    case 'DoesNotExist':
      return ABSENT;
  }
}
