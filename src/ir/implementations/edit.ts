/** Edits of policy models that several implementations share. */
import { addressKey, prefixLast, type Address, type Family, type Prefix } from '../../address.js';
import { SourceFile, span, type Span } from '../../source.js';
import type { ClusterSnapshot } from '../cluster.js';
import { createPodSelection, type PodSelection } from '../interpret/selectors.js';
import type { Peer, Policy, PolicyModel, PortMatch, Rule, ServiceHandling } from '../model.js';
import { SERVICE_HANDLING } from '../model.js';
import type { World } from './difference.js';

export type AddressPeer = Extract<Peer, { kind: 'addresses' }>;
export type PodPeer = Extract<Peer, { kind: 'pods' }>;
export type NamedPort = Extract<PortMatch, { kind: 'named' }>;
export type PortRange = Extract<PortMatch, { kind: 'range' }>;

export function isNetworkPolicy({ kind }: Policy): boolean {
  return kind === 'NetworkPolicy';
}

/** Puts other rules in the place of each. Policies whose rules stay as they are stay themselves. */
export function mapRules(
  model: PolicyModel,
  edit: (rule: Rule, policy: Policy) => readonly Rule[],
): PolicyModel {
  const policies = model.policies.map((policy): Policy => {
    if (policy.kind === 'implementation') return policy;
    const rules = policy.rules.flatMap((rule) => edit(rule, policy));
    const same =
      rules.length === policy.rules.length && rules.every((one, i) => one === policy.rules[i]);
    return same ? policy : { ...policy, rules };
  });
  return { ...model, policies };
}

export function mapPeers(
  model: PolicyModel,
  edit: (peer: Peer, rule: Rule, policy: Policy) => Peer,
): PolicyModel {
  return mapRules(model, (rule, policy) => {
    const peers = rule.peers.map((peer) => edit(peer, rule, policy));
    return [peers.every((peer, i) => peer === rule.peers[i]) ? rule : { ...rule, peers }];
  });
}

/** A rule that nobody wrote. */
export type Sketch = Pick<Rule, 'direction' | 'action' | 'name' | 'ports'> & {
  readonly peers: readonly SketchedPeer[];
};

type SketchedPeer = Peer extends infer One
  ? One extends Peer
    ? Omit<One, 'origin'>
    : never
  : never;

const EVERYTHING = { requirements: [] };

/** Rules that go ahead of all policies, for every pod, in a tier called as the difference is. */
export function addFirst(model: PolicyModel, id: string, sketches: readonly Sketch[]): PolicyModel {
  const origin = span(new SourceFile(id, ''), 0, 0);
  const rules = sketches.map((sketch): Rule => ({
    ...sketch,
    peers: sketch.peers.map((peer): Peer => ({ ...peer, origin })),
    log: false,
    reject: false,
    coversUnheld: true,
    origin,
  }));
  const policy: Policy = {
    kind: 'implementation',
    tier: id,
    priority: 0,
    name: id,
    subjects: [{ namespaces: EVERYTHING, pods: EVERYTHING, origin }],
    isolates: { ingress: false, egress: false },
    logsIsolation: false,
    rules,
    origin,
  };
  return {
    ...model,
    tiers: [{ name: id, kind: 'ordered' }, ...model.tiers],
    policies: [policy, ...model.policies],
  };
}

/** Takes policies out; those of kinds that the implementation does not read. */
export function dropPolicies(
  model: PolicyModel,
  isDropped: (policy: Policy) => boolean,
): PolicyModel {
  return { ...model, policies: model.policies.filter((policy) => !isDropped(policy)) };
}

export function handleServices(
  model: PolicyModel,
  handling: Partial<ServiceHandling>,
): PolicyModel {
  return { ...model, services: { ...SERVICE_HANDLING, ...model.services, ...handling } };
}

/** Where the rules stand that answer to the description. */
export function rulesWhere(
  { policies }: PolicyModel,
  isMeant: (rule: Rule, policy: Policy) => boolean,
): readonly Span[] {
  return policies
    .filter(({ kind }) => kind !== 'implementation')
    .flatMap((policy) =>
      policy.rules.filter((rule) => isMeant(rule, policy)).map(({ origin }) => origin),
    );
}

export function policiesWhere(
  { policies }: PolicyModel,
  isMeant: (policy: Policy) => boolean,
): readonly Span[] {
  return policies
    .filter((policy) => policy.kind !== 'implementation' && isMeant(policy))
    .map(({ origin }) => origin);
}

export function isNamed(match: PortMatch): match is NamedPort {
  return match.kind === 'named';
}

export function isRange(match: PortMatch): match is PortRange {
  return match.kind === 'range';
}

export function isAddressPeer(peer: Peer): peer is AddressPeer {
  return peer.kind === 'addresses';
}

export function namedPorts({ ports }: Rule): readonly NamedPort[] {
  return ports === 'every' ? [] : ports.filter(isNamed);
}

export function numericPorts({ ports }: Rule): readonly PortRange[] {
  return ports === 'every' ? [] : ports.filter(isRange);
}

/** The policy denies the direction something, so that an allow can matter there. */
export function restricts(policy: Policy, direction: Rule['direction']): boolean {
  return (
    policy.isolates[direction] ||
    policy.rules.some((rule) => rule.direction === direction && rule.action === 'deny')
  );
}

/** Each port once. */
export function distinctRanges(ranges: readonly PortRange[]): readonly PortRange[] {
  const byKey = new Map(
    ranges.map((one) => [`${one.protocol} ${one.first} ${one.last}`, one] as const),
  );
  return [...byKey.values()];
}

/** Addresses, to be asked whether any of them is in a prefix. */
export class AddressList {
  readonly #values: Readonly<Record<Family, readonly bigint[]>>;

  constructor(addresses: readonly Address[]) {
    const sorted = (family: Family): readonly bigint[] =>
      addresses
        .filter((one) => one.family === family)
        .map(({ value }) => value)
        .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    this.#values = { 4: sorted(4), 6: sorted(6) };
  }

  someIn(prefix: Prefix): boolean {
    const values = this.#values[prefix.family];
    let low = 0;
    let high = values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((values[middle] ?? 0n) < prefix.value) low = middle + 1;
      else high = middle;
    }
    const next = values[low];
    return next !== undefined && next <= prefixLast(prefix);
  }
}

const selections = new WeakMap<ClusterSnapshot, PodSelection>();

/** Which pods selectors select, remembered for each cluster. */
export function selectionIn(cluster: ClusterSnapshot): PodSelection {
  let selection = selections.get(cluster);
  if (selection === undefined) {
    selection = createPodSelection(cluster);
    selections.set(cluster, selection);
  }
  return selection;
}

/** The prefixes of rules that hold some of the addresses. */
export function rulesNaming({ model }: World, addresses: AddressList): readonly Span[] {
  return rulesWhere(model, ({ peers }) =>
    peers.some(
      (peer) => isAddressPeer(peer) && peer.include.some((prefix) => addresses.someIn(prefix)),
    ),
  );
}

export function distinctAddresses(addresses: readonly Address[]): readonly Address[] {
  return [...new Map(addresses.map((one) => [addressKey(one), one])).values()];
}
