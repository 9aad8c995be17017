/** Rules that lint calls dead or redundant can all go at once, and half edges are half: the oracle agrees. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findConnections } from '../../../src/analysis/findings.js';
import { lintHalfEdges } from '../../../src/analysis/lint/half-edges.js';
import { findRuleUses } from '../../../src/analysis/lint/rule-uses.js';
import { Scene } from '../../../src/analysis/lint/scene.js';
import { createUniverse } from '../../../src/analysis/universe.js';
import { formatAddress } from '../../../src/address.js';
import { isPolicyPod, selectorMatches, type Pod } from '../../../src/ir/cluster.js';
import { namespaceLabels } from '../../../src/ir/interpret/selectors.js';
import { normalize } from '../../../src/ir/normalize.js';
import type { Peer, PodSelector } from '../../../src/ir/model.js';
import type { DeciderId, NormalModel } from '../../../src/ir/normal-model.js';
import { worlds } from '../../oracle/generate.js';
import { addressesOf, answer } from '../../oracle/naive.js';
import type { PodObject, World } from '../../oracle/objects.js';
import { readCluster, readPolicies } from '../../oracle/world-model.js';
import { clusterText, policyText } from '../../oracle/world-text.js';
import { flowsOf, oracleAllows } from '../flow-space.js';

const RUNS = Number(process.env['POLICYC_RUNS'] ?? 40);
const SEED = Number(process.env['POLICYC_SEED'] ?? 20260704);

function sceneOf(world: World): Scene {
  return new Scene(normalize(readPolicies(policyText(world))), readCluster(clusterText(world)), 0);
}

/** The model's rules of those numbers, as the objects' texts name them. */
function ruleKeys(model: NormalModel, ids: Iterable<DeciderId>): ReadonlySet<string> {
  return new Set(
    [...ids].map((id) => {
      const decider = model.deciders[id];
      if (decider?.kind !== 'rule') throw new Error(`${id} is no rule`);
      const { policy, rule } = decider;
      return `${policy.kind} ${policy.namespace ?? ''}/${policy.name} ${rule.direction} ${rule.name}`;
    }),
  );
}

/** The world without those rules; types are written out, since they may follow from the rules. */
function withoutRules(world: World, gone: ReadonlySet<string>): World {
  const keep = <Rule extends object>(
    kind: string,
    path: string,
    direction: 'ingress' | 'egress',
    rules: readonly Rule[] | null | undefined,
  ): readonly Rule[] =>
    (rules ?? []).filter((rule, i) => {
      const name =
        'name' in rule && typeof rule.name === 'string' && rule.name !== ''
          ? rule.name
          : `${direction}[${i}]`;
      return !gone.has(`${kind} ${path} ${direction} ${name}`);
    });
  return {
    ...world,
    networkPolicies: world.networkPolicies.map((one) => {
      const { spec, metadata } = one;
      const path = `${metadata.namespace ?? 'default'}/${metadata.name}`;
      const given = spec.policyTypes ?? [];
      const implied = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
      return {
        ...one,
        spec: {
          ...spec,
          policyTypes: given.length > 0 ? given : implied,
          ingress: keep(one.kind, path, 'ingress', spec.ingress),
          egress: keep(one.kind, path, 'egress', spec.egress),
        },
      };
    }),
    clusterPolicies: world.clusterPolicies.map((one) => {
      const path = `/${one.metadata.name}`;
      return {
        ...one,
        spec: {
          ...one.spec,
          ingress: keep(one.kind, path, 'ingress', one.spec.ingress),
          egress: keep(one.kind, path, 'egress', one.spec.egress),
        },
      };
    }),
  };
}

describe('rules that decide nothing', () => {
  it('can all be removed at once, and no flow is judged otherwise', () => {
    let removed = 0;
    const harmless = fc.property(worlds, (world) => {
      const scene = sceneOf(world);
      const { dead, redundant } = findRuleUses(scene.universe);
      const gone = ruleKeys(scene.model, [...dead.keys(), ...redundant.keys()]);
      removed += gone.size;
      const after = withoutRules(world, gone);
      for (const flow of flowsOf(world)) {
        expect({ ...flow, is: oracleAllows(after, flow) }).toEqual({
          ...flow,
          is: oracleAllows(world, flow),
        });
      }
    });
    fc.assert(harmless, { numRuns: RUNS, seed: SEED });
    expect(removed).toBeGreaterThan(RUNS / 2);
  }, 1_800_000);

  it('leave an empty difference, in many more worlds', () => {
    const empty = fc.property(worlds, (world) => {
      const scene = sceneOf(world);
      const { dead, redundant } = findRuleUses(scene.universe);
      const gone = new Set([...dead.keys(), ...redundant.keys()]);
      const kept = normalize(
        readPolicies(policyText(withoutRules(world, ruleKeys(scene.model, gone)))),
      );
      const universe = createUniverse(scene.cluster, [scene.model, kept], 0);
      expect(findConnections(universe, 'changes').findings).toEqual([]);
    });
    fc.assert(empty, { numRuns: 5 * RUNS, seed: SEED + 1 });
  }, 1_800_000);

  it('are told with rules that stay', () => {
    const told = fc.property(worlds, (world) => {
      const { dead, redundant } = findRuleUses(sceneOf(world).universe);
      for (const keepers of redundant.values()) {
        expect(keepers.length).toBeGreaterThan(0);
        for (const id of keepers) expect(dead.has(id) || redundant.has(id)).toBe(false);
      }
    });
    fc.assert(told, { numRuns: 2 * RUNS, seed: SEED + 2 });
  }, 1_800_000);
});

describe('half edges', () => {
  it('are denied by the other side for every pair of pods that they connect', () => {
    let found = 0;
    const half = fc.property(worlds, (world) => {
      const scene = sceneOf(world);
      const said = lintHalfEdges(scene);
      found += said.length;
      for (const policy of scene.model.policies) {
        for (const rule of policy.rules) {
          for (const peer of rule.peers) {
            const reported = said.some(
              ({ span }) => span?.start === peer.origin.start && span.end === peer.origin.end,
            );
            if (!reported || peer.kind !== 'pods') continue;
            // The diagnostic lists ports; with one port alone it must be that one.
            if (rule.ports !== 'every' && rule.ports.length > 1) continue;
            const subjects = podsOf(scene, policy.subjects);
            const others = podsOf(scene, [peer]);
            const side = rule.direction === 'egress' ? 'ingress' : 'egress';
            for (const subject of subjects) {
              for (const other of others.filter((one) => one !== subject)) {
                const receiver = rule.direction === 'egress' ? other : subject;
                for (const { protocol, port } of samplePorts(rule.ports, receiver)) {
                  for (const remote of subject.addresses) {
                    if (!other.addresses.some(({ family }) => family === remote.family)) continue;
                    const asked = {
                      subject: objectOf(world, other),
                      direction: side,
                      remote: formatAddress(remote),
                      protocol,
                      port,
                      localOrigin: false,
                    } as const;
                    expect({ verdict: answer(world, asked).verdict, ...asked }).toMatchObject({
                      verdict: 'deny',
                    });
                  }
                }
              }
            }
          }
        }
      }
    });
    fc.assert(half, { numRuns: 5 * RUNS, seed: SEED + 3 });
    expect(found).toBeGreaterThan(0);
  }, 1_800_000);
});

function podsOf(
  { cluster, pods }: Scene,
  selectors: readonly (PodSelector | Peer)[],
): readonly Pod[] {
  return pods
    .map(({ pod }) => pod)
    .filter(isPolicyPod)
    .filter((pod) =>
      selectors.some(
        (one) =>
          'pods' in one &&
          selectorMatches(one.namespaces, namespaceLabels(cluster, pod.namespace)) &&
          selectorMatches(one.pods, pod.labels),
      ),
    );
}

function objectOf(world: World, pod: Pod): PodObject {
  const [address] = pod.addresses;
  const found = world.pods.find(
    (one) =>
      one.metadata.name === pod.name &&
      (one.metadata.namespace ?? 'default') === pod.namespace &&
      (address === undefined || addressesOf(one).includes(formatAddress(address))),
  );
  if (found === undefined) throw new Error(`no object of ${pod.namespace}/${pod.name}`);
  return found;
}

function samplePorts(
  ports: NormalModel['policies'][number]['rules'][number]['ports'],
  receiver: Pod,
): readonly { readonly protocol: 'TCP' | 'UDP' | 'SCTP'; readonly port: number }[] {
  if (ports === 'every') {
    return [0, 80, 65535].flatMap((port) =>
      (['TCP', 'UDP', 'SCTP'] as const).map((protocol) => ({ protocol, port })),
    );
  }
  return ports.flatMap((match) => {
    if (match.kind === 'range') {
      const { protocol, first, last } = match;
      return first > last ? [] : [first, last].map((port) => ({ protocol, port }));
    }
    return receiver.ports.filter(
      ({ name, protocol }) =>
        name === match.name && (match.protocol === undefined || match.protocol === protocol),
    );
  });
}
