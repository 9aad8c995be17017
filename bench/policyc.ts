/** policyc's own side of the bench: a NetworkPolicy of N rules for one pod, through every stage. */
import { performance } from 'node:perf_hooks';
import type { Family } from '../src/address.js';
import { bind } from '../src/codegen/bind.js';
import { writeBundle } from '../src/codegen/bundle.js';
import type { MapContents } from '../src/codegen/contents.js';
import { emitDatapath } from '../src/codegen/emit.js';
import { writeElf } from '../src/codegen/object/elf.js';
import { MEMORY_MAPS } from '../src/codegen/layout/state.js';
import { link } from '../src/codegen/assembly/link.js';
import type { ObjectImage } from '../src/codegen/object/object-image.js';
import type { Outcome } from '../src/diagnostics.js';
import { lowerCluster } from '../src/ir/lower-cluster.js';
import { lowerK8sPolicies } from '../src/ir/lower-k8s.js';
import { ADMIN_TIER, BASELINE_TIER, NETWORKPOLICY_TIER } from '../src/ir/model.js';
import { normalize } from '../src/ir/normalize.js';
import { planLookups } from '../src/ir/plan.js';
import { jiffiesPerSecond } from '../src/loader/kernel-clock.js';
import { closePod, closeShared, createSharedMaps, loadPod } from '../src/loader/pod-programs.js';
import { parseK8s } from '../src/parser/parse-k8s.js';
import { SourceFile } from '../src/source.js';
import { validateCompiled } from '../src/validate/validate.js';
import type { Loaded } from './measure.js';
import { cidrOf, OWN_ADDRESS, type CidrRule } from './packets.js';

/** Where the time goes, in the order of the stages. */
export const STAGES = [
  'parse',
  'lower',
  'normalize',
  'plan',
  'emit',
  'validate',
  'pack',
  'bind',
  'load',
] as const;
export type Stage = (typeof STAGES)[number];

/** Milliseconds of each stage that was run, once. */
export type StageTimes = Partial<Record<Stage, number>>;

export interface Compiled {
  readonly times: StageTimes;
  readonly object: Uint8Array;
  readonly image: ObjectImage;
  readonly contents: MapContents;
}

export interface CompileOptions {
  /** Whether replies of what is allowed need state: the pod is isolated both ways. */
  readonly state?: boolean;
  /** Compares the bytecode with the model, and packs the bundle, as `policyc compile` does. */
  readonly pack?: boolean;
}

export function compileRules(rules: readonly CidrRule[], options: CompileOptions = {}): Compiled {
  const { state = false, pack = false } = options;
  const times: StageTimes = {};
  const timed = <Value>(stage: Stage, work: () => Value): Value => {
    const start = performance.now();
    const value = work();
    times[stage] = performance.now() - start;
    return value;
  };
  const text = manifests(rules, state);
  const objects = timed('parse', () => must(parseK8s([new SourceFile('bench.json', text)])));
  const { policies, cluster } = timed('lower', () => ({
    policies: must(lowerK8sPolicies(objects)),
    cluster: must(lowerCluster(objects)),
  }));
  const tiers = [ADMIN_TIER, NETWORKPOLICY_TIER, BASELINE_TIER];
  const model = { tiers, policies, exceptions: [], assertions: [], tests: [] };
  const normal = timed('normalize', () => normalize(model));
  const plan = timed('plan', () => planLookups(normal));
  const { image, object } = timed('emit', () => {
    const linked = link(emitDatapath(plan));
    return { image: linked, object: writeElf(linked) };
  });
  if (pack) {
    const { validation: validated, mismatch } = timed('validate', () =>
      validateCompiled({ model: normal, plan, object }),
    );
    if (mismatch !== undefined) throw new Error('the bytecode differs from the model');
    const parts = { compiler: 'bench', target: '6.1', model, plan, image, object, validated };
    timed('pack', () => writeBundle(parts));
  }
  const rate = jiffiesPerSecond();
  const contents = timed('bind', () =>
    bind(normal, plan, cluster, { at: 0, jiffiesPerSecond: rate }),
  );
  return { times, object, image, contents };
}

export interface LoadedPod extends Loaded {
  /** Milliseconds. */
  readonly loadTime: number;
  /** Empties the connection maps. */
  readonly forget: () => void;
}

/** The first pod's `to_pod`, without a gate. */
export function loadFirstPod({ object, contents }: Compiled): LoadedPod {
  const [subject] = contents.subjects;
  if (subject === undefined) throw new Error('no pod');
  const start = performance.now();
  const shared = createSharedMaps(contents);
  const pod = loadPod(object, contents, shared, subject);
  const loadTime = performance.now() - start;
  const connections = MEMORY_MAPS.flatMap((name) => shared.maps.get(name) ?? []);
  return {
    program: pod.programs.to_pod,
    loadTime,
    forget: () => {
      for (const map of connections) {
        const { keySize } = map.shape();
        const { keys } = map.dump();
        for (let at = 0; at < keys.length; at += keySize)
          map.delete(keys.subarray(at, at + keySize));
      }
    },
    close: () => {
      closePod(pod);
      closeShared(shared);
    },
  };
}

function manifests(rules: readonly CidrRule[], state: boolean): string {
  const meta = { name: 'bench', namespace: 'default' };
  const families: readonly Family[] = [4, 6];
  const podIPs = families.map((family) => ({ ip: OWN_ADDRESS[family] }));
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: meta,
      spec: { nodeName: 'node', containers: [{ name: 'c', image: 'i' }] },
      status: { phase: 'Running', podIP: OWN_ADDRESS[4], podIPs },
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
