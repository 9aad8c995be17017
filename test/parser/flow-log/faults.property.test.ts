/** Whatever a line holds, it is read, left out or refused, and what is read can be judged. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Replay } from '../../../src/analysis/replay.js';
import { Suggestion } from '../../../src/analysis/suggest.js';
import { normalize } from '../../../src/ir/normalize.js';
import {
  detectFlowLogFormat,
  FLOW_LOG_FORMATS,
  readFlowLogLine,
  type FlowLogFormat,
} from '../../../src/parser/flow-log.js';
import { SourceFile } from '../../../src/source.js';
import { CLUSTER, POLICY } from '../../cli/workspace.js';
import { readCluster, readPolicies } from '../../oracle/world-model.js';

const SAMPLES: readonly (readonly [FlowLogFormat, object])[] = [
  [
    'hubble',
    {
      flow: {
        ...{ time: '2026-01-01T00:00:00Z', verdict: 'DROPPED', drop_reason_desc: 'POLICY_DENIED' },
        IP: { source: '10.0.0.1', destination: '10.0.0.2' },
        l4: { TCP: { source_port: 40000, destination_port: 80, flags: { SYN: true } } },
        source: {
          namespace: 'shop',
          pod_name: 'fe',
          labels: ['k8s:app=fe'],
          workloads: [{ name: 'fe' }],
        },
        destination: { identity: 2, labels: ['reserved:world'] },
        ...{ traffic_direction: 'INGRESS', is_reply: false, node_name: 'k/n1' },
      },
    },
  ],
  [
    'calico',
    {
      ...{ start_time: 1, end_time: 2, reporter: 'src', action: 'allow', proto: 'tcp' },
      ...{
        source_type: 'wep',
        source_name: '-',
        source_name_aggr: 'fe-*',
        source_namespace: 'shop',
      },
      ...{ source_labels: { labels: ['app=fe'] }, source_ip: null, dest_ip: null, dest_port: 443 },
      ...{ dest_type: 'net', dest_name_aggr: 'pub', dest_namespace: '-', num_flows: 3 },
    },
  ],
  [
    'aws',
    {
      ...{ level: 'info', ts: '2026-01-01T00:00:00Z', msg: 'Flow Info:  ' },
      ...{ 'Src IP': '10.0.0.1', 'Src Port': 40000, 'Dest IP': '10.0.0.2', 'Dest Port': 80 },
      ...{ Proto: 'TCP', Verdict: 'ACCEPT' },
    },
  ],
  [
    'policyc',
    {
      ...{ time: '2026-01-01T00:00:00Z', verdict: 'deny', direction: 'ingress', pod: 'shop/fe' },
      ...{ address: '10.0.0.1', peerAddress: '10.0.0.2', peer: 'shop/db', protocol: 'TCP' },
      ...{ podPort: 80, peerPort: 40000, laterFragment: false },
    },
  ],
  ['policyc', { from: 'shop/fe', to: '203.0.113.1', protocol: 'TCP', port: 80, count: 2 }],
];

const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    '',
    '-',
    0,
    -1,
    65536,
    1e300,
    true,
    [],
    {},
    [null],
    ['x'],
    'ünï\u0000',
  ),
  fc.constantFrom('10.0.0.1', '::1', '1.2.3.4/24', 'reserved:host', 'a/b/c', '*', 'fe80::1%eth0'),
  fc.jsonValue(),
);

/** The same with the value of one field of one of its objects in another's place, or gone. */
function damaged(value: unknown, path: readonly number[], by: unknown): unknown {
  if (typeof value !== 'object' || value === null) return by;
  const [step, ...rest] = path;
  const keys = Object.keys(value);
  const key = keys[(step ?? 0) % Math.max(1, keys.length)];
  if (step === undefined || key === undefined) return by;
  const copy: object = Array.isArray(value) ? [...(value as unknown[])] : { ...value };
  const inner = (value as Record<string, unknown>)[key];
  const isDeep = typeof inner === 'object' && inner !== null && rest.length > 0;
  Object.assign(copy, { [key]: isDeep ? damaged(inner, rest, by) : by });
  return copy;
}

describe('a line of a flow log', () => {
  it('never breaks the reader, nor what is made of it', () => {
    const cluster = readCluster(new SourceFile('cluster.yaml', CLUSTER));
    const model = normalize(readPolicies(new SourceFile('policy.yaml', POLICY)));
    const damage = fc.record({ path: fc.array(fc.nat(20), { maxLength: 5 }), by: odd });
    const property = fc.property(
      fc.constantFrom(...SAMPLES),
      fc.array(damage, { minLength: 1, maxLength: 4 }),
      fc.constantFrom(...FLOW_LOG_FORMATS),
      ([format, sample], damages, other) => {
        const value = damages.reduce<unknown>(
          (one, { path, by }) => damaged(one, path, by),
          sample,
        );
        const text = JSON.stringify(value);
        const replay = new Replay({ cluster, new: model, old: model, at: 0 });
        const suggestion = new Suggestion({ cluster, minCount: 1, at: 0, existing: model });
        for (const one of [format, other, detectFlowLogFormat(text) ?? format]) {
          const line = readFlowLogLine(text, one);
          if (line.kind !== 'flow') {
            expect(line.kind === 'bad' || line.count > 0).toBe(true);
            continue;
          }
          const { count, port, first } = line.flow;
          expect(Number.isSafeInteger(count) && count > 0).toBe(true);
          expect(Number.isInteger(port) && port >= 0 && port <= 65535).toBe(true);
          expect(first === undefined || !Number.isNaN(new Date(first).getTime())).toBe(true);
          replay.add(line.flow, { path: 'log', line: 1 });
          suggestion.add(line.flow, { path: 'log', line: 1 });
        }
        expect(() => JSON.stringify(replay.report())).not.toThrow();
        expect(suggestion.draft().notes).toBeInstanceOf(Array);
      },
    );
    fc.assert(property, { numRuns: 3000, seed: 7 });
  }, 120_000);

  it('is refused where it is no JSON', () => {
    const property = fc.property(
      fc.string(),
      fc.constantFrom(...FLOW_LOG_FORMATS),
      (text, format) => {
        expect(['flow', 'skip', 'bad']).toContain(readFlowLogLine(text, format).kind);
      },
    );
    fc.assert(property, { numRuns: 1000, seed: 7 });
  });
});
