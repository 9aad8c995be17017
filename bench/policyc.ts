/** policyc's own side of the bench: a NetworkPolicy of N rules for one pod, through every stage. */
import { performance } from 'node:perf_hooks';
import { bind } from '../src/codegen/bind.js';
import type { MapContents } from '../src/codegen/contents.js';
import { compile } from '../src/compile.js';
import type { Outcome } from '../src/diagnostics.js';
import { lowerCluster } from '../src/ir/lower-cluster.js';
import { lowerK8sPolicies } from '../src/ir/lower-k8s.js';
import { ADMIN_TIER, BASELINE_TIER, NETWORKPOLICY_TIER } from '../src/ir/model.js';
import { closePod, closeShared, createSharedMaps, loadPod } from '../src/loader/pod-programs.js';
import { parseK8s } from '../src/parser/parse-k8s.js';
import { SourceFile } from '../src/source.js';
import { targetNamed } from '../src/target.js';
import type { Loaded } from './measure.js';
import { cidrOf, OWN_ADDRESS, type CidrRule } from './packets.js';

/** Milliseconds of each stage, once. */
export interface Stages {
  readonly read: number;
  readonly compile: number;
  readonly bind: number;
  readonly load: number;
}

export interface PolicycSide {
  readonly stages: Stages;
  /** Bytes of all tables and maps of the generation. */
  readonly bytes: number;
  readonly loaded: Loaded;
}

/** @param state whether replies of what is allowed need state: the pod is isolated both ways */
export function loadPolicyc(rules: readonly CidrRule[], state: boolean): PolicycSide {
  const text = manifests(rules, state);
  const [parsed, read] = timed(() => {
    const objects = must(parseK8s([new SourceFile('bench.json', text)]));
    return { policies: must(lowerK8sPolicies(objects)), cluster: must(lowerCluster(objects)) };
  });
  const model = {
    tiers: [ADMIN_TIER, NETWORKPOLICY_TIER, BASELINE_TIER],
    policies: parsed.policies,
    exceptions: [],
    assertions: [],
    tests: [],
  };
  const target = targetNamed('6.1');
  if (target === undefined) throw new Error('no target 6.1');
  const [made, compileTime] = timed(() => compile(model, target, 'bench'));
  const [contents, bindTime] = timed(() => bind(made.normal, made.plan, parsed.cluster, { at: 0 }));
  const [loaded, load] = timed(() => loadFirstPod(made.object, contents));
  return {
    stages: { read, compile: compileTime, bind: bindTime, load },
    bytes: sizeOf(contents),
    loaded,
  };
}

function loadFirstPod(object: Uint8Array, contents: MapContents): Loaded {
  const [subject] = contents.subjects;
  if (subject === undefined) throw new Error('no pod');
  const shared = createSharedMaps(contents);
  const pod = loadPod(object, contents, shared, subject);
  const close = (): void => {
    closePod(pod);
    closeShared(shared);
  };
  return { program: pod.programs.to_pod, close };
}

function sizeOf({ tables, maps }: MapContents): number {
  const ofMaps = maps.map(({ keys, values }) => keys.length + values.length);
  return [...tables.map(({ bytes }) => bytes.length), ...ofMaps].reduce((sum, one) => sum + one, 0);
}

function manifests(rules: readonly CidrRule[], state: boolean): string {
  const meta = { name: 'bench', namespace: 'default' };
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: meta,
      spec: { nodeName: 'node', containers: [{ name: 'c', image: 'i' }] },
      status: { phase: 'Running', podIP: OWN_ADDRESS, podIPs: [{ ip: OWN_ADDRESS }] },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: meta,
      spec: {
        podSelector: {},
        policyTypes: state ? ['Ingress', 'Egress'] : ['Ingress'],
        ingress: rules.map((rule) => ({
          from: [{ ipBlock: { cidr: cidrOf(rule) } }],
          ports: [{ protocol: 'TCP', port: rule.port }],
        })),
      },
    },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

function must<Value>({ value, diagnostics }: Outcome<Value>): Value {
  if (value === undefined) throw new Error(diagnostics[0]?.message ?? 'nothing was read');
  return value;
}

function timed<Value>(work: () => Value): readonly [Value, number] {
  const start = performance.now();
  const value = work();
  return [value, performance.now() - start];
}
