/** Parties name exactly who is meant: their groups, read back, are the pods and addresses of the finding. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parsePrefix, prefixContains, type Address } from '../../src/address.js';
import { findConnections, type EndSet } from '../../src/analysis/findings.js';
import { Namer } from '../../src/analysis/party.js';
import type { PartyGroup, PrefixText } from '../../src/analysis/report.js';
import { createUniverse, type PlacedPod, type Universe } from '../../src/analysis/universe.js';
import { normalize } from '../../src/ir/normalize.js';
import { REMOTES, worlds } from '../oracle/generate.js';
import { readCluster, readPolicies } from '../oracle/world-model.js';
import { clusterText, policyText } from '../oracle/world-text.js';
import { addressFrom } from './expand.js';

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 60);

function holdsPod(group: PartyGroup, { pod }: PlacedPod): boolean {
  const path = `${pod.namespace}/${pod.workload?.name ?? pod.name}`;
  switch (group.kind) {
    case 'all-pods':
      return !group.except.includes(path);
    case 'namespace':
      return pod.namespace === group.namespace && !group.except.includes(path);
    case 'label':
      return (
        (group.namespace ?? pod.namespace) === pod.namespace &&
        pod.labels.get(group.key) === group.value
      );
    case 'workload':
      return (
        path === `${group.namespace}/${group.name}` && group.some?.includes(pod.name) !== false
      );
    default:
      return false;
  }
}

function inPrefixes(prefixes: readonly PrefixText[], address: Address): boolean {
  const holds = (cidr: string): boolean => {
    const prefix = parsePrefix(cidr);
    return prefix !== undefined && prefixContains(prefix, address);
  };
  return prefixes.some(({ cidr, except }) => holds(cidr) && !except.some(holds));
}

function holdsAddress(group: PartyGroup, address: Address, flavour: string): boolean {
  switch (group.kind) {
    case 'outside':
      if (flavour !== 'outside' || (group.family ?? address.family) !== address.family)
        return false;
      return group.prefixes === undefined || inPrefixes(group.prefixes, address);
    case 'unused':
      if (flavour !== 'unbound') return false;
      return group.prefixes === undefined || inPrefixes(group.prefixes, address);
    default:
      return false;
  }
}

function check(universe: Universe, namer: Namer, set: EndSet): void {
  const { groups, pods } = namer.describe(set);
  const named = universe.pods.filter((one) => groups.some((group) => holdsPod(group, one)));
  expect(new Set(named)).toEqual(new Set(set.pods));
  expect(pods).toBe(set.pods.length);
  for (const text of REMOTES) {
    const address = addressFrom(text);
    const one = universe.addresses.classOf(address);
    if (one.flavour !== 'outside' && one.flavour !== 'unbound') continue;
    const told = groups.some((group) => holdsAddress(group, address, one.flavour));
    expect({ text, told }).toEqual({ text, told: set.classes.includes(one) });
  }
}

it('names exactly the pods and addresses of each finding', () => {
  const exact = fc.property(worlds, (world) => {
    const model = normalize(readPolicies(policyText(world)));
    const universe = createUniverse(readCluster(clusterText(world)), [model, model], 0);
    const { findings, space } = findConnections(universe, 'allowed');
    const namer = new Namer(universe, space);
    for (const { from, to } of findings) {
      check(universe, namer, from);
      check(universe, namer, to);
    }
  });
  fc.assert(exact, { numRuns: 5 * RUNS, seed: 20260104 });
}, 600_000);
