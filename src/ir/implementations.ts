/** Implementations of the policy API: what each really does, as policies that mean the same with us. */
import type { Span } from '../source.js';
import { aws } from './implementations/aws.js';
import { calico } from './implementations/calico.js';
import { cilium } from './implementations/cilium.js';
import type { Difference, Implementation, World } from './implementations/difference.js';
import { k3s } from './implementations/k3s.js';
import { upstream } from './implementations/upstream.js';
import type { PolicyModel } from './model.js';

export type { Basis, Difference, Implementation, World } from './implementations/difference.js';

/** Ours: what policyc compiles. There is nothing in it that differs. */
const policyc: Implementation = {
  name: 'policyc',
  title: 'policyc',
  version: '',
  settings: {},
  differences: [],
};

export const IMPLEMENTATIONS: readonly Implementation[] = [
  policyc,
  upstream,
  cilium,
  calico,
  aws,
  k3s,
];

/** An implementation as somebody runs it: a version of it, with some settings. */
export interface Edition {
  /** As the user wrote it. */
  readonly text: string;
  readonly implementation: Implementation;
  readonly version: string;
  /** Those that hold in this version, with these settings. */
  readonly differences: readonly Difference[];
}

/** What is wrong with a name of an implementation, for a message. */
export type EditionFault =
  | { readonly kind: 'name'; readonly given: string; readonly choices: readonly string[] }
  | { readonly kind: 'version'; readonly given: string; readonly choices: readonly string[] }
  | { readonly kind: 'setting'; readonly given: string; readonly choices: readonly string[] };

/** Reads `cilium`, `cilium@1.15`, `cilium@1.15+cidr-match-nodes+sctp`. */
export function readEdition(text: string): Edition | EditionFault {
  const [before = '', ...settings] = text.split('+');
  const [name = '', ...versions] = before.split('@');
  const implementation = IMPLEMENTATIONS.find((one) => one.name === name);
  if (implementation === undefined) {
    return { kind: 'name', given: name, choices: IMPLEMENTATIONS.map((one) => one.name) };
  }
  const version = versions.length === 0 ? implementation.version : versions.join('@');
  const hasVersions = implementation.version !== '';
  if (hasVersions ? !/^v?\d+(\.\d+)*$/.test(version) : versions.length > 0) {
    return {
      kind: 'version',
      given: version,
      choices: hasVersions ? [implementation.version] : [],
    };
  }
  const known = Object.keys(implementation.settings);
  const unknown = settings.find((one) => !known.includes(one));
  if (unknown !== undefined) return { kind: 'setting', given: unknown, choices: known };
  const differences = implementation.differences.filter(
    ({ versions: range, unless }) =>
      (range?.from === undefined || compareVersions(version, range.from) >= 0) &&
      (range?.before === undefined || compareVersions(version, range.before) < 0) &&
      (unless === undefined || !settings.includes(unless)),
  );
  return { text, implementation, version: version.replace(/^v/, ''), differences };
}

/** The policies as the implementation has them, with the differences that are given. */
export function applyDifferences(
  differences: readonly Difference[],
  { model, cluster }: World,
): PolicyModel {
  return differences.reduce(
    (edited, { apply }) => (apply === undefined ? edited : apply({ model: edited, cluster })),
    model,
  );
}

/** A difference that concerns the given policies, and where. */
export interface Touch {
  readonly difference: Difference;
  readonly places: readonly Span[];
}

/** The differences that touch the policies, in the order of their numbers. */
export function findTouches(
  { implementation, differences }: Edition,
  world: World,
): readonly Touch[] {
  const number = ({ id }: Difference): number => Number(id.slice(implementation.name.length + 1));
  return [...differences]
    .sort((a, b) => number(a) - number(b))
    .map((difference) => ({ difference, places: difference.touches(world) }))
    .filter(({ places }) => places.length > 0);
}

function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((text) => text.replace(/^v/, '').split('.').map(Number));
  const length = Math.max(left?.length ?? 0, right?.length ?? 0);
  for (let i = 0; i < length; i += 1) {
    const difference = (left?.[i] ?? 0) - (right?.[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
