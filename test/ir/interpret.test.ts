import { describe, expect, it } from 'vitest';
import type { ClusterSnapshot, Pod } from '../../src/ir/cluster.js';
import { createInterpreter, type Protocol } from '../../src/ir/interpret.js';
import { BASELINE_TIER, type Direction, type PolicyModel } from '../../src/ir/model.js';
import { deciderName } from '../../src/ir/normal-model.js';
import { normalize } from '../../src/ir/normalize.js';
import {
  address,
  addressesPeer,
  clusterPolicy,
  cluster,
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

const web = pod('shop/web', ['10.0.0.1', 'fd00::1'], {
  node: 'n1',
  ports: [
    { name: 'http', protocol: 'TCP', port: 8080 },
    { name: 'dns', protocol: 'UDP', port: 53 },
  ],
});
const db = pod('shop/db', ['10.0.0.2', 'fd00::2'], { node: 'n2' });
const agent = pod('kube-system/agent', ['192.168.0.1'], { node: 'n1', hostNetwork: true });
const nodes = [
  node('n1', ['192.168.0.1', 'fd99::1'], ['10.0.0.0/24', 'fd00::/64']),
  node('n2', ['192.168.0.2'], ['10.0.1.0/24']),
];
const isolated = { ingress: true, egress: true };

interface Query {
  readonly direction?: Direction;
  readonly protocol?: Protocol;
  readonly port?: number;
  readonly localOrigin?: boolean;
  readonly at?: number;
  readonly snapshot?: Partial<ClusterSnapshot>;
}

function judge(policies: PolicyModel, subject: Pod, remote: string, query: Query = {}): string {
  const normal = normalize(policies);
  const snapshot = cluster({ pods: [web, db, agent], nodes, ...query.snapshot });
  const { verdict, reason, decider } = createInterpreter(normal, snapshot, query.at ?? 0).judge(
    subject,
    query.direction ?? 'ingress',
    address(remote),
    query.protocol ?? 'TCP',
    query.port ?? 80,
    { localOrigin: query.localOrigin ?? false },
  );
  const found = normal.deciders[decider];
  const name = found === undefined ? undefined : deciderName(found);
  return name === undefined ? `${verdict} ${reason}` : `${verdict} ${reason} ${name}`;
}

describe('the interpreter', () => {
  it('allows what no policy speaks of', () => {
    expect(judge(model([]), web, '10.0.0.2')).toBe('allow default');
  });

  it('lets an isolated pod reach itself, in all its families', () => {
    const closed = model([policy({ isolates: isolated })]);
    expect(judge(closed, web, '10.0.0.1')).toBe('allow self');
    expect(judge(closed, web, 'fd00::1', { direction: 'egress' })).toBe('allow self');
    expect(judge(closed, web, 'fd00::2')).toBe('deny isolation shop/policy');
  });

  it('exempts what the own node makes, and nothing that it forwards', () => {
    const closed = model([policy({ isolates: isolated })]);
    expect(judge(closed, web, '192.168.0.1', { localOrigin: true })).toBe('allow own-node');
    expect(judge(closed, web, 'fd99::1', { localOrigin: true })).toBe('allow own-node');
    expect(judge(closed, web, '192.168.0.1')).toBe('deny isolation shop/policy');
    expect(judge(closed, web, '192.168.0.2', { localOrigin: true })).toMatch(/^deny/);
    expect(judge(closed, web, '192.168.0.1', { direction: 'egress' })).toMatch(/^deny/);
  });

  it('names the first policy that isolates and the first rule that allows', () => {
    const twice = model([
      policy({ name: 'b', isolates: isolated, rules: [rule()] }),
      policy({ name: 'a', rules: [rule({ name: 'ingress[1]' })] }),
      policy({ name: 'c', isolates: isolated }),
    ]);
    expect(judge(twice, web, '10.0.0.2')).toBe('allow rule shop/a ingress[1]');
    expect(judge(twice, web, '10.0.0.2', { direction: 'egress' })).toBe('deny isolation shop/b');
  });

  it('goes on to the baseline only where nothing isolates', () => {
    const baseline = clusterPolicy({
      name: 'base',
      tier: BASELINE_TIER.name,
      rules: [rule({ action: 'deny' })],
    });
    const allow = policy({ rules: [rule()] });
    expect(judge(model([baseline, allow]), web, '10.0.0.2')).toBe('deny rule base ingress[0]');
    const isolating = policy({ isolates: isolated, rules: [rule()] });
    expect(judge(model([baseline, isolating]), web, '10.0.0.2')).toMatch(/^allow rule shop/);
  });

  it('leaves a tier by pass, and walks the next', () => {
    const admin = clusterPolicy({
      rules: [rule({ action: 'pass', peers: [podPeer(podsIn('shop'))] }), rule({ action: 'deny' })],
    });
    const closed = policy({ isolates: isolated });
    expect(judge(model([admin, closed]), web, '10.0.0.2')).toBe('deny isolation shop/policy');
    expect(judge(model([admin, closed]), web, '8.8.8.8')).toBe('deny rule policy ingress[0]');
    expect(judge(model([admin]), web, '10.0.0.2')).toBe('allow default');
  });

  it('lets no allow by address or `any` cover addresses that nobody holds', () => {
    const everywhere = addressesPeer(['0.0.0.0/0']);
    for (const peers of [[everywhere], undefined]) {
      const allows = rule(peers === undefined ? {} : { peers });
      const open = model([policy({ isolates: isolated, rules: [allows] })]);
      expect(judge(open, web, '10.0.0.77')).toBe('deny isolation shop/policy');
      expect(judge(open, web, '10.9.0.77')).toBe('allow rule shop/policy ingress[0]');
    }
    const denies = clusterPolicy({ rules: [rule({ action: 'deny', peers: [everywhere] })] });
    expect(judge(model([denies]), web, '10.0.0.77')).toBe('deny rule policy ingress[0]');
    const outside = clusterPolicy({
      rules: [rule({ action: 'deny', peers: [{ kind: 'outside', origin }] })],
    });
    expect(judge(model([outside]), web, '10.0.0.77')).toBe('allow default');
    expect(judge(model([outside]), web, '192.168.0.2')).toBe('allow default');
    expect(judge(model([outside]), web, '8.8.8.8')).toBe('deny rule policy ingress[0]');
  });

  it('resolves named ports on the destination', () => {
    const named = { kind: 'named', name: 'http', protocol: 'TCP' } as const;
    const into = model([policy({ isolates: isolated, rules: [rule({ ports: [named] })] })]);
    expect(judge(into, web, '8.8.8.8', { port: 8080 })).toMatch(/^allow/);
    expect(judge(into, web, '8.8.8.8', { port: 80 })).toMatch(/^deny/);
    expect(judge(into, web, '8.8.8.8', { port: 8080, protocol: 'UDP' })).toMatch(/^deny/);
    const out = { direction: 'egress', port: 8080 } as const;
    const byAnyone = rule({ direction: 'egress', ports: [named] });
    const outOf = model([policy({ isolates: isolated, rules: [byAnyone] })]);
    expect(judge(outOf, db, '10.0.0.1', out)).toMatch(/^allow/);
    const byAddress = { ...byAnyone, peers: [addressesPeer(['10.0.0.0/8'])] };
    const blocks = model([policy({ isolates: isolated, rules: [byAddress] })]);
    expect(judge(blocks, db, '10.0.0.1', out)).toMatch(/^deny/);
  });

  it('matches ICMP only by rules without ports', () => {
    const all = (['TCP', 'UDP', 'SCTP'] as const).map((protocol) => ({
      kind: 'range' as const,
      protocol,
      first: 0,
      last: 65535,
    }));
    const ping = { protocol: 'ICMP', port: 0 } as const;
    const withPorts = model([policy({ isolates: isolated, rules: [rule({ ports: all })] })]);
    expect(judge(withPorts, web, '10.0.0.2', ping)).toMatch(/^deny/);
    const without = model([policy({ isolates: isolated, rules: [rule()] })]);
    expect(judge(without, web, '10.0.0.2', ping)).toMatch(/^allow/);
  });

  it('drops a rule at the very instant of its `until`', () => {
    const limited = model([policy({ isolates: isolated, rules: [rule({ until: 1000 })] })]);
    expect(judge(limited, web, '10.0.0.2', { at: 999 })).toMatch(/^allow/);
    expect(judge(limited, web, '10.0.0.2', { at: 1000 })).toMatch(/^deny/);
  });

  it('takes a hostNetwork pod for its node', () => {
    const toNodes = clusterPolicy({
      rules: [rule({ action: 'deny', peers: [{ kind: 'nodes', selector: labels(), origin }] })],
    });
    expect(judge(model([toNodes]), db, '192.168.0.1')).toBe('deny rule policy ingress[0]');
    const fromPods = clusterPolicy({
      rules: [
        rule({
          action: 'deny',
          peers: [podPeer({ namespaces: labels(), pods: labels(), origin })],
        }),
      ],
    });
    expect(judge(model([fromPods]), db, '192.168.0.1')).toBe('allow default');
    expect(() => judge(model([]), agent, '10.0.0.1')).toThrow(/policy pod/);
  });
});

describe('Services', () => {
  const toDb = rule({ direction: 'egress', peers: [podPeer(podsIn('shop', 'app=db'))] });
  const opened = model([policy({ isolates: isolated, rules: [toDb] })]);
  const out = { direction: 'egress' } as const;
  const behind = (...services: readonly ReturnType<typeof service>[]): Query => ({
    ...out,
    snapshot: { services },
  });

  it('judges a packet to a Service by its endpoints', () => {
    const query = behind(service('shop/db', ['10.96.0.1'], { '10.0.0.2': 5432 }));
    expect(judge(opened, web, '10.96.0.1', query)).toBe('allow rule shop/policy egress[0]');
    expect(judge(opened, web, '10.96.0.1', { ...query, port: 5432 })).toBe('deny no-endpoint');
    expect(judge(opened, web, '10.96.0.1', { ...query, protocol: 'ICMP' })).toMatch(
      /^deny isolation/,
    );
  });

  it('denies where the endpoints differ, and where there are none, even unisolated', () => {
    const mixed = behind(service('shop/all', ['10.96.0.1'], { '10.0.0.1': 80, '10.0.0.2': 80 }));
    expect(judge(opened, web, '10.96.0.1', mixed)).toBe('deny service-mixed shop/policy');
    const otherFamily = behind(service('shop/six', ['10.96.0.1'], { 'fd00::2': 80 }));
    expect(judge(model([]), web, '10.96.0.1', otherFamily)).toBe('deny no-endpoint');
  });

  it('translates the ports of a rule to a Service', () => {
    const named = { kind: 'service', namespace: 'shop', name: 'db', origin } as const;
    const at80 = [{ kind: 'range', protocol: 'TCP', first: 80, last: 80 }] as const;
    const toService = rule({ direction: 'egress', peers: [named], ports: at80 });
    const translated = model([policy({ isolates: isolated, rules: [toService] })]);
    const query = behind(service('shop/db', ['10.96.0.1'], { '10.0.0.2': 5432 }));
    expect(judge(translated, web, '10.96.0.1', query)).toMatch(/^allow rule/);
    expect(judge(translated, web, '10.0.0.2', { ...query, port: 5432 })).toMatch(/^allow rule/);
    expect(judge(translated, web, '10.0.0.2', query)).toMatch(/^deny/);
  });
});

describe('at scale', () => {
  it('answers 100,000 questions on 2,000 pods and 2,000 policies without scanning them', () => {
    const pods = Array.from({ length: 2000 }, (_, i) =>
      pod(`ns-${i % 100}/p${i}`, [`10.1.${i >> 8}.${i & 255}`]),
    );
    const policies = pods.map((one, i) =>
      policy({
        namespace: one.namespace,
        name: `np-${i}`,
        subjects: [podsIn(one.namespace, `app=${one.name}`)],
        isolates: isolated,
        rules: [
          rule({ peers: [podPeer(podsIn(one.namespace))] }),
          rule({ peers: [addressesPeer([`192.0.${i & 255}.0/24`])] }),
        ],
      }),
    );
    const { judge: ask } = createInterpreter(normalize(model(policies)), cluster({ pods }), 0);
    let allowed = 0;
    const options = { localOrigin: false };
    for (let i = 0; i < 100_000; i += 1) {
      const from = pods[i % 2000];
      const to = pods[(i * 7 + 100) % 2000];
      const remote = from?.addresses[0];
      if (to === undefined || remote === undefined) throw new Error('no such pod');
      if (ask(to, 'ingress', remote, 'TCP', 80, options).verdict === 'allow') allowed += 1;
    }
    expect(allowed).toBeGreaterThan(0);
    expect(allowed).toBeLessThan(100_000);
  });
});
