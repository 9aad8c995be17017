/** Applies proposed edits to the Kubernetes objects themselves, as a user would write them. */
import type { Edit } from '../../src/analysis/explain/edits.js';
import type { Peer, PortMatch } from '../../src/ir/model.js';
import type { NormalPolicy, NormalRule } from '../../src/ir/normal-model.js';
import { formatPrefix } from '../../src/address.js';
import type { PodObject, Selector, World } from '../oracle/objects.js';

type Json = Record<string, unknown>;
type List = Json[];

/** The world after the edits. Rules are found before any of them moves. */
export function editWorld(world: World, edits: readonly Edit[]): World {
  const copy = structuredClone(world) as unknown as Record<keyof World, List>;
  const steps = edits.map((edit) => stepOf(copy, edit));
  for (const step of steps) step();
  return copy as unknown as World;
}

function stepOf(world: Record<keyof World, List>, edit: Edit): () => void {
  switch (edit.kind) {
    case 'label-pods': {
      const names = edit.pods.map(({ namespace, name }) => `${namespace}/${name}`);
      const pods = world.pods.filter((pod) => {
        const { metadata } = pod as unknown as PodObject;
        return names.includes(`${metadata.namespace ?? 'default'}/${metadata.name}`);
      });
      return () => {
        for (const pod of pods) relabel(pod, edit);
      };
    }
    case 'label-namespace': {
      const named = (one: Json): boolean => (one['metadata'] as Json)['name'] === edit.namespace;
      const found = world.namespaces.find(named);
      const made = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: edit.namespace } };
      return () => {
        if (found === undefined) world.namespaces.push(made);
        relabel(found ?? made, edit);
      };
    }
    case 'add-port': {
      const rule = ruleIn(world, edit.policy, edit.rule);
      return () => addPort(rule, edit.policy, edit.port);
    }
    case 'add-peer': {
      const rule = ruleIn(world, edit.policy, edit.rule);
      const field = fieldOf(edit.rule.direction);
      return () => (rule[field] as unknown[]).push(peerObject(edit.peer, edit.policy));
    }
    case 'add-rule': {
      const { direction, policy } = edit;
      const spec = specOf(world, policy);
      const rule: Json = { [fieldOf(direction)]: [peerObject(edit.peer, policy)] };
      if (edit.port !== undefined) addPort(rule, policy, edit.port);
      if (policy.kind !== 'NetworkPolicy') {
        const allow = policy.kind === 'ClusterNetworkPolicy' ? 'Accept' : 'Allow';
        rule['action'] = edit.action === 'pass' ? 'Pass' : allow;
      }
      return () => {
        spec[direction] = [rule, ...((spec[direction] as List | null | undefined) ?? [])];
      };
    }
    case 'remove-rule': {
      const { direction } = edit.rule;
      const spec = specOf(world, edit.policy);
      const rule = ruleIn(world, edit.policy, edit.rule);
      return () => {
        spec[direction] = (spec[direction] as List).filter((one) => one !== rule);
      };
    }
    case 'remove-port': {
      const rule = ruleIn(world, edit.policy, edit.rule);
      const all = edit.rule.ports === 'every' ? [] : edit.rule.ports;
      // v1alpha2 has them under another name; both are lowered in this order.
      const ports = [...((rule['ports'] as unknown[] | null | undefined) ?? [])];
      const protocols = [...((rule['protocols'] as unknown[] | null | undefined) ?? [])];
      const index = all.indexOf(edit.port);
      return () => {
        if (index < ports.length) rule['ports'] = ports.filter((_, i) => i !== index);
        else rule['protocols'] = protocols.filter((_, i) => i !== index - ports.length);
      };
    }
    case 'remove-peer': {
      const rule = ruleIn(world, edit.policy, edit.rule);
      const field = fieldOf(edit.rule.direction);
      const index = edit.rule.peers.indexOf(edit.peer);
      const peers = rule[field] as unknown[];
      return () => {
        rule[field] = peers.filter((_, i) => i !== index);
      };
    }
    case 'isolate': {
      const { pod, direction } = edit;
      const labels = ['app.kubernetes.io/name', 'app', 'k8s-app', 'name'].filter((key) =>
        pod.labels.has(key),
      );
      const keys = labels.length > 0 ? labels.slice(0, 1) : [...pod.labels.keys()];
      const matchLabels = Object.fromEntries(keys.map((key) => [key, pod.labels.get(key)]));
      const policyTypes = [direction === 'ingress' ? 'Ingress' : 'Egress'];
      return () =>
        world.networkPolicies.push({
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata: { name: 'a-new-policy', namespace: pod.namespace },
          spec: { podSelector: { matchLabels }, policyTypes },
        });
    }
  }
}

function fieldOf(direction: 'ingress' | 'egress'): 'from' | 'to' {
  return direction === 'ingress' ? 'from' : 'to';
}

function relabel(
  object: Json,
  { set, remove }: Extract<Edit, { kind: 'label-pods' | 'label-namespace' }>,
): void {
  const metadata = object['metadata'] as Json;
  const labels = { ...(metadata['labels'] as Json | null | undefined), ...set };
  metadata['labels'] = Object.fromEntries(
    Object.entries(labels).filter(([key]) => !remove.includes(key)),
  );
}

function specOf(world: Record<keyof World, List>, policy: NormalPolicy): Json {
  const all = [...world.networkPolicies, ...world.clusterPolicies];
  const found = all.find((one) => {
    const { name, namespace } = one['metadata'] as { name: string; namespace?: string | null };
    const home =
      policy.kind === 'NetworkPolicy' ? (namespace ?? 'default') || 'default' : undefined;
    return one['kind'] === policy.kind && name === policy.name && home === policy.namespace;
  });
  if (found === undefined) throw new Error(`no policy ${policy.name}`);
  return found['spec'] as Json;
}

function ruleIn(world: Record<keyof World, List>, policy: NormalPolicy, rule: NormalRule): Json {
  const siblings = policy.rules.filter(({ direction }) => direction === rule.direction);
  const rules = specOf(world, policy)[rule.direction] as List;
  const found = rules[siblings.findIndex(({ id }) => id === rule.id)];
  if (found === undefined) throw new Error(`no rule ${rule.name}`);
  return found;
}

function addPort(rule: Json, { kind }: NormalPolicy, port: PortMatch): void {
  if (port.kind === 'named') throw new Error('a name is never proposed');
  const { protocol, first } = port;
  const add = (field: string, entry: Json): void => {
    rule[field] = [...((rule[field] as List | null | undefined) ?? []), entry];
  };
  if (kind === 'NetworkPolicy') add('ports', { protocol, port: first });
  else if (kind === 'ClusterNetworkPolicy') {
    add('protocols', { [protocol.toLowerCase()]: { destinationPort: { number: first } } });
  } else add('ports', { portNumber: { protocol, port: first } });
}

function peerObject(peer: Peer, { kind }: NormalPolicy): Json {
  if (peer.kind === 'addresses') {
    const [cidr] = peer.include.map(formatPrefix);
    return kind === 'NetworkPolicy' ? { ipBlock: { cidr } } : { networks: [cidr] };
  }
  if (peer.kind !== 'pods') throw new Error(`${peer.kind} is never proposed`);
  const selector = (
    requirements: readonly { key: string; values: readonly string[] }[],
  ): Selector => ({
    matchLabels: Object.fromEntries(requirements.map(({ key, values }) => [key, values[0] ?? ''])),
  });
  const both = {
    namespaceSelector: selector(peer.namespaces.requirements),
    podSelector: selector(peer.pods.requirements),
  };
  return kind === 'NetworkPolicy' ? both : { pods: both };
}
