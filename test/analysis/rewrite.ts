/** Policies in other words: rewritten without a change of meaning, and with one small change. */
import type {
  ClusterPolicyObject,
  NetworkPolicyObject,
  NetworkPolicyRule,
  World,
} from '../oracle/objects.js';

export type Policies = Pick<World, 'networkPolicies' | 'clusterPolicies'>;

/** The same meaning: reversed, each rule in a policy of its own, each peer in a rule of its own. */
export function inOtherWords({ networkPolicies, clusterPolicies }: Policies): Policies {
  return {
    networkPolicies: networkPolicies.flatMap(splitPolicy).reverse(),
    clusterPolicies: [...clusterPolicies].reverse(),
  };
}

function splitPolicy(policy: NetworkPolicyObject): readonly NetworkPolicyObject[] {
  const { spec, metadata } = policy;
  const types = typesOf(policy);
  const part = (
    suffix: string,
    rules: Pick<NetworkPolicyObject['spec'], 'ingress' | 'egress'>,
  ): NetworkPolicyObject => ({
    ...policy,
    metadata: { ...metadata, name: `${metadata.name}-${suffix}` },
    spec: { podSelector: spec.podSelector, policyTypes: types, ...rules },
  });
  return [
    part('none', {}),
    ...(spec.ingress ?? []).map((rule, i) =>
      part(`in-${i}`, { ingress: splitPeers(rule, 'from'), egress: [] }),
    ),
    ...(spec.egress ?? []).map((rule, i) =>
      part(`out-${i}`, { ingress: [], egress: splitPeers(rule, 'to') }),
    ),
  ];
}

function typesOf({ spec }: NetworkPolicyObject): readonly string[] {
  if (spec.policyTypes != null && spec.policyTypes.length > 0) return spec.policyTypes;
  return (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
}

function splitPeers(rule: NetworkPolicyRule, side: 'from' | 'to'): readonly NetworkPolicyRule[] {
  const peers = rule[side] ?? [];
  if (peers.length === 0) return [rule];
  return peers.map((peer) => ({ ...rule, [side]: [peer] }));
}

/** Changes one of the policies a little: a label, a port, a CIDR, a direction, an action, or a selector. */
export function mutate({ networkPolicies, clusterPolicies }: Policies, seed: number): Policies {
  const all = [...networkPolicies, ...clusterPolicies];
  const tries = all.flatMap((one) =>
    CHANGES.map((change) => ({ one, text: JSON.stringify(one), change })),
  );
  const fitting = tries.filter(({ text, change }) => change(text) !== text);
  const chosen = fitting[seed % Math.max(1, fitting.length)];
  const apply = <One extends NetworkPolicyObject | ClusterPolicyObject>(one: One): One =>
    one === chosen?.one ? (JSON.parse(chosen.change(chosen.text)) as One) : one;
  return {
    networkPolicies: networkPolicies.map(apply),
    clusterPolicies: clusterPolicies.map(apply),
  };
}

const CHANGES: readonly ((text: string) => string)[] = [
  (text) => text.replace(/"matchLabels":\{"a":"[xy]?"/, '"matchLabels":{"a":"other"'),
  (text) => text.replace(/"port":80\b/, '"port":79').replace(/"number":80\b/, '"number":81'),
  (text) => text.replace('"10.0.0.0/24"', '"10.0.0.0/30"').replace('"0.0.0.0/0"', '"10.0.0.0/8"'),
  (text) => text.replace('"policyTypes":["Ingress"]', '"policyTypes":["Egress"]'),
  (text) => (text.includes('Baseline') ? text : text.replace('"action":"Deny"', '"action":"Pass"')),
  (text) => text.replace(/"protocol":"TCP"/, '"protocol":"UDP"'),
  (text) => text.replace(/"action":"(Allow|Accept)"/, '"action":"Deny"'),
  (text) => text.replace(/"cidr":"[^"]+","except":\[[^\]]*\]/, '"cidr":"10.0.0.0/8"'),
  (text) => text.replace(/"port":(81|443)\b/, '"port":80'),
  (text) => text.replace(/"podSelector":\{\}/, '"podSelector":{"matchLabels":{"b":"x"}}'),
];
