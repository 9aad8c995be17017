/** Edits that may flip a side's verdict: what each missed or matching rule suggests. Search proves them. */
import { hostPrefix } from '../../address.js';
import type { ClusterSnapshot, Pod } from '../../ir/cluster.js';
import { isPolicyPod } from '../../ir/cluster.js';
import { matchesWhole, type Alternative, type Clause } from '../../ir/interpret/clauses.js';
import { hasPorts } from '../../ir/interpret.js';
import type { PacketView } from '../../ir/interpret/match.js';
import type { RuleTrace, SideTrace } from '../../ir/interpret/trace.js';
import {
  NAMESPACE_NAME_LABEL,
  type LabelRequirement,
  type Peer,
  type PortMatch,
} from '../../ir/model.js';
import type { NormalPolicy } from '../../ir/normal-model.js';
import { exactLabels, lastingLabels, namespaceSelector, type Edit } from './edits.js';
import { byNearness } from './nearness.js';
import type { Side } from './sides.js';

/** Edits that belong together. */
export type Candidate = readonly Edit[];

/** Rules further away than these have nothing to say that a rule of one's own would not say better. */
const NEAREST_RULES = 8;
/** So many rules may have to go together. */
const MOST_REMOVED = 4;

/** For a side that denies. */
export function allowing(side: Side, cluster: ClusterSnapshot): readonly Candidate[] {
  return side.cases
    .filter(({ judgement }) => judgement.verdict === 'deny')
    .flatMap(({ trace }) => (trace === undefined ? [] : allowingIn(trace, cluster)));
}

function allowingIn(trace: SideTrace, cluster: ClusterSnapshot): readonly Candidate[] {
  const tier = trace.tiers.find(({ outcome }) => outcome === 'decided');
  if (tier === undefined) return [];
  const { packet } = trace;
  const rules = tier.policies.flatMap((one) => one.rules);
  const decider = rules.find(({ matches }) => matches);
  const peer = exactPeer(packet, trace);
  const port = exactPort(packet);
  const found: Candidate[] = [];
  const addRule = (policy: NormalPolicy, action: 'allow' | 'pass'): void => {
    if (peer === undefined || !canBeWritten(packet)) return;
    found.push([{ kind: 'add-rule', policy, direction: packet.direction, action, peer, port }]);
  };
  if (decider !== undefined) {
    // A BaselineAdminNetworkPolicy knows no Pass (SEMANTICS section 4).
    if (decider.policy.kind !== 'BaselineAdminNetworkPolicy') addRule(decider.policy, 'pass');
    addRule(decider.policy, 'allow');
    found.push(...narrowing(decider));
    return found;
  }
  for (const rule of byNearness(rules.filter(({ rule: { action } }) => action === 'allow')).slice(
    0,
    NEAREST_RULES,
  )) {
    for (const alternative of rule.alternatives) {
      found.push(...widening(rule, alternative, packet, cluster));
    }
    if (peer !== undefined && portsHold(rule)) {
      found.push([{ kind: 'add-peer', policy: rule.policy, rule: rule.rule, peer }]);
    }
  }
  const isolating = tier.policies.find(({ isolates }) => isolates);
  if (isolating !== undefined) addRule(isolating.policy, 'allow');
  return found;
}

function portsHold({ alternatives }: RuleTrace): boolean {
  return alternatives.some(({ clauses }) =>
    clauses.every((one) => one.holds || one.kind !== 'ports'),
  );
}

/** What would make this peer of the rule match. */
function widening(
  { policy, rule }: RuleTrace,
  { clauses }: Alternative,
  packet: PacketView,
  cluster: ClusterSnapshot,
): readonly Candidate[] {
  const missed = clauses.filter(({ holds }) => !holds);
  const all = (kind: Clause['kind']): boolean => missed.every((one) => one.kind === kind);
  const port = exactPort(packet);
  if (all('ports'))
    return port === undefined || !canBeWritten(packet)
      ? []
      : [[{ kind: 'add-port', policy, rule, port }]];
  const pod = packet.holder?.pod;
  if (pod === undefined) return [];
  const requirements = missed.flatMap((one) => ('requirement' in one ? [one.requirement] : []));
  if (all('pod-label')) {
    const change = labelsFor(requirements, pod.labels);
    return change === undefined ? [] : [[{ ...podsToLabel(pod, cluster), ...change }]];
  }
  // The name is the namespace's own.
  if (all('namespace-label') && !requirements.some(({ key }) => key === NAMESPACE_NAME_LABEL)) {
    const labels = cluster.namespaces.get(pod.namespace)?.labels ?? new Map<string, string>();
    const change = labelsFor(requirements, labels);
    const { namespace } = pod;
    return change === undefined ? [] : [[{ kind: 'label-namespace', namespace, ...change }]];
  }
  return [];
}

type LabelChange = Pick<Extract<Edit, { kind: 'label-pods' }>, 'set' | 'remove'>;

/** The labels that fulfil the requirements; undefined where no one value does. */
function labelsFor(
  requirements: readonly LabelRequirement[],
  labels: ReadonlyMap<string, string>,
): LabelChange | undefined {
  const set: Record<string, string> = {};
  const remove: string[] = [];
  for (const { key, operator, values } of requirements) {
    const [first] = values;
    if (operator === 'In') {
      if (first === undefined) return undefined;
      set[key] = first;
    } else if (operator === 'Exists') {
      if (!labels.has(key)) set[key] ??= 'true';
    } else remove.push(key);
  }
  return { set, remove };
}

/** A pod of a workload has its labels from there: all of its pods get them. */
export function podsToLabel(
  pod: Pod,
  cluster: ClusterSnapshot,
): Pick<Extract<Edit, { kind: 'label-pods' }>, 'kind' | 'name' | 'namespace' | 'pods'> {
  const { workload, namespace } = pod;
  if (workload === undefined) return { kind: 'label-pods', name: pod.name, namespace, pods: [pod] };
  const pods = cluster.pods.filter(
    (one) =>
      one.namespace === namespace &&
      one.workload?.name === workload.name &&
      one.workload.kind === workload.kind,
  );
  return { kind: 'label-pods', name: `${workload.kind} ${workload.name}`, namespace, pods };
}

/** The remote and nobody else, as far as labels can say that. */
function exactPeer(packet: PacketView, { subject, tiers }: SideTrace): Peer | undefined {
  const { holder, remote, unbound } = packet;
  // A new rule stands where its policy does.
  const origin = tiers.flatMap(({ policies }) => policies)[0]?.policy.origin ?? subject.origin;
  // No allow by address lets in what nobody holds.
  if (origin === undefined || unbound) return undefined;
  const pod = holder?.pod;
  if (pod === undefined || !isPolicyPod(pod) || lastingLabels(pod).length === 0) {
    if (packet.direction === 'ingress' && isAdmin(tiers)) return undefined;
    return { kind: 'addresses', include: [hostPrefix(remote)], exclude: [], origin };
  }
  return {
    kind: 'pods',
    namespaces: namespaceSelector(pod.namespace),
    pods: exactLabels(pod),
    origin,
  };
}

/** Cluster-wide policies know no addresses in ingress (SEMANTICS section 4). */
function isAdmin(tiers: SideTrace['tiers']): boolean {
  return tiers.find(({ outcome }) => outcome === 'decided')?.tier.kind === 'ordered';
}

/** Port 0 is in whole protocols, but no rule may name it. */
function canBeWritten({ protocol, port }: PacketView): boolean {
  return !hasPorts(protocol) || port > 0;
}

function exactPort({ protocol, port }: PacketView): PortMatch | undefined {
  return hasPorts(protocol) ? { kind: 'range', protocol, first: port, last: port } : undefined;
}

/** For a side that allows. */
export function denying({ subject, direction, cases }: Side): readonly Candidate[] {
  const found: Candidate[] = [];
  for (const { trace, judgement } of cases) {
    if (trace === undefined || judgement.verdict === 'deny') continue;
    const tier = trace.tiers.find(({ outcome }) => outcome === 'decided');
    const matching = (tier?.policies ?? [])
      .flatMap(({ rules }) => rules)
      .filter(({ matches, rule }) => matches && rule.action === 'allow');
    if (matching.length === 0) {
      if (lastingLabels(subject).length > 0)
        found.push([{ kind: 'isolate', pod: subject, direction }]);
      continue;
    }
    const [first] = matching;
    const additive = tier?.tier.kind === 'additive';
    if (first !== undefined && (matching.length === 1 || !additive))
      found.push(...narrowing(first));
    // What several allow is allowed until none does.
    if (additive && matching.length > 1 && matching.length <= MOST_REMOVED) {
      found.push(matching.map(({ policy, rule }): Edit => ({ kind: 'remove-rule', policy, rule })));
    }
    if (!additive && lastingLabels(subject).length > 0 && first !== undefined) {
      const { policy, rule } = first;
      found.push([
        { kind: 'remove-rule', policy, rule },
        { kind: 'isolate', pod: subject, direction },
      ]);
    }
  }
  return found;
}

/** What would keep the rule from matching, smallest first. */
function narrowing({ policy, rule, alternatives }: RuleTrace): readonly Candidate[] {
  const found: Candidate[] = [];
  const whole = alternatives.filter(matchesWhole);
  const [only] = whole;
  if (only !== undefined && whole.length === 1) {
    const clause = only.clauses.find((one) => one.kind === 'ports');
    const port = clause?.kind === 'ports' ? clause.port : undefined;
    if (port !== undefined && rule.ports !== 'every' && rule.ports.length > 1 && isOnePort(port)) {
      found.push([{ kind: 'remove-port', policy, rule, port }]);
    }
    if (only.peer !== undefined && rule.peers.length > 1) {
      found.push([{ kind: 'remove-peer', policy, rule, peer: only.peer }]);
    }
  }
  found.push([{ kind: 'remove-rule', policy, rule }]);
  return found;
}

function isOnePort(port: PortMatch): boolean {
  return port.kind === 'named' || port.first === port.last;
}
