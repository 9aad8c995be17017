import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.js';
import type { Diagnostic } from '../../src/diagnostics.js';
import { judgeFlow, reportFlow, type Flow } from '../../src/ir/flows.js';
import { resolveFlows } from '../../src/ir/flows/read.js';
import { createInterpreter } from '../../src/ir/interpret.js';
import { normalize } from '../../src/ir/normalize.js';
import { SourceFile, span, type Span } from '../../src/source.js';
import {
  cluster,
  model,
  node,
  pod,
  podPeer,
  podsIn,
  policy,
  rule,
  service,
} from './interpret-models.js';

const deployment = { kind: 'Deployment', name: 'web' };
const snapshot = cluster({
  pods: [
    pod('shop/web-2', ['10.0.0.12'], { workload: deployment, node: 'n1' }),
    pod('shop/web-1', ['10.0.0.11', 'fd00::11'], { workload: deployment, node: 'n1' }),
    pod('shop/db-0', ['fd00::20', '10.0.0.20'], { workload: { kind: 'StatefulSet', name: 'db' } }),
    pod('shop/six', ['fd00::66']),
    pod('shop/job', [], { completed: true }),
    pod('kube-system/proxy', ['192.168.0.1'], { hostNetwork: true, node: 'n1' }),
    pod('a/twin', ['10.0.9.1'], { workload: { kind: 'Deployment', name: 'both' } }),
    pod('a/twin2', ['10.0.9.2'], { workload: { kind: 'DaemonSet', name: 'both' } }),
  ],
  nodes: [node('n1', ['192.168.0.1'], ['10.0.0.0/24'])],
  services: [
    service('shop/db', ['10.96.0.1', 'fd96::1'], { '10.0.0.20': 5432 }),
    service('shop/web', ['10.96.0.2'], { '10.0.0.11': 8080, '10.0.0.12': 8080 }),
    service('shop/headless', [], { '10.0.0.11': 8080 }),
  ],
});

const base = { from: 'shop/web', to: 'shop/db', protocol: 'TCP', port: 80 };

function resolve(entries: unknown): readonly Flow[] {
  const { value, diagnostics } = resolveFlows(entries, snapshot, () => undefined);
  if (value === undefined) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  return value;
}

function problem(over: object): Diagnostic | undefined {
  return resolveFlows([{ ...base, ...over }], snapshot, () => undefined).diagnostics[0];
}

describe('the ends of a flow', () => {
  it('takes the first pod of a workload, and IPv4 where both ends have it', () => {
    const [flow] = resolve([base]);
    expect(flow?.from.pod?.name).toBe('web-1');
    expect(flow?.to.pod?.name).toBe('db-0');
    expect(flow?.family).toBe(4);
    expect(flow?.sourcePort).toBe(49152);
  });

  it('uses IPv6 where only it is common, and for ICMPv6', () => {
    expect(resolve([{ ...base, to: 'shop/six' }])[0]?.family).toBe(6);
    const [flow] = resolve([{ from: 'shop/web', to: 'shop/db', protocol: 'ICMPv6' }]);
    expect([flow?.family, flow?.icmpType, flow?.port]).toEqual([6, 128, 0]);
  });

  it('takes an address for the pod or the node that holds it', () => {
    const [flow] = resolve([{ ...base, from: '192.168.0.1', to: '10.0.0.12' }]);
    expect(flow?.from.node).toBe('n1');
    expect(flow?.to.pod?.name).toBe('web-2');
  });

  it('takes a hostNetwork pod for its node', () => {
    const [flow] = resolve([{ ...base, from: 'kube-system/proxy' }]);
    expect([flow?.from.pod, flow?.from.node]).toEqual([undefined, 'n1']);
  });

  it('sends to a Service at its address, and arrives at its endpoints', () => {
    const [flow] = resolve([{ ...base, to: 'service shop/web' }]);
    expect(flow && formatAddress(flow.to.address)).toBe('10.96.0.2');
    expect(flow?.targets.map(({ pod: at, port }) => [at?.name, port])).toEqual([
      ['web-1', 8080],
      ['web-2', 8080],
    ]);
    expect(resolve([{ ...base, to: '10.96.0.2' }])[0]?.targets).toHaveLength(2);
  });
});

describe('what a flow list may not say', () => {
  const cases: readonly [string, object, string, string?][] = [
    ['a misspelt pod', { to: 'shop/dbb' }, 'flows/unknown-pod', 'did you mean `shop/db`?'],
    [
      'a misspelt Service',
      { to: 'service shop/dbx' },
      'flows/unknown-service',
      'did you mean `service shop/db`?',
    ],
    ['a headless Service', { to: 'service shop/headless' }, 'flows/headless-service'],
    ['a Service that sends', { from: 'service shop/db' }, 'flows/service-as-source'],
    ['a completed pod', { from: 'shop/job' }, 'flows/no-address'],
    ['no common family', { from: 'shop/web-2', to: 'shop/six' }, 'flows/no-common-family'],
    ['a text that names nothing', { from: 'a/b/c' }, 'flows/bad-end'],
    ['two workloads of one name', { from: 'a/both' }, 'flows/ambiguous-name'],
    [
      'a protocol in small letters',
      { protocol: 'tcp' },
      'flows/unknown-protocol',
      'did you mean `TCP`?',
    ],
    ['a port past the end', { port: 65536 }, 'flows/wrong-type'],
    ['half a port', { port: 0.5 }, 'flows/wrong-type'],
    ['a port as text', { port: '80' }, 'flows/wrong-type'],
    ['nothing for a port', { port: null }, 'flows/wrong-type'],
    ['an unknown field', { prot: 1 }, 'flows/unknown-field', 'did you mean `port`?'],
    ['an ICMP type with TCP', { icmpType: 8 }, 'flows/field-without-meaning'],
    ['a port with ICMP', { protocol: 'ICMP' }, 'flows/field-without-meaning'],
    ['ICMPv6 over IPv4', { from: '10.0.0.12', protocol: 'ICMPv6', port: 0 }, 'flows/wrong-icmp'],
    ['ICMP over IPv6', { from: 'shop/six', protocol: 'ICMP', port: 0 }, 'flows/wrong-icmp'],
  ];
  it.each(cases)('refuses %s', (_, over, code, hint) => {
    const found = problem(over);
    expect(found?.code).toBe(code);
    expect(found?.message).toMatch(/flow \[0\]/);
    if (hint !== undefined) expect(found?.hint).toBe(hint);
  });

  it('refuses a missing field, and what is no list or no mapping', () => {
    const rest = { from: 'shop/web', to: 'shop/db', protocol: 'TCP' };
    const codes = (entries: unknown): readonly string[] =>
      resolveFlows(entries, snapshot, () => undefined).diagnostics.map(({ code }) => code);
    expect(codes([rest])).toEqual(['flows/missing-field']);
    expect(codes({})).toEqual(['flows/not-a-list']);
    expect(codes([base, 'x'])).toEqual(['flows/not-a-mapping']);
  });

  it('points at the field of the entry', () => {
    const file = new SourceFile('flows.yaml', 'text');
    const at = (path: readonly (string | number)[]): Span | undefined =>
      path.join('.') === '1.to' ? span(file, 1, 3) : undefined;
    const { diagnostics } = resolveFlows([base, { ...base, to: 'shop/nobody' }], snapshot, at);
    expect(diagnostics.map((one) => one.span)).toEqual([span(file, 1, 3)]);
  });
});

describe('judging a flow', () => {
  const closed = policy({
    name: 'web-1-only',
    subjects: [podsIn('shop', 'app=web-2')],
    isolates: { ingress: true, egress: false },
  });
  const normal = normalize(model([closed]));
  const { judge } = createInterpreter(normal, snapshot, 0);
  const judged = (entry: object): ReturnType<typeof reportFlow> => {
    const [flow] = resolve([entry]);
    if (flow === undefined) throw new Error('no flow');
    return reportFlow(normal, judgeFlow(flow, judge));
  };

  it('reports the sides that policy pods have', () => {
    expect(judged({ ...base, to: '8.8.8.8' })).toEqual({
      verdict: 'allow',
      egress: { verdict: 'allow', rule: null, reason: 'default', at: null },
    });
  });

  it('needs the consent of every endpoint, and reports the first that denies', () => {
    expect(judged({ ...base, from: '8.8.8.8', to: 'service shop/web' })).toEqual({
      verdict: 'deny',
      ingress: {
        verdict: 'deny',
        rule: 'shop/web-1-only',
        reason: 'isolation',
        at: 'model.yaml:1:1',
      },
    });
  });

  it('denies a Service without ready endpoints, whoever asks', () => {
    const six = { ...base, from: 'fd01::1', to: 'service shop/db' };
    expect(judged(six)).toMatchObject({ verdict: 'deny', ingress: { reason: 'no-endpoint' } });
  });

  it('knows packets that the own node makes', () => {
    const fromNode = { ...base, from: 'kube-system/proxy', to: 'shop/web-2' };
    expect(judged(fromNode)).toMatchObject({ verdict: 'allow', ingress: { reason: 'own-node' } });
  });

  it('needs both sides', () => {
    const opened = policy({
      isolates: { ingress: true, egress: true },
      rules: [rule({ peers: [podPeer(podsIn('shop'))] })],
    });
    const other = createInterpreter(normalize(model([opened])), snapshot, 0);
    const [flow] = resolve([base]);
    const result = flow && judgeFlow(flow, other.judge);
    expect([result?.verdict, result?.egress?.verdict, result?.ingress?.verdict]).toEqual([
      'deny',
      'deny',
      'allow',
    ]);
  });
});
