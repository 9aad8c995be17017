/** The oracle answers what SEMANTICS says, on cases that are written out by hand. */
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { worlds } from './generate.js';
import { answer, inCidr, isSubject, addressesOf, type Question } from './naive.js';
import type { NetworkPolicyObject, PodObject, World } from './objects.js';

function makePod(
  name: string,
  ip: string,
  ports: PodObject['spec']['containers'][0]['ports'] = [],
): PodObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', labels: { app: name } },
    spec: { nodeName: 'n1', containers: [{ name: 'main', ports }] },
    status: { phase: 'Running', podIPs: [{ ip }] },
  };
}

const web = makePod('web', '10.0.0.1', [{ name: 'http', containerPort: 8080 }]);
const db = makePod('db', '10.0.0.2');

function worldOf(...specs: readonly NetworkPolicyObject['spec'][]): World {
  return {
    networkPolicies: specs.map((spec, i) => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `np-${i}`, namespace: 'shop' },
      spec,
    })),
    clusterPolicies: [],
    namespaces: [],
    pods: [web, db],
    nodes: [],
    services: [],
    endpointSlices: [],
  };
}

function ask(world: World, over: Partial<Question> = {}): string {
  const { verdict, reason, rule } = answer(world, {
    subject: web,
    direction: 'ingress',
    remote: '10.0.0.2',
    protocol: 'TCP',
    port: 8080,
    localOrigin: false,
    ...over,
  });
  return `${verdict} ${reason} ${rule ?? '-'}`;
}

describe('the oracle', () => {
  it.each<[string, NetworkPolicyObject['spec'][], Partial<Question>, string]>([
    ['no policy', [], {}, 'allow default -'],
    ['default deny', [{ podSelector: {} }], {}, 'deny isolation shop/np-0'],
    ['egress stays open', [{ podSelector: {} }], { direction: 'egress' }, 'allow default -'],
    ['an empty rule', [{ ingress: [{}] }], {}, 'allow rule shop/np-0 ingress[0]'],
    [
      'the second policy allows',
      [{}, { ingress: [{ from: [{ podSelector: { matchLabels: { app: 'db' } } }] }] }],
      {},
      'allow rule shop/np-1 ingress[0]',
    ],
    [
      'a named port',
      [{ ingress: [{ ports: [{ port: 'http' }] }] }],
      {},
      'allow rule shop/np-0 ingress[0]',
    ],
    [
      'another number',
      [{ ingress: [{ ports: [{ port: 'http' }] }] }],
      { port: 80 },
      'deny isolation shop/np-0',
    ],
    ['itself', [{}], { remote: '10.0.0.1' }, 'allow self -'],
  ])('%s', (_, specs, over, expected) => {
    expect(ask(worldOf(...specs), over)).toBe(expected);
  });

  it('reads CIDRs of one family only', () => {
    expect(inCidr('10.0.0.0/30', '10.0.0.3')).toBe(true);
    expect(inCidr('10.0.0.0/30', '10.0.0.4')).toBe(false);
    expect(inCidr('::/0', '10.0.0.4')).toBe(false);
    expect(inCidr('fd00::/126', 'fd00::3')).toBe(true);
  });

  it('meets every kind of reason and both verdicts in generated worlds', () => {
    const seen = new Set<string>();
    for (const world of fc.sample(worlds, { numRuns: 200, seed: 7 })) {
      const port = world.services[0]?.spec.ports[0]?.port ?? 80;
      for (const subject of world.pods.filter(isSubject)) {
        for (const remote of ['10.0.0.2', 'fd00::2', '10.96.0.1', ...addressesOf(subject)]) {
          for (const direction of ['ingress', 'egress'] as const) {
            const asked = {
              subject,
              direction,
              remote,
              port,
              protocol: 'TCP',
              localOrigin: false,
            } as const;
            const { verdict, reason } = answer(world, asked);
            seen.add(`${verdict} ${reason}`);
          }
        }
      }
    }
    expect([...seen].sort()).toEqual([
      'allow default',
      'allow rule',
      'allow self',
      'deny isolation',
      'deny no-endpoint',
      'deny rule',
      'deny service-mixed',
    ]);
  });
});
