/** Edits of policies and labels, and what policies and cluster are after them. */
import type { ClusterSnapshot, Pod } from '../../ir/cluster.js';
import type { Direction, Peer, PortMatch } from '../../ir/model.js';
import {
  NO_DECIDER,
  type Decider,
  type DeciderId,
  type NormalModel,
  type NormalPolicy,
  type NormalRule,
} from '../../ir/normal-model.js';
import { namespaceLabels } from '../../ir/interpret/selectors.js';

/** Policies and rules as they are before any edit; both keep their numbers. */
export type Edit =
  /** Of all pods of a workload, or of one pod that has none. */
  | {
      readonly kind: 'label-pods';
      /** A pod or a workload of the namespace. */
      readonly name: string;
      readonly namespace: string;
      readonly pods: readonly Pod[];
      readonly set: Readonly<Record<string, string>>;
      readonly remove: readonly string[];
    }
  | {
      readonly kind: 'label-namespace';
      readonly namespace: string;
      readonly set: Readonly<Record<string, string>>;
      readonly remove: readonly string[];
    }
  | {
      readonly kind: 'add-port';
      readonly policy: NormalPolicy;
      readonly rule: NormalRule;
      readonly port: PortMatch;
    }
  | {
      readonly kind: 'add-peer';
      readonly policy: NormalPolicy;
      readonly rule: NormalRule;
      readonly peer: Peer;
    }
  /** In front of all rules of the policy. */
  | {
      readonly kind: 'add-rule';
      readonly policy: NormalPolicy;
      readonly direction: Direction;
      readonly action: 'allow' | 'pass';
      readonly peer: Peer;
      /** Absent where the protocol has no ports: then the rule is for every port. */
      readonly port: PortMatch | undefined;
    }
  | { readonly kind: 'remove-rule'; readonly policy: NormalPolicy; readonly rule: NormalRule }
  | {
      readonly kind: 'remove-port';
      readonly policy: NormalPolicy;
      readonly rule: NormalRule;
      readonly port: PortMatch;
    }
  | {
      readonly kind: 'remove-peer';
      readonly policy: NormalPolicy;
      readonly rule: NormalRule;
      readonly peer: Peer;
    }
  /** A NetworkPolicy that isolates the pod, and allows nothing. */
  | { readonly kind: 'isolate'; readonly pod: Pod; readonly direction: Direction };

export interface World {
  readonly model: NormalModel;
  readonly cluster: ClusterSnapshot;
}

export function applyEdits(world: World, edits: readonly Edit[]): World {
  return edits.reduce(applyEdit, world);
}

function applyEdit(world: World, edit: Edit): World {
  const { model, cluster } = world;
  switch (edit.kind) {
    case 'label-pods': {
      const names = new Set(edit.pods.map(({ namespace, name }) => `${namespace}/${name}`));
      const pods = cluster.pods.map((pod) =>
        names.has(`${pod.namespace}/${pod.name}`)
          ? { ...pod, labels: relabel(pod.labels, edit) }
          : pod,
      );
      return { model, cluster: { ...cluster, pods } };
    }
    case 'label-namespace': {
      const { namespace: name } = edit;
      const labels = relabel(namespaceLabels(cluster, name), edit);
      const namespaces = new Map(cluster.namespaces).set(name, { name, labels });
      return { model, cluster: { ...cluster, namespaces } };
    }
    case 'add-port':
      return onRule(world, edit, (rule) => ({
        ...rule,
        ports: rule.ports === 'every' ? 'every' : [...rule.ports, edit.port],
      }));
    case 'add-peer':
      return onRule(world, edit, (rule) => ({ ...rule, peers: [...rule.peers, edit.peer] }));
    case 'remove-port':
      return onRule(world, edit, (rule) => ({
        ...rule,
        ports: rule.ports === 'every' ? 'every' : rule.ports.filter((one) => one !== edit.port),
      }));
    case 'remove-peer':
      return onRule(world, edit, (rule) => ({
        ...rule,
        peers: rule.peers.filter((one) => one !== edit.peer),
      }));
    case 'remove-rule':
      return onRule(world, edit, () => undefined);
    case 'add-rule': {
      const policy = world.model.policies[edit.policy.index] ?? edit.policy;
      const rule: NormalRule = {
        id: model.deciders.length as DeciderId,
        direction: edit.direction,
        action: edit.action,
        peers: [edit.peer],
        ports: edit.port === undefined ? 'every' : [edit.port],
        name: 'the new rule',
        log: false,
        reject: false,
        origin: policy.origin,
      };
      const grown = { ...policy, rules: [rule, ...policy.rules] };
      return replacePolicy(world, grown, [{ kind: 'rule', policy: grown, rule }]);
    }
    case 'isolate':
      return { model: withIsolation(model, edit.pod, edit.direction), cluster };
  }
}

function relabel(
  labels: ReadonlyMap<string, string>,
  { set, remove }: Pick<Extract<Edit, { kind: 'label-pods' }>, 'set' | 'remove'>,
): ReadonlyMap<string, string> {
  const changed = new Map(labels);
  for (const key of remove) changed.delete(key);
  for (const [key, value] of Object.entries(set)) changed.set(key, value);
  return changed;
}

function onRule(
  world: World,
  edit: { readonly policy: NormalPolicy; readonly rule: NormalRule },
  change: (rule: NormalRule) => NormalRule | undefined,
): World {
  const policy = world.model.policies[edit.policy.index] ?? edit.policy;
  const rules = policy.rules.flatMap((rule) =>
    rule.id === edit.rule.id ? (change(rule) ?? []) : [rule],
  );
  return replacePolicy(world, withoutRules({ ...policy, rules }, edit.rule), []);
}

/**
 * A NetworkPolicy without policyTypes isolates for egress as long as it has a rule for it. Whether it names
 * them is not known here: without its last such rule it is taken not to, so that no proof leans on it.
 */
function withoutRules(policy: NormalPolicy, { direction }: NormalRule): NormalPolicy {
  const last = !policy.rules.some((rule) => rule.direction === direction);
  if (policy.kind !== 'NetworkPolicy' || direction !== 'egress' || !last) return policy;
  return {
    ...policy,
    isolates: { ...policy.isolates, egress: false },
    isolation: { ...policy.isolation, egress: NO_DECIDER },
  };
}

/** Deciders of the policy keep their numbers and may be those of before: only verdicts are asked for. */
function replacePolicy(
  { model, cluster }: World,
  policy: NormalPolicy,
  more: readonly Decider[],
): World {
  const replaced = (one: NormalPolicy): NormalPolicy => (one.index === policy.index ? policy : one);
  const tiers = model.tiers.map((tier) =>
    tier.name === policy.tier ? { ...tier, policies: tier.policies.map(replaced) } : tier,
  );
  const policies = model.policies.map(replaced);
  return { model: { tiers, policies, deciders: [...model.deciders, ...more] }, cluster };
}

function withIsolation(model: NormalModel, pod: Pod, direction: Direction): NormalModel {
  const id = model.deciders.length as DeciderId;
  const origin = model.policies[0]?.origin ?? pod.origin;
  if (origin === undefined) return model;
  const policy: NormalPolicy = {
    index: model.policies.length,
    kind: 'NetworkPolicy',
    tier: 'networkpolicy',
    priority: 0,
    namespace: pod.namespace,
    name: 'a new policy',
    subjects: [{ namespaces: namespaceSelector(pod.namespace), pods: exactLabels(pod), origin }],
    isolates: { ingress: direction === 'ingress', egress: direction === 'egress' },
    isolation: {
      ingress: direction === 'ingress' ? id : NO_DECIDER,
      egress: direction === 'egress' ? id : NO_DECIDER,
    },
    logsIsolation: false,
    rules: [],
    origin,
  };
  const tiers = model.tiers.map((tier) =>
    tier.name === policy.tier ? { ...tier, policies: [...tier.policies, policy] } : tier,
  );
  const decider: Decider = { kind: 'isolation', policy, direction };
  return { tiers, policies: [...model.policies, policy], deciders: [...model.deciders, decider] };
}

export function namespaceSelector(
  namespace: string,
): Extract<Peer, { kind: 'pods' }>['namespaces'] {
  return {
    requirements: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: [namespace] }],
  };
}

/** Labels that controllers put on single pods or on one revision of a workload: nobody selects by them. */
const PASSING =
  /^(pod-template-hash|controller-revision-hash|pod-template-generation|statefulset\.kubernetes\.io\/pod-name|apps\.kubernetes\.io\/pod-index|batch\.kubernetes\.io\/.*|controller-uid|job-name)$/;
/** Labels that say which workload a pod is of: one of them is enough. */
const IDENTIFYING = ['app.kubernetes.io/name', 'app', 'k8s-app', 'name'];

/** The labels by which people would select the pod. */
export function lastingLabels(pod: Pod): readonly (readonly [string, string])[] {
  const identifying = IDENTIFYING.map((key) => [key, pod.labels.get(key)] as const).find(
    ([, value]) => value !== undefined,
  );
  if (identifying?.[1] !== undefined) return [[identifying[0], identifying[1]]];
  return [...pod.labels].filter(([key]) => !PASSING.test(key));
}

export function exactLabels(pod: Pod): Extract<Peer, { kind: 'pods' }>['pods'] {
  return {
    requirements: lastingLabels(pod).map(([key, value]) => ({
      key,
      operator: 'In',
      values: [value],
    })),
  };
}
