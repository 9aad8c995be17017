import { describe, expect, it } from 'vitest';
import { evaluateAssertions } from '../../src/analysis/assert.js';
import type { AssertionResult } from '../../src/analysis/assert/results.js';
import type { ClusterSnapshot } from '../../src/ir/cluster.js';
import { createInterpreter } from '../../src/ir/interpret.js';
import type { Assertion, Peer, PeerGroup, Policy } from '../../src/ir/model.js';
import { normalize } from '../../src/ir/normalize.js';
import {
  anyPeer,
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
} from '../ir/interpret-models.js';

const web = pod('shop/web', ['10.0.0.1', 'fd00::1'], { node: 'n1' });
const db = pod('shop/db', ['10.0.0.2', 'fd00::2'], { node: 'n1' });
const spy = pod('dev/spy', ['10.0.0.3'], { node: 'n2' });
const snapshot = cluster({
  pods: [web, db, spy],
  nodes: [node('n1', ['192.168.0.1']), node('n2', ['192.168.0.2'])],
  services: [service('shop/db', ['10.96.0.1'], { '10.0.0.2': 5432 })],
});

const group = (label: string, ...peers: readonly Peer[]): PeerGroup => ({ label, peers, origin });
const webs = group('web', podPeer(podsIn('shop', 'app=web')));
const dbs = group('db', podPeer(podsIn('shop', 'app=db')));
const spies = group('spy', podPeer(podsIn('dev', 'app=spy')));
const ghosts = group('ghosts', podPeer(podsIn('shop', 'app=ghost')));
const outside = group('outside', { kind: 'outside', origin });
const everyPort = { ports: 'every', origin } as const;
const at5432 = {
  ports: [{ kind: 'range', protocol: 'TCP', first: 5432, last: 5432 }],
  origin,
} as const;

/** The database takes 5432/TCP from the web pods alone. */
const closed = policy({
  subjects: [podsIn('shop', 'app=db')],
  isolates: { ingress: true, egress: false },
  rules: [rule({ peers: [podPeer(podsIn('shop', 'app=web'))], ports: at5432.ports })],
});

function evaluate(
  assertion: Assertion,
  policies: readonly Policy[] = [closed],
  given: ClusterSnapshot = snapshot,
): AssertionResult | undefined {
  const normal = normalize(model(policies));
  const context = {
    model: normal,
    cluster: given,
    at: 0,
    judgeIn: (one: ClusterSnapshot) => createInterpreter(normal, one, 0).judge,
    mapBytes: () => 4096,
  };
  return evaluateAssertions([assertion], context)[0];
}

describe('assertions', () => {
  it.each<[string, boolean, Assertion]>([
    ['reach all', true, { kind: 'reach', quantifier: 'all', from: webs, to: dbs, ...at5432 }],
    [
      'reach all, any port',
      false,
      { kind: 'reach', quantifier: 'all', from: webs, to: dbs, ...everyPort },
    ],
    [
      'reach some, any port',
      true,
      { kind: 'reach', quantifier: 'some', from: webs, to: dbs, ...everyPort },
    ],
    [
      'reach some',
      false,
      { kind: 'reach', quantifier: 'some', from: spies, to: dbs, ...everyPort },
    ],
    ['never', true, { kind: 'never', from: spies, to: dbs, ...everyPort }],
    ['never, but does', false, { kind: 'never', from: webs, to: dbs, ...everyPort }],
    ['never from outside', true, { kind: 'never', from: outside, to: dbs, ...everyPort }],
    [
      'never from outside, but does',
      false,
      { kind: 'never', from: outside, to: webs, ...everyPort },
    ],
    ['only', true, { kind: 'only', from: [webs], to: dbs, ...everyPort }],
    ['only, but others do', false, { kind: 'only', from: [spies], to: dbs, ...everyPort }],
    ['isolated', true, { kind: 'isolated', group: dbs, directions: ['ingress'], origin }],
    [
      'not isolated',
      false,
      { kind: 'isolated', group: dbs, directions: ['ingress', 'egress'], origin },
    ],
    ['small maps', true, { kind: 'maps', maxBytes: 4096, origin }],
    ['large maps', false, { kind: 'maps', maxBytes: 4095, origin }],
    ['an empty group', false, { kind: 'never', from: ghosts, to: dbs, ...everyPort }],
    [
      'an empty isolated group',
      false,
      { kind: 'isolated', group: ghosts, directions: ['ingress'], origin },
    ],
  ])('%s: %s', (_, passed, assertion) => {
    expect(evaluate(assertion)?.passed).toBe(passed);
  });

  it('fail with a counterexample and an error', () => {
    const result = evaluate({ kind: 'never', from: webs, to: dbs, ...everyPort });
    expect(result?.message).toBe('`shop/web` to `shop/db` at 5432/TCP (IPv4) is allowed');
    expect(result?.counterexample?.judged.ingress?.reason).toBe('rule');
    expect(result?.diagnostic?.code).toBe('assert/failed');
  });

  it('see what a range leaves open at its edge', () => {
    const range = { kind: 'range', protocol: 'UDP', first: 100, last: 200 } as const;
    const leaky = { ...closed, rules: [rule({ ports: [range] })] };
    const result = evaluate({ kind: 'never', from: spies, to: dbs, ...everyPort }, [leaky]);
    expect(result?.message).toContain('100/UDP');
  });

  it('know that the own node always reaches its pods, unless it is named', () => {
    const all = group('any', anyPeer);
    const shut = { ...closed, rules: [] };
    expect(evaluate({ kind: 'never', from: all, to: dbs, ...everyPort }, [shut])?.passed).toBe(
      true,
    );
    const nodes = group('nodes', { kind: 'nodes', selector: labels(), origin });
    expect(evaluate({ kind: 'never', from: nodes, to: dbs, ...everyPort }, [shut])?.passed).toBe(
      false,
    );
  });

  it('reach a Service through its endpoints', () => {
    const toService = group('service', { kind: 'service', namespace: 'shop', name: 'db', origin });
    const reach = { kind: 'reach', quantifier: 'all', to: toService, ...everyPort } as const;
    expect(evaluate({ ...reach, from: webs })?.message).toBe('all of web to service is allowed');
    expect(evaluate({ ...reach, from: spies })?.passed).toBe(false);
  });

  it('judge one pod for thousands that are alike', () => {
    const pods = Array.from({ length: 5000 }, (_, i) =>
      pod(`shop/web-${i}`, [`10.1.${i >> 8}.${i & 255}`], { labels: new Map([['app', 'web']]) }),
    );
    const many = cluster({ pods: [...pods, db] });
    const start = performance.now();
    expect(
      evaluate({ kind: 'reach', quantifier: 'all', from: webs, to: dbs, ...at5432 }, [closed], many)
        ?.passed,
    ).toBe(true);
    expect(performance.now() - start).toBeLessThan(3000);
  });
});
