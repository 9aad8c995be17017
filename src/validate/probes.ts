/** Probes: which packets are tried at which pod, so that every boundary of the policies is met. */
import { addressKey, type Address } from '../address.js';
import type { Pod } from '../ir/cluster.js';
import type { Interpreter } from '../ir/interpret.js';
import type { Direction } from '../ir/model.js';
import type { NormalModel, NormalRule } from '../ir/normal-model.js';
import { EVERY_PROTOCOL, ICMP, spread, type Boundaries, type PortPoint } from './boundaries.js';

/** What is tried at one pod with one remote address. */
export interface Probe {
  /** Position in the list of subjects. */
  readonly subject: number;
  readonly direction: Direction;
  readonly remote: Address;
  readonly points: readonly PortPoint[];
}

/**
 * `product`: every pod, address and port with each other; `factors`: each boundary by itself; `sample`:
 * the boundaries of an even part of the rules.
 */
export type Coverage = 'product' | 'factors' | 'sample';

export interface ProbePlan {
  readonly coverage: Coverage;
  readonly probes: readonly Probe[];
}

/** Packets of a full product; above, boundaries are tried one by one. */
const PRODUCT_LIMIT = 4_000;
/** The same for a single pod and direction: all that its own rules name with each other. */
const SUBJECT_PRODUCT_LIMIT = 1_600;
/** And for all pods that are tried in that way. */
const ALL_PRODUCTS_LIMIT = 8_000;
/** Ports that are tried with one address. */
const POINTS_PER_ADDRESS = 48;
/** Pods that the same rules apply to as to one tried before get so many of its probes. */
const PROBES_OF_TWIN = 6;
const DIRECTIONS = ['ingress', 'egress'] as const;
/** Up to so many pairs of rules, addresses of one are tried with a port of the other. */
const MAX_CROSSED = 1_024;
/** In both families, of a pod and of one like it. */
const PEERS_OF_FOREIGN = 4;
/** Rules that are tried at pods which they do not apply to. */
const MAX_FOREIGN_RULES = 48;
/** Rules of one pod and direction whose boundaries are tried; of more, an even part. */
const MAX_RULES_OF_POD = 8_192;
/** For addresses that no rule is said to treat otherwise. */
const SOME_POINTS: readonly PortPoint[] = [4_242, ICMP];

export function planProbes(
  model: NormalModel,
  subjects: readonly Pod[],
  boundaries: Boundaries,
  interpreter: Interpreter,
): ProbePlan {
  const rules = model.policies.flatMap((policy) => policy.rules);
  return (
    fullProduct(rules, subjects, boundaries) ?? factors(model, subjects, boundaries, interpreter)
  );
}

/** Undefined where it would be too many. */
function fullProduct(
  rules: readonly NormalRule[],
  subjects: readonly Pod[],
  boundaries: Boundaries,
): ProbePlan | undefined {
  if (rules.length > PRODUCT_LIMIT) return undefined;
  const addresses = new Map(boundaries.atLarge.map((one) => [addressKey(one), one]));
  const points = new Set(EVERY_PROTOCOL);
  for (const rule of rules) {
    const own = boundaries.of(rule);
    for (const address of [...own.inside, ...own.edges]) {
      addresses.set(addressKey(address), address);
    }
    for (const point of own.points) points.add(point);
    if (subjects.length * addresses.size * points.size * 2 > PRODUCT_LIMIT) return undefined;
  }
  const all = [...points];
  if (subjects.length * addresses.size * all.length * 2 > PRODUCT_LIMIT) return undefined;
  const probes = subjects.flatMap((_, subject) =>
    DIRECTIONS.flatMap((direction) =>
      [...addresses.values()].map((remote) => ({ subject, direction, remote, points: all })),
    ),
  );
  return { coverage: 'product', probes };
}

function factors(
  model: NormalModel,
  subjects: readonly Pod[],
  boundaries: Boundaries,
  interpreter: Interpreter,
): ProbePlan {
  const foreign = model.policies
    .flatMap((policy) => policy.rules.slice(0, MAX_FOREIGN_RULES))
    .slice(0, MAX_FOREIGN_RULES);
  const tried = new Map<string, readonly Probe[]>();
  let spare = ALL_PRODUCTS_LIMIT;
  let coverage: Coverage = 'factors';
  const probesAt = subjects.flatMap((pod, subject) =>
    DIRECTIONS.flatMap((direction) => {
      const all = interpreter.rulesOf(pod, direction);
      const rules = all.length <= MAX_RULES_OF_POD ? all : spread(all, MAX_RULES_OF_POD);
      if (rules.length < all.length) coverage = 'sample';
      const isolation = interpreter.isolationOf(pod, direction);
      const key = `${direction} ${isolation} ${rules.map(({ id }) => id).join()}`;
      const twin = tried.get(key);
      if (twin !== undefined) {
        return spread(twin, PROBES_OF_TWIN).map((probe) => ({ ...probe, subject }));
      }
      const limit = Math.min(spare, SUBJECT_PRODUCT_LIMIT);
      const probes = probesOf(subject, direction, rules, foreign, boundaries, limit);
      spare -= Math.min(spare, countPackets(probes));
      tried.set(key, probes);
      return probes;
    }),
  );
  return { coverage, probes: probesAt };
}

/** Every boundary of the rules that apply to one pod; in full product where that is not too much. */
function probesOf(
  subject: number,
  direction: Direction,
  rules: readonly NormalRule[],
  foreign: readonly NormalRule[],
  boundaries: Boundaries,
  productLimit: number,
): readonly Probe[] {
  const found = new Map<string, { readonly remote: Address; readonly points: Set<PortPoint> }>();
  const applying = new Set(rules);
  const everyPoint = new Set(EVERY_PROTOCOL);
  const widePoints = new Set<PortPoint>(SOME_POINTS);
  const at = (remote: Address): Set<PortPoint> => {
    const key = addressKey(remote);
    let one = found.get(key);
    if (one === undefined) {
      one = { remote, points: new Set() };
      found.set(key, one);
    }
    return one.points;
  };
  for (const remote of boundaries.atLarge) at(remote);
  for (const rule of foreign) {
    const { inside, points } = boundaries.of(rule);
    const [point] = points;
    for (const remote of inside.slice(0, PEERS_OF_FOREIGN)) {
      if (point !== undefined) addTo(at(remote), point);
      if (rules.length * foreign.length <= MAX_CROSSED) crossWith(at(remote), rules, boundaries);
    }
  }
  if (rules.length ** 2 <= MAX_CROSSED) {
    for (const rule of rules) {
      const [remote] = boundaries.of(rule).inside;
      if (remote !== undefined) crossWith(at(remote), rules, boundaries);
    }
  }
  for (const rule of rules) {
    const own = boundaries.of(rule);
    for (const remote of own.inside) {
      const points = at(remote);
      for (const point of own.points) addTo(points, point);
    }
    const [first] = own.points;
    for (const remote of own.edges) {
      const points = at(remote);
      if (first !== undefined) addTo(points, first);
    }
    for (const point of own.points) {
      addTo(everyPoint, point);
      if (own.wide) addTo(widePoints, point);
    }
  }
  if (found.size * everyPoint.size <= productLimit) {
    return [...found.values()].map(({ remote, points }) => ({
      subject,
      direction,
      remote,
      points: [...new Set([...everyPoint, ...points])],
    }));
  }
  return [...found.values()].map(({ remote, points }) => {
    // Blocks may lie within each other: the ports of the outer one count for the inner one too.
    for (const rule of boundaries.rulesAt(remote)) {
      const [point] = applying.has(rule) ? boundaries.of(rule).points : [];
      if (point !== undefined) addTo(points, point);
    }
    // A Service has cells of its own for every port.
    const more = boundaries.isService(remote) ? everyPoint : widePoints;
    for (const point of more) addTo(points, point);
    return { subject, direction, remote, points: [...points] };
  });
}

/** A port of each rule. */
function crossWith(
  points: Set<PortPoint>,
  rules: readonly NormalRule[],
  boundaries: Boundaries,
): void {
  for (const rule of rules) {
    const [point] = boundaries.of(rule).points;
    if (point !== undefined) addTo(points, point);
  }
}

function addTo(points: Set<PortPoint>, point: PortPoint): void {
  if (points.size < POINTS_PER_ADDRESS) points.add(point);
}

export function countPackets(probes: readonly Probe[]): number {
  return probes.reduce((sum, { points }) => sum + points.length, 0);
}

/** The ports at which an answer of these rules may change, and both ends of every protocol. */
export function pointsOfRules(
  rules: readonly NormalRule[],
  boundaries: Boundaries,
): ReadonlySet<PortPoint> {
  const points = new Set(EVERY_PROTOCOL);
  for (const rule of rules) for (const point of boundaries.of(rule).points) points.add(point);
  return points;
}
