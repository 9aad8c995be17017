import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '../../src/diagnostics.js';
import { checkModel } from '../../src/ir/check.js';
import type { ClusterSnapshot } from '../../src/ir/cluster.js';
import type { Exception, Policy, Rule } from '../../src/ir/model.js';
import { normalize } from '../../src/ir/normalize.js';
import { SourceFile, span } from '../../src/source.js';
import {
  addressesPeer,
  anyPeer,
  cluster,
  clusterPolicy,
  labels,
  model,
  node,
  origin,
  pod,
  podPeer,
  podsIn,
  policy,
  rule,
  service,
} from './interpret-models.js';

function check(
  policies: readonly Policy[],
  snapshot?: ClusterSnapshot,
  exceptions: readonly Exception[] = [],
): readonly Diagnostic[] {
  const written = model(policies, exceptions);
  return checkModel(written, normalize(written), snapshot);
}

function codes(policies: readonly Policy[], snapshot?: ClusterSnapshot): readonly string[] {
  return check(policies, snapshot).map(({ code }) => code);
}

const at = (first: number, last = first): Rule['ports'] => [
  { kind: 'range', protocol: 'TCP', first, last },
];
const all = podPeer({ namespaces: labels(), pods: labels(), origin });

describe('equal priorities', () => {
  const two = (a: Partial<Rule>, b: Partial<Rule>, over: Partial<Policy> = {}): readonly string[] =>
    codes([
      clusterPolicy({ name: 'a', rules: [rule({ action: 'allow', ...a })] }),
      clusterPolicy({ name: 'b', rules: [rule({ action: 'deny', ...b })], ...over }),
    ]).filter((code) => code === 'check/equal-priority');

  it('conflict where different actions meet', () => {
    expect(two({}, {})).toHaveLength(1);
    expect(two({ peers: [all] }, { peers: [addressesPeer(['10.0.0.0/8'])] })).toHaveLength(1);
    expect(two({ peers: [all], ports: at(1, 80) }, { peers: [all], ports: at(80) })).toHaveLength(
      1,
    );
    expect(
      two(
        { peers: [addressesPeer(['10.1.0.0/16'])] },
        { peers: [addressesPeer(['10.0.0.0/8'], ['10.2.0.0/16'])] },
      ),
    ).toHaveLength(1);
  });

  it.each<[string, Partial<Rule>, Partial<Rule>, Partial<Policy>?]>([
    ['the same action', {}, { action: 'allow' }],
    ['other directions', {}, { direction: 'egress' }],
    ['other ports', { ports: at(80) }, { ports: at(81) }],
    [
      'other protocols',
      { ports: at(80) },
      { ports: [{ kind: 'range', protocol: 'UDP', first: 80, last: 80 }] },
    ],
    [
      'pods and nodes',
      { peers: [all] },
      { peers: [{ kind: 'nodes', selector: labels(), origin }] },
    ],
    ['pods and the outside', { peers: [all] }, { peers: [{ kind: 'outside', origin }] }],
    [
      'pods of other namespaces',
      { peers: [podPeer(podsIn('a'))] },
      { peers: [podPeer(podsIn('b'))] },
    ],
    [
      'other blocks',
      { peers: [addressesPeer(['10.0.0.0/9'])] },
      { peers: [addressesPeer(['10.128.0.0/9'])] },
    ],
    [
      'an excepted block',
      { peers: [addressesPeer(['10.1.0.0/16'])] },
      { peers: [addressesPeer(['10.0.0.0/8'], ['10.0.0.0/15'])] },
    ],
    ['another priority', {}, {}, { priority: 1 }],
    ['another tier', {}, {}, { tier: 'baseline' }],
    ['a peer that is nothing', { peers: [{ kind: 'nothing', origin }] }, {}],
  ])('do not conflict over %s', (_, a, b, over) => {
    expect(two(a, b, over)).toEqual([]);
  });

  it('do not conflict where the subjects are apart', () => {
    const inShop = clusterPolicy({ name: 'a', subjects: [podsIn('shop')], rules: [rule()] });
    const inBank = {
      ...inShop,
      name: 'b',
      subjects: [podsIn('bank')],
      rules: [rule({ action: 'deny' })],
    };
    expect(codes([inShop, inBank])).toEqual([]);
    expect(codes([inShop, { ...inBank, subjects: [podsIn('shop', 'app=x')] }])).toEqual([
      'check/equal-priority',
    ]);
  });

  it('point at both rules', () => {
    const file = new SourceFile('p.yaml', 'one\ntwo\n');
    const [found] = check([
      clusterPolicy({ name: 'a', rules: [rule({ origin: span(file, 0, 3) })] }),
      clusterPolicy({ name: 'b', rules: [rule({ action: 'deny', origin: span(file, 4, 7) })] }),
    ]);
    expect(found?.span).toEqual(span(file, 4, 7));
    expect(found?.related.map((one) => one.span)).toEqual([span(file, 0, 3)]);
    expect(found?.message).toContain('`b ingress[0]` and `a ingress[0]`');
  });
});

describe('exceptions', () => {
  const dba: Exception = { name: 'dba', to: 'pcy', rules: [], approved: [], origin };

  it('must name a policy block', () => {
    const [found] = check([clusterPolicy({ kind: 'policy', name: 'pci' })], undefined, [dba]);
    expect([found?.code, found?.hint]).toEqual([
      'check/unknown-exception-policy',
      'did you mean `pci`?',
    ]);
    expect(check([clusterPolicy({ name: 'pcy' })], undefined, [dba])).toHaveLength(1);
    expect(check([clusterPolicy({ kind: 'policy', name: 'pcy' })], undefined, [dba])).toEqual([]);
  });
});

describe('statements that can do nothing', () => {
  const ofRule = (over: Partial<Rule>): readonly string[] =>
    codes([clusterPolicy({ rules: [rule(over)] })]);
  const selecting = (...requirements: readonly ('a=x' | 'a=y' | 'a' | '!a' | 'a!=x')[]): string[] =>
    check([
      clusterPolicy({
        rules: [
          rule({
            peers: [
              podPeer({
                namespaces: labels(),
                pods: {
                  requirements: requirements.map((text) => {
                    if (text === '!a') return { key: 'a', operator: 'DoesNotExist', values: [] };
                    if (text === 'a!=x') return { key: 'a', operator: 'NotIn', values: ['x'] };
                    if (text === 'a') return { key: 'a', operator: 'Exists', values: [] };
                    return { key: 'a', operator: 'In', values: [text.slice(2)] };
                  }),
                },
                origin,
              }),
            ],
          }),
        ],
      }),
    ]).map(({ code }) => code);

  it('are warned of where a selector contradicts itself', () => {
    const contradictory = ['check/contradictory-selector'];
    expect(selecting('a=x', 'a=y')).toEqual(contradictory);
    expect(selecting('a', '!a')).toEqual(contradictory);
    expect(selecting('a=x', 'a!=x')).toEqual(contradictory);
    expect(selecting('a=x', 'a')).toEqual([]);
    expect(selecting('a!=x', '!a')).toEqual([]);
  });

  it('are warned of where every address is excepted', () => {
    const halves = ['10.0.0.0/9', '10.128.0.0/9'];
    expect(ofRule({ peers: [addressesPeer(['10.0.0.0/8'], halves)] })).toEqual([
      'check/empty-addresses',
    ]);
    expect(ofRule({ peers: [addressesPeer(['10.0.0.0/8'], halves.slice(1))] })).toEqual([]);
    expect(ofRule({ peers: [addressesPeer(['10.0.0.0/8', 'fd00::/8'], halves)] })).toEqual([]);
  });

  it('are warned of where ports or peers are missing', () => {
    expect(ofRule({ ports: at(81, 80) })).toEqual(['check/rule-never-matches']);
    expect(ofRule({ ports: [] })).toEqual(['check/rule-never-matches']);
    expect(ofRule({ peers: [] })).toEqual(['check/rule-never-matches']);
    const named = [{ kind: 'named', name: 'web', protocol: 'TCP' }] as const;
    const toBlock = rule({
      direction: 'egress',
      peers: [addressesPeer(['10.0.0.0/8'])],
      ports: named,
    });
    expect(codes([clusterPolicy({ kind: 'policy', rules: [toBlock] })])).toEqual([
      'check/rule-never-matches',
    ]);
  });
});

describe('shadows', () => {
  const tier = (...rules: readonly Partial<Rule>[]): readonly Diagnostic[] =>
    check([clusterPolicy({ rules: rules.map((over, i) => rule({ name: `r${i}`, ...over })) })]);

  it.each<[string, Partial<Rule>, Partial<Rule>]>([
    ['any peer', { action: 'deny' }, { peers: [all] }],
    [
      'a wider block',
      { peers: [addressesPeer(['10.0.0.0/8'])] },
      { peers: [addressesPeer(['10.1.0.0/16'])] },
    ],
    ['all pods', { peers: [all] }, { peers: [podPeer(podsIn('shop', 'app=x'))] }],
    [
      'the namespace',
      { peers: [podPeer(podsIn('shop'))] },
      { peers: [podPeer(podsIn('shop', 'app=x'))] },
    ],
    ['a wider range', { ports: at(1, 100) }, { ports: at(80) }],
    ['every port', {}, { ports: at(80) }],
    ['the same', { peers: [all], ports: at(80) }, { peers: [all], ports: at(80) }],
  ])('are found behind %s', (_, first, second) => {
    const found = tier(first, second);
    expect(found.map(({ code }) => code)).toEqual(['check/shadowed-rule']);
    expect(found[0]?.message).toBe(
      '`policy r1` never decides: `policy r0` matches all that it matches and goes first',
    );
    expect(found[0]?.related).toHaveLength(1);
  });

  it.each<[string, Partial<Rule>, Partial<Rule>]>([
    [
      'a narrower block',
      { peers: [addressesPeer(['10.1.0.0/16'])] },
      { peers: [addressesPeer(['10.0.0.0/8'])] },
    ],
    [
      'a block with exceptions',
      { peers: [addressesPeer(['10.0.0.0/8'], ['10.1.0.0/16'])] },
      { peers: [addressesPeer(['10.1.0.0/16'])] },
    ],
    ['other ports', { ports: at(80) }, { ports: at(81) }],
    ['a rule that ends', { until: 5 }, {}],
    ['the other direction', {}, { direction: 'egress' }],
    [
      'pods of one label',
      { peers: [podPeer(podsIn('shop', 'app=x'))] },
      { peers: [podPeer(podsIn('shop'))] },
    ],
  ])('are not seen behind %s', (_, first, second) => {
    expect(tier(first, second)).toEqual([]);
  });

  it('say what is left to a deny behind an allow by address', () => {
    const [found] = tier({ peers: [anyPeer] }, { action: 'deny', peers: [anyPeer] });
    expect(found?.hint).toMatch(/no pod holds/);
  });

  it('reach across policies of a tier, where the subjects do', () => {
    const wide = clusterPolicy({ name: 'wide', rules: [rule()] });
    const narrow = clusterPolicy({
      name: 'narrow',
      priority: 5,
      subjects: [podsIn('shop', 'app=x')],
      rules: [rule({ action: 'deny', peers: [all] })],
    });
    expect(codes([wide, narrow])).toEqual(['check/shadowed-rule']);
    expect(codes([{ ...wide, priority: 9 }, narrow])).toEqual([]);
  });

  it('are redundancies in a NetworkPolicy, in any order, and only within it', () => {
    const narrow = rule({ name: 'narrow', peers: [addressesPeer(['10.1.0.0/16'])] });
    const wide = rule({ name: 'wide', peers: [addressesPeer(['10.0.0.0/8'])] });
    const [found, ...others] = check([policy({ rules: [narrow, wide] })]);
    expect(others).toEqual([]);
    expect(found?.message).toBe(
      '`shop/policy narrow` adds nothing: `shop/policy wide` allows all that it allows',
    );
    expect(
      codes([policy({ name: 'a', rules: [narrow] }), policy({ name: 'b', rules: [wide] })]),
    ).toEqual([]);
  });
});

describe('allows without isolation', () => {
  const allow = policy({ kind: 'namespace', name: 'allow', rules: [rule()] });

  it('are warned of unless something in the namespace may isolate', () => {
    expect(codes([allow])).toEqual(['check/allow-without-isolation']);
    const isolate = policy({ name: 'isolate', isolates: { ingress: true, egress: false } });
    expect(codes([allow, isolate])).toEqual([]);
    expect(
      codes([allow, { ...isolate, namespace: 'bank', subjects: [podsIn('bank')] }]),
    ).toHaveLength(1);
    expect(codes([allow, { ...isolate, isolates: { ingress: false, egress: true } }])).toHaveLength(
      1,
    );
  });
});

describe('in a given cluster', () => {
  const db = pod('shop/db', ['10.0.0.2']);
  const web = pod('shop/web', ['10.0.0.1']);
  const snapshot = cluster({
    pods: [db, web],
    nodes: [node('n1', ['192.168.0.1'])],
    services: [service('shop/both', ['10.96.0.1'], { '10.0.0.1': 80, '10.0.0.2': 80 })],
  });

  it('warns of selectors that match nothing', () => {
    const ghost = policy({ subjects: [podsIn('shop', 'app=ghost')] });
    expect(codes([ghost], snapshot)).toEqual(['check/selects-nothing']);
    expect(codes([policy({ subjects: [podsIn('shop', 'app=db')] })], snapshot)).toEqual([]);
    const nodes = { kind: 'nodes', selector: labels('zone=mars'), origin } as const;
    expect(codes([clusterPolicy({ rules: [rule({ peers: [nodes] })] })], snapshot)).toEqual([
      'check/selects-nothing',
    ]);
  });

  it('warns of Services that it does not have', () => {
    const peer = { kind: 'service', namespace: 'shop', name: 'bath', origin } as const;
    const [found] = check([clusterPolicy({ rules: [rule({ peers: [peer] })] })], snapshot);
    expect([found?.code, found?.hint]).toEqual([
      'check/unknown-service',
      'did you mean `shop/both`?',
    ]);
  });

  it('warns of Services whose endpoints differ, naming them', () => {
    const toDb = rule({ direction: 'egress', peers: [podPeer(podsIn('shop', 'app=db'))] });
    const half = policy({ isolates: { ingress: false, egress: true }, rules: [toDb] });
    const [found] = check([half], snapshot);
    expect(found?.message).toBe(
      '`shop/db` cannot use Service `shop/both` at 80/TCP (IPv4): `shop/web` behind it is denied, `shop/db` allowed',
    );
    const both = {
      ...half,
      rules: [rule({ direction: 'egress', peers: [podPeer(podsIn('shop'))] })],
    };
    expect(check([both], snapshot)).toEqual([]);
    const byAddress = rule({ direction: 'egress', peers: [addressesPeer(['10.0.0.2/32'])] });
    expect(codes([{ ...half, rules: [byAddress] }], snapshot)).toEqual(['check/service-mixed']);
  });
});

describe('at scale', () => {
  const timed = (policies: readonly Policy[], snapshot?: ClusterSnapshot): number => {
    const written = model(policies);
    const normal = normalize(written);
    const start = performance.now();
    checkModel(written, normal, snapshot);
    return performance.now() - start;
  };

  it('checks 10,000 policies over 2,000 pods', () => {
    const policies = Array.from({ length: 10_000 }, (_, i) =>
      policy({
        namespace: `ns-${i % 200}`,
        name: `np-${i}`,
        subjects: [podsIn(`ns-${i % 200}`, `app=a${i}`)],
        isolates: { ingress: true, egress: true },
        rules: [
          rule({ peers: [podPeer(podsIn(`ns-${i % 200}`, `app=b${i}`))], ports: at(80) }),
          rule({ peers: [addressesPeer([`10.${i & 255}.0.0/16`])], ports: at(443) }),
        ],
      }),
    );
    const pods = Array.from({ length: 2000 }, (_, i) =>
      pod(`ns-${i % 200}/a${i}`, [`10.1.${i >> 8}.${i & 255}`]),
    );
    expect(timed(policies, cluster({ pods }))).toBeLessThan(4000);
  });

  it('checks 100,000 blocks in one policy, and two policies of equal priority', () => {
    const blocks = (action: 'allow' | 'deny', high: number): readonly Rule[] =>
      Array.from({ length: 100_000 }, (_, i) =>
        rule({
          direction: 'egress',
          action,
          peers: [addressesPeer([`${high}.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`])],
        }),
      );
    const one = clusterPolicy({ name: 'one', rules: blocks('allow', 10) });
    const two = clusterPolicy({ name: 'two', rules: blocks('deny', 11) });
    expect(timed([one, two])).toBeLessThan(12_000);
  });
});
