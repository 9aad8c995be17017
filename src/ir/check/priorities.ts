/** Equal priorities: finds rules whose order is undefined and matters (SEMANTICS row 51). */
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import {
  addressesMayMeet,
  labelsMayMeet,
  peersMayMeet,
  podsMayMeet,
  portsMayMeet,
  rangesOf,
  type AddressesPeer,
  type TaggedRange,
} from './overlap.js';
import { pinnedNamespaces } from '../interpret/selectors.js';
import type { Action, Direction, Peer } from '../model.js';
import {
  policyName,
  type NormalModel,
  type NormalPolicy,
  type NormalRule,
} from '../normal-model.js';
import { peerKey, portMatchKey } from '../peer-key.js';

/** The rules of a policy that do the same at the same ports, with all their peers. */
interface RuleClass {
  readonly direction: Direction;
  readonly action: Action;
  readonly ports: NormalRule['ports'];
  readonly others: readonly (readonly [Peer, NormalRule])[];
  readonly ranges: readonly TaggedRange<NormalRule>[];
}

/** One conflict is reported for each policy, with the first that it conflicts with. */
export function checkPriorities(model: NormalModel): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const tier of model.tiers) {
    if (tier.kind === 'additive') continue;
    for (const group of groupByPriority(tier.policies)) {
      if (!actionsDiffer(group)) continue;
      const classes = new Map(group.map((policy) => [policy, classify(policy)]));
      for (const [earlier, later] of firstConflicts(group, classes)) {
        const args = {
          rule: ruleName(later.policy, later.rule),
          other: ruleName(earlier.policy, earlier.rule),
          priority: later.policy.priority,
          tier: tier.name,
        };
        const related = [{ span: earlier.rule.origin, message: 'the other rule is here' }];
        diagnostics.push(diagnostic('check/equal-priority', args, later.rule.origin, related));
      }
    }
  }
  return diagnostics;
}

interface Place {
  readonly policy: NormalPolicy;
  readonly rule: NormalRule;
}

export function ruleName(policy: NormalPolicy, rule: NormalRule): string {
  return `${policyName(policy)} ${rule.name}`;
}

function groupByPriority(policies: readonly NormalPolicy[]): readonly NormalPolicy[][] {
  const groups = new Map<number, NormalPolicy[]>();
  for (const policy of policies) {
    const group = groups.get(policy.priority);
    if (group === undefined) groups.set(policy.priority, [policy]);
    else group.push(policy);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

function actionsDiffer(group: readonly NormalPolicy[]): boolean {
  return (['ingress', 'egress'] as const).some((direction) => {
    const actions = group.flatMap(({ rules }) =>
      rules.filter((rule) => rule.direction === direction).map(({ action }) => action),
    );
    return new Set(actions).size > 1;
  });
}

function* firstConflicts(
  group: readonly NormalPolicy[],
  classes: ReadonlyMap<NormalPolicy, readonly RuleClass[]>,
): Generator<readonly [Place, Place]> {
  // Policies for named namespaces can only meet those for the same ones and those for any.
  const everywhere: NormalPolicy[] = [];
  const byNamespace = new Map<string, NormalPolicy[]>();
  const earlier: NormalPolicy[] = [];
  for (const policy of group) {
    const namespaces = namespacesOf(policy);
    const candidates =
      namespaces === undefined
        ? earlier
        : new Set([...everywhere, ...namespaces.flatMap((name) => byNamespace.get(name) ?? [])]);
    for (const other of candidates) {
      const conflict = findConflict(other, policy, classes);
      if (conflict === undefined) continue;
      yield conflict;
      break;
    }
    earlier.push(policy);
    if (namespaces === undefined) everywhere.push(policy);
    for (const name of namespaces ?? []) {
      const bucket = byNamespace.get(name);
      if (bucket === undefined) byNamespace.set(name, [policy]);
      else bucket.push(policy);
    }
  }
}

/** The namespaces that the policy can select pods in; undefined if any may do. */
function namespacesOf(policy: NormalPolicy): readonly string[] | undefined {
  const pinned = policy.subjects.map(({ namespaces }) => pinnedNamespaces(namespaces));
  if (pinned.some((names) => names === undefined)) return undefined;
  return [...new Set(pinned.flatMap((names) => names ?? []))];
}

function findConflict(
  a: NormalPolicy,
  b: NormalPolicy,
  classes: ReadonlyMap<NormalPolicy, readonly RuleClass[]>,
): readonly [Place, Place] | undefined {
  let sameSubjects: boolean | undefined;
  for (const one of classes.get(a) ?? []) {
    for (const other of classes.get(b) ?? []) {
      if (one.direction !== other.direction || one.action === other.action) continue;
      sameSubjects ??= subjectsMayMeet(a, b);
      if (!sameSubjects) return undefined;
      const rules = portsMayMeet(one.ports, other.ports) ? meetingRules(one, other) : undefined;
      if (rules !== undefined)
        return [
          { policy: a, rule: rules[0] },
          { policy: b, rule: rules[1] },
        ];
    }
  }
  return undefined;
}

function subjectsMayMeet(a: NormalPolicy, b: NormalPolicy): boolean {
  return a.subjects.some((one) => b.subjects.some((other) => podsMayMeet(one, other)));
}

function classify(policy: NormalPolicy): readonly RuleClass[] {
  const byKey = new Map<string, NormalRule[]>();
  for (const rule of policy.rules) {
    const ports = rule.ports === 'every' ? 'every' : rule.ports.map(portMatchKey).sort().join();
    const key = `${rule.direction} ${rule.action} ${ports}`;
    const same = byKey.get(key);
    if (same === undefined) byKey.set(key, [rule]);
    else same.push(rule);
  }
  return [...byKey.values()].flatMap((rules): RuleClass[] => {
    const [first] = rules;
    if (first === undefined) return [];
    const { direction, action, ports } = first;
    const addresses: (readonly [AddressesPeer, NormalRule])[] = [];
    const others = new Map<string, readonly [Peer, NormalRule]>();
    for (const rule of rules) {
      for (const peer of rule.peers) {
        if (peer.kind === 'addresses') addresses.push([peer, rule]);
        else if (!others.has(peerKey(peer))) others.set(peerKey(peer), [peer, rule]);
      }
    }
    return [
      { direction, action, ports, others: [...others.values()], ranges: rangesOf(addresses) },
    ];
  });
}

function meetingRules(a: RuleClass, b: RuleClass): readonly [NormalRule, NormalRule] | undefined {
  const byAddress = addressesMayMeet(a.ranges, b.ranges);
  if (byAddress !== undefined) return byAddress;
  for (const [peer, rule] of a.others) {
    const facing = b.others.find(([other]) => peersMayMeet(peer, other))?.[1];
    if (facing !== undefined) return [rule, facing];
    const [range] = b.ranges;
    if (range !== undefined && meetsAddresses(peer)) return [rule, range.tag];
  }
  for (const [peer, rule] of b.others) {
    const [range] = a.ranges;
    if (range !== undefined && meetsAddresses(peer)) return [range.tag, rule];
  }
  return undefined;
}

/** Whoever a peer stands for has addresses, and any block may hold them. */
function meetsAddresses(peer: Peer): boolean {
  switch (peer.kind) {
    case 'nothing':
      return false;
    case 'pods':
      return labelsMayMeet(peer.namespaces, peer.namespaces) && labelsMayMeet(peer.pods, peer.pods);
    case 'nodes':
      return labelsMayMeet(peer.selector, peer.selector);
    case 'any':
    case 'outside':
    case 'own-node':
    case 'service':
    case 'addresses':
      return true;
  }
}
