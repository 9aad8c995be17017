/** Lines of flow logs, as the engines write them, and what is read of each. */
import { describe, expect, it } from 'vitest';
import { detectFlowLogFormat, readFlowLogLine } from '../../../src/parser/flow-log.js';
import type { SeenFlow } from '../../../src/parser/flow-log/record.js';

const TIME = '2023-08-21T12:12:18.510175415Z';
const MS = Date.parse(TIME);

function read(line: string): ReturnType<typeof readFlowLogLine> {
  const format = detectFlowLogFormat(line);
  if (format === undefined) throw new Error('no format');
  return readFlowLogLine(line, format);
}

function flowOf(line: string): SeenFlow {
  const found = read(line);
  if (found.kind !== 'flow') throw new Error(JSON.stringify(found));
  return found.flow;
}

function hubble(flow: object, wrapper: object = {}): string {
  return JSON.stringify({
    flow: { time: TIME, verdict: 'FORWARDED', node_name: 'kind/worker', ...flow },
    node_name: 'kind/worker',
    time: TIME,
    ...wrapper,
  });
}

const IPS = { IP: { source: '10.244.1.60', destination: '10.244.1.5', ipVersion: 'IPv4' } };
const XWING = { namespace: 'default', pod_name: 'xwing', labels: ['k8s:class=xwing'] };
const STAR = {
  namespace: 'default',
  pod_name: 'deathstar-7848d6c4d5-th9v2',
  labels: [
    'k8s:class=deathstar',
    'k8s:io.cilium.k8s.namespace.labels.team=empire',
    'k8s:io.cilium.k8s.policy.cluster=kind',
    'k8s:io.kubernetes.pod.namespace=default',
  ],
  workloads: [{ name: 'deathstar', kind: 'Deployment' }],
};
const ENDS = { source: XWING, destination: STAR };
const TCP = { l4: { TCP: { source_port: 44916, destination_port: 80 } } };

describe('Hubble', () => {
  it('reads a drop by policy as the exporter writes it', () => {
    const line =
      '{"flow":{"time":"2023-08-21T12:12:18.510175415Z","verdict":"DROPPED","IP":{"source":"10.244.1.60","destination":"10.244.1.5","ipVersion":"IPv4"},"l4":{"TCP":{"source_port":44916,"destination_port":80,"flags":{"SYN":true}}},"source":{"namespace":"default","pod_name":"xwing"},"destination":{"namespace":"default","pod_name":"deathstar-7848d6c4d5-th9v2"},"node_name":"kind-kind/kind-worker","drop_reason_desc":"POLICY_DENIED"},"node_name":"kind-kind/kind-worker","time":"2023-08-21T12:12:18.510175415Z"}';
    expect(flowOf(line)).toMatchObject({
      from: { address: '10.244.1.60', namespace: 'default', pod: 'xwing' },
      to: { address: '10.244.1.5', namespace: 'default', pod: 'deathstar-7848d6c4d5-th9v2' },
      ...{ protocol: 'TCP', port: 80, verdict: 'deny', side: 'unknown', guessed: false },
      ...{ count: 1, first: MS, last: MS },
    });
  });

  it('takes labels apart: the pod’s own, and those of its namespace', () => {
    const { to } = flowOf(hubble({ ...IPS, ...ENDS, ...TCP, is_reply: false }));
    expect(to.labels).toEqual(['class=deathstar']);
    expect(to.namespaceLabels).toEqual(['team=empire']);
    expect(to.workload).toBe('deathstar');
  });

  it.each([
    ['is_reply', { is_reply: true }],
    ['is_reply as a wrapper', { is_reply: { value: true } }],
    ['the old reply field', { reply: true }],
    [
      'a SYN with ACK',
      {
        l4: { TCP: { source_port: 80, destination_port: 44916, flags: { SYN: true, ACK: true } } },
      },
    ],
  ])('turns replies round by %s', (_, fields) => {
    const l4 = { l4: { TCP: { source_port: 80, destination_port: 44916 } } };
    const line = hubble({ ...IPS, source: STAR, destination: XWING, ...l4, ...fields });
    expect(flowOf(line)).toMatchObject({
      from: { pod: 'xwing' },
      to: { pod: 'deathstar-7848d6c4d5-th9v2' },
      ...{ port: 80, side: 'both', guessed: false },
    });
  });

  it('guesses by ports where nothing says who opened, and says so', () => {
    const l4 = { l4: { UDP: { source_port: 53, destination_port: 44916 } } };
    const line = hubble({ ...IPS, source: STAR, destination: XWING, ...l4 });
    expect(flowOf(line)).toMatchObject({ from: { pod: 'xwing' }, port: 53, guessed: true });
    expect(flowOf(hubble({ ...IPS, ...ENDS, ...TCP }))).toMatchObject({ port: 80, guessed: false });
  });

  it.each([
    [{ traffic_direction: 'INGRESS' }, 'ingress'],
    [{ traffic_direction: 'EGRESS' }, 'egress'],
    [{ traffic_direction: 'EGRESS', trace_observation_point: 'TO_ENDPOINT' }, 'ingress'],
    [{}, 'unknown'],
  ])('tells the side of %j', (fields, side) => {
    expect(flowOf(hubble({ ...IPS, ...ENDS, ...TCP, is_reply: false, ...fields })).side).toBe(side);
  });

  it.each([
    [{ verdict: 'REDIRECTED' }, 'allow'],
    [{ verdict: 'AUDIT' }, 'allow'],
    [{ verdict: 1 }, 'allow'],
    [{ verdict: 'DROPPED', drop_reason_desc: 'POLICY_DENY' }, 'deny'],
    [{ verdict: 'DROPPED', drop_reason: 133 }, 'deny'],
    [{ verdict: 'DROPPED', event_type: { type: 5 } }, 'deny'],
    // The proxy denies requests, not connections.
    [{ verdict: 'DROPPED', Type: 'L7', l7: { type: 'REQUEST', http: {} } }, 'allow'],
  ])('reads %j as %s', (fields, verdict) => {
    const line = hubble({ ...IPS, ...ENDS, ...TCP, is_reply: false, ...fields });
    expect(flowOf(line).verdict).toBe(verdict);
  });

  it.each([
    [{ ...TCP, verdict: 'DROPPED', drop_reason_desc: 'CT_MAP_INSERTION_FAILED' }, 'not-policy'],
    [{ ...TCP, verdict: 'DROPPED' }, 'not-policy'],
    [{ ...TCP, verdict: 'TRACED' }, 'no-verdict'],
    [{ ...TCP, verdict: 'TRANSLATED', Type: 'SOCK' }, 'socket'],
    [{ l4: { ICMPv4: { type: 3, code: 1 } } }, 'icmp-error'],
    [{ l4: { ICMPv6: { type: 135 } } }, 'neighbours'],
    [{ ...TCP, destination: { identity: 4, labels: ['reserved:health'] } }, 'health'],
    [{}, 'protocol'],
  ])('leaves out %j as %s', (fields, why) => {
    expect(read(hubble({ ...IPS, ...ENDS, ...fields }))).toMatchObject({ kind: 'skip', why });
  });

  it('counts an echo request, and its reply for the request', () => {
    const request = hubble({ ...IPS, ...ENDS, l4: { ICMPv4: { type: 8 } } });
    expect(flowOf(request)).toMatchObject({ protocol: 'ICMP', port: 0, from: { pod: 'xwing' } });
    // protobuf leaves out zero, which is an echo reply.
    const reply = hubble({ ...IPS, source: STAR, destination: XWING, l4: { ICMPv4: {} } });
    expect(flowOf(reply)).toMatchObject({ protocol: 'ICMP', from: { pod: 'xwing' }, side: 'both' });
  });

  it.each([
    [['reserved:host'], { kind: 'own-node', node: 'worker' }],
    [['reserved:remote-node'], { kind: 'other-node' }],
    [['reserved:world'], { kind: 'outside' }],
    [['reserved:world-ipv4', 'cidr:1.1.1.1/32'], { kind: 'outside' }],
    [['reserved:kube-apiserver', 'reserved:remote-node'], {}],
  ])('knows the identity %j', (labels, expected) => {
    const source = { identity: 1, labels };
    const { from } = flowOf(hubble({ ...IPS, ...TCP, source, destination: STAR, is_reply: false }));
    expect(from).toMatchObject({ address: '10.244.1.60', ...expected });
    expect(from.namespace).toBeUndefined();
  });

  it('counts what the log says is lost, and passes over other messages', () => {
    const lost = '{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"17"}}';
    expect(read(lost)).toEqual({ kind: 'skip', why: 'lost', count: 17 });
    expect(read('{"node_status":{"state_change":"NODE_CONNECTED"}}')).toMatchObject({
      kind: 'skip',
      why: 'other',
    });
  });

  it('reads what containerd and docker put around lines', () => {
    const line = hubble({ ...IPS, ...ENDS, ...TCP, is_reply: false });
    expect(flowOf(`2026-09-15T16:20:01.123456789Z stdout F ${line}`).port).toBe(80);
    expect(flowOf(JSON.stringify({ log: `${line}\n`, stream: 'stdout', time: TIME })).port).toBe(
      80,
    );
  });
});

const CALICO = {
  ...{ start_time: 1659621542, end_time: 1659621842 },
  ...{ source_ip: null, source_name: '-', source_name_aggr: 'frontend-755cdc7957-*' },
  ...{ source_namespace: 'default', source_port: null, source_type: 'wep' },
  source_labels: { labels: ['app=frontend', 'pod-template-hash=755cdc7957'] },
  ...{ dest_ip: '10.48.127.224', dest_name: 'checkout-598d5b586d-wsvmz' },
  ...{ dest_name_aggr: 'checkout-598d5b586d-*', dest_namespace: 'shop', dest_port: 5050 },
  ...{ dest_type: 'wep', dest_labels: { labels: ['app=checkout'] } },
  ...{ proto: 'tcp', action: 'deny', reporter: 'dst', num_flows: 3 },
};

describe('Calico', () => {
  const line = (fields: object): string => JSON.stringify({ ...CALICO, ...fields });

  it('reads a record', () => {
    expect(flowOf(line({}))).toEqual({
      from: {
        namespace: 'default',
        podPrefix: 'frontend-755cdc7957-',
        labels: ['app=frontend', 'pod-template-hash=755cdc7957'],
      },
      to: {
        address: '10.48.127.224',
        namespace: 'shop',
        pod: 'checkout-598d5b586d-wsvmz',
        podPrefix: 'checkout-598d5b586d-',
        labels: ['app=checkout'],
      },
      ...{ protocol: 'TCP', port: 5050, verdict: 'deny', side: 'ingress', count: 3 },
      ...{ first: 1659621542000, last: 1659621842000, guessed: false },
    });
  });

  it.each([
    [{ source_type: 'net', source_name_aggr: 'pub' }, { kind: 'public' }],
    [{ source_type: 'net', source_name_aggr: 'pvt', source_ip: '10.1.1.1' }, { kind: 'private' }],
    [{ source_type: 'ns', source_name_aggr: 'partners' }, { kind: 'outside' }],
    [
      { source_type: 'hep', source_name_aggr: 'node-1' },
      { kind: 'other-node', node: 'node-1' },
    ],
  ])('reads an end that is no pod: %j', (fields, expected) => {
    expect(flowOf(line(fields)).from).toMatchObject(expected);
  });

  it('reads ICMP, which has no port, and tells of other protocols', () => {
    expect(flowOf(line({ proto: 'icmp6', dest_port: null }))).toMatchObject({
      protocol: 'ICMPv6',
      port: 0,
    });
    expect(read(line({ proto: 'ipip' }))).toMatchObject({ why: 'protocol', detail: 'ipip' });
  });

  it('reads the flows of Whisker, and records out of Elasticsearch', () => {
    const whisker = {
      ...{ start_time: TIME, end_time: TIME, action: 'Allow', reporter: 'Src', protocol: 'tcp' },
      ...{ source_name: 'web-*', source_namespace: 'shop', source_labels: 'app=web | tier=front' },
      ...{ dest_name: 'pub', dest_namespace: '-', dest_port: 443 },
    };
    expect(flowOf(JSON.stringify(whisker))).toMatchObject({
      from: { namespace: 'shop', podPrefix: 'web-', labels: ['app=web', 'tier=front'] },
      to: { kind: 'public' },
      ...{ verdict: 'allow', side: 'egress', first: MS },
    });
    expect(flowOf(JSON.stringify({ _index: 'x', _source: CALICO })).port).toBe(5050);
  });

  it.each([
    [{ action: 'pass' }, /neither allow nor deny/],
    [{ dest_port: 70000 }, /no port/],
    [{ source_type: 'odd', source_name_aggr: '-', source_namespace: '-' }, /neither a type/],
  ])('says what is wrong with %j', (fields, expected) => {
    const found = read(line(fields));
    expect(found).toMatchObject({
      kind: 'bad',
      problem: expect.stringMatching(expected) as string,
    });
  });
});

describe('the AWS network policy agent', () => {
  const FLOW = { from: { address: '10.1.201.3' }, to: { address: '10.1.12.220' }, protocol: 'TCP' };

  it.each([
    [
      'structured JSON',
      '{"level":"info","timestamp":"2023-08-21T12:12:18.510Z","logger":"ebpf-client","msg":"Flow Info:  ","Src IP":"10.1.201.3","Src Port":59598,"Dest IP":"10.1.12.220","Dest Port":443,"Proto":"TCP","Verdict":"DENY"}',
      'unknown',
    ],
    [
      'a message of IPv4',
      '{"level":"info","ts":"2023-08-21T12:12:18.510Z","caller":"events/events.go:241","msg":"Flow Info: Src IP: 10.1.201.3 Src Port: 59598 Dest IP: 10.1.12.220 Dest Port: 443 Proto TCP Verdict DENY Direction egress, Tier NETWORK_POLICY"}',
      'egress',
    ],
    [
      'a message with colons throughout',
      '{"level":"info","ts":"2023-08-21T12:12:18.510Z","msg":"Flow Info: Src IP: 10.1.201.3 Src Port: 59598 Dest IP: 10.1.12.220 Dest Port: 443 Proto: TCP Verdict: DENY Direction: ingress Tier: ADMIN"}',
      'ingress',
    ],
    [
      'a text line',
      '2023-08-21T12:12:18.510Z\tinfo\tevents.go\tFlow Info:  Src IP: 10.1.201.3 Src Port: 59598 Dest IP: 10.1.12.220 Dest Port: 443 Proto: TCP Verdict: DENY',
      'unknown',
    ],
    [
      'CloudWatch',
      '{"timestamp":1692619938510,"message":"Node: ip-1;SIP: 10.1.201.3;SPORT: 59598;DIP: 10.1.12.220;DPORT: 443;PROTOCOL: TCP;PolicyVerdict: DENY"}',
      'unknown',
    ],
  ])('reads %s', (_, line, side) => {
    expect(flowOf(line)).toMatchObject({
      ...FLOW,
      port: 443,
      verdict: 'deny',
      side,
      first: 1692619938510,
    });
  });

  it('knows replies by their ports: accepted ones count for the connection, denied ones are told', () => {
    const line = (verdict: string): string =>
      `{"level":"info","ts":"${TIME}","msg":"Flow Info: Src IP: 10.1.12.220 Src Port: 443 Dest IP: 10.1.201.3 Dest Port: 59598 Proto TCP Verdict ${verdict} Direction ingress, Tier NETWORK_POLICY"}`;
    expect(flowOf(line('ACCEPT'))).toMatchObject({ ...FLOW, port: 443, guessed: true });
    expect(read(line('DENY'))).toMatchObject({ kind: 'skip', why: 'denied-reply' });
  });

  it('passes over other lines and ended connections, and refuses flows in other forms', () => {
    const line = (msg: string): string => JSON.stringify({ level: 'info', ts: TIME, msg });
    expect(read(line('Starting network policy agent'))).toMatchObject({ why: 'other' });
    const ended =
      'Flow Info: Src IP: 10.0.0.1 Src Port: 1 Dest IP: 10.0.0.2 Dest Port: 2 Proto UDP Verdict EXPIRED/DELETED';
    expect(read(line(ended))).toMatchObject({ why: 'expired' });
    expect(read(line('Flow Info: who knows'))).toMatchObject({ kind: 'bad' });
  });
});

describe('our own', () => {
  const EVENT = {
    ...{ time: TIME, verdict: 'deny', reject: true, reason: 'rule', direction: 'ingress' },
    ...{ pod: 'shop/web', address: '10.0.0.1', peerAddress: '10.0.0.2', peer: 'ops/client' },
    ...{ protocol: 'TCP', podPort: 5001, peerPort: 49152, laterFragment: false, length: 60 },
  };

  it('reads events of either direction', () => {
    expect(flowOf(JSON.stringify(EVENT))).toMatchObject({
      from: { namespace: 'ops', pod: 'client', address: '10.0.0.2' },
      to: { namespace: 'shop', pod: 'web' },
      ...{ port: 5001, verdict: 'deny', side: 'ingress', first: MS },
    });
    const out = { ...EVENT, direction: 'egress', podPort: 49152, peerPort: 53, protocol: 'UDP' };
    expect(flowOf(JSON.stringify(out))).toMatchObject({
      from: { pod: 'web' },
      to: { pod: 'client' },
      ...{ port: 53, side: 'egress' },
    });
    expect(read(JSON.stringify({ ...EVENT, laterFragment: true }))).toMatchObject({
      why: 'fragment',
    });
  });

  it('reads flows as eval takes them', () => {
    const line = '{"from":"shop/fe","to":"service shop/db","protocol":"TCP","port":5432,"count":4}';
    expect(flowOf(line)).toMatchObject({
      from: { name: 'shop/fe' },
      to: { name: 'service shop/db' },
      ...{ verdict: 'allow', side: 'both', count: 4 },
    });
    const bad = '{"from":"a","to":"b","protocol":"TCP","prot":1}';
    expect(read(bad)).toMatchObject({
      kind: 'bad',
      problem: expect.stringContaining('`port`') as string,
    });
  });
});
