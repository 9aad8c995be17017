import { describe, expect, it } from 'vitest';
import { BASELINE_TIER } from '../../src/ir/model.js';
import { normalize } from '../../src/ir/normalize.js';
import { deciderName } from '../../src/ir/normal-model.js';
import { clusterPolicy, model, origin, policy, rule } from './interpret-models.js';

const both = { ingress: true, egress: true };

describe('normalize', () => {
  it('orders ordered tiers by priority, then name, then position', () => {
    const normal = normalize(
      model([
        clusterPolicy({ name: 'late', priority: 9 }),
        clusterPolicy({ name: 'b', priority: 1, owner: 'first b' }),
        clusterPolicy({ name: 'b', priority: 1, owner: 'second b' }),
        clusterPolicy({ name: 'B', priority: 1 }),
        clusterPolicy({ name: 'base', priority: 0, tier: BASELINE_TIER.name }),
      ]),
    );
    expect(normal.policies.map(({ name, owner }) => owner ?? name)).toEqual([
      'B',
      'first b',
      'second b',
      'late',
      'base',
    ]);
    expect(normal.policies.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
  });

  it('orders the networkpolicy tier by namespace and name', () => {
    const normal = normalize(
      model([
        policy({ namespace: 'shop', name: 'a' }),
        policy({ namespace: 'bank', name: 'z' }),
        policy({ namespace: 'bank', name: 'b' }),
      ]),
    );
    expect(normal.policies.map(({ namespace, name }) => `${namespace ?? ''}/${name}`)).toEqual([
      'bank/b',
      'bank/z',
      'shop/a',
    ]);
  });

  it('numbers deciders from 1 in the order of decision, exceptions first', () => {
    const normal = normalize(
      model(
        [
          policy({ name: 'np', isolates: both, rules: [rule({ name: 'ingress[0]' })] }),
          clusterPolicy({ kind: 'policy', name: 'pci', rules: [rule({ name: 'own' })] }),
          clusterPolicy({ kind: 'ClusterNetworkPolicy', name: 'qci' }),
        ],
        [{ name: 'dba', to: 'pci', rules: [rule({ until: 5 })], approved: [], origin }],
      ),
    );
    expect(normal.deciders.map(deciderName)).toEqual([
      undefined,
      'pci exception dba ingress[0]',
      'pci own',
      'shop/np ingress[0]',
      'shop/np',
      'shop/np',
    ]);
    const np = normal.policies.find(({ name }) => name === 'np');
    expect(np?.isolation).toEqual({ ingress: 4, egress: 5 });
    expect(np?.rules.map(({ id }) => id)).toEqual([3]);
  });

  it('gives an isolation that is not there no number', () => {
    const normal = normalize(model([policy({ isolates: { ingress: false, egress: true } })]));
    expect(normal.policies[0]?.isolation).toEqual({ ingress: 0, egress: 1 });
    expect(normal.deciders).toHaveLength(2);
  });

  it('refuses a policy whose tier the model lacks', () => {
    expect(() => normalize(model([clusterPolicy({ tier: 'nowhere' })]))).toThrow(/tier/);
  });
});
