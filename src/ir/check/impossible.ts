/** Statements that no cluster can give an effect: contradictions, empty ranges, allows that nobody needs. */
import { formatPrefix } from '../../address.js';
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import type { Span } from '../../source.js';
import { contradiction, isPossiblePort, podsMayMeet, remainingRanges } from './overlap.js';
import { ruleName } from './priorities.js';
import type { Direction, LabelSelector, Peer, PodSelector } from '../model.js';
import {
  policyName,
  type NormalModel,
  type NormalPolicy,
  type NormalRule,
} from '../normal-model.js';
import { podSelectorKey } from '../peer-key.js';

export function checkImpossible(model: NormalModel): readonly Diagnostic[] {
  return model.policies.flatMap((policy) => [
    ...policy.subjects.flatMap(checkPods),
    ...policy.rules.flatMap((rule) => [
      ...rule.peers.flatMap(checkPeer),
      ...checkRule(policy, rule),
    ]),
  ]);
}

function checkPods({ namespaces, pods, origin }: PodSelector): readonly Diagnostic[] {
  return [...checkSelector(namespaces, origin), ...checkSelector(pods, origin)];
}

function checkSelector(selector: LabelSelector, origin: Span): readonly Diagnostic[] {
  const reason = contradiction(selector);
  return reason === undefined
    ? []
    : [diagnostic('check/contradictory-selector', { reason }, origin)];
}

function checkPeer(peer: Peer): readonly Diagnostic[] {
  switch (peer.kind) {
    case 'pods':
      return checkPods(peer);
    case 'nodes':
      return checkSelector(peer.selector, peer.origin);
    case 'addresses': {
      if (peer.exclude.length === 0 && peer.include.length > 0) return [];
      if (remainingRanges(peer).length > 0) return [];
      const blocks = peer.include.map(formatPrefix);
      return [diagnostic('check/empty-addresses', { blocks }, peer.origin)];
    }
    case 'any':
    case 'outside':
    case 'own-node':
    case 'service':
    case 'nothing':
      return [];
  }
}

function checkRule(policy: NormalPolicy, rule: NormalRule): readonly Diagnostic[] {
  const reason = impossibility(policy, rule);
  if (reason === undefined) return [];
  const args = { rule: ruleName(policy, rule), reason };
  return [diagnostic('check/rule-never-matches', args, rule.origin)];
}

/** What is wrong with a peer is said of the peer, and not again of its rule. */
function impossibility(
  policy: NormalPolicy,
  { direction, peers, ports }: NormalRule,
): string | undefined {
  if (peers.length === 0) return 'it names no peer';
  if (ports === 'every') return undefined;
  if (ports.length === 0) return 'it names no port';
  if (!ports.some(isPossiblePort)) return 'its port ranges end before they begin';
  // Kubernetes' policies have had their warning when they were read.
  const ours = policy.kind === 'policy' || policy.kind === 'namespace';
  const nameless = peers.every(({ kind }) => kind === 'addresses' || kind === 'outside');
  if (ours && direction === 'egress' && nameless && ports.every(({ kind }) => kind === 'named')) {
    return 'only pods have named ports';
  }
  return undefined;
}

/** Allows of `namespace` blocks to pods that nothing isolates. */
export function checkIsolation(model: NormalModel): readonly Diagnostic[] {
  const additive = model.tiers
    .filter(({ kind }) => kind === 'additive')
    .flatMap(({ policies }) => policies);
  const statements = additive.filter(({ kind }) => kind === 'namespace');
  if (statements.length === 0) return [];
  const isIsolated = createIsolationProof(additive);
  const diagnostics: Diagnostic[] = [];
  for (const policy of statements) {
    for (const direction of ['ingress', 'egress'] as const) {
      const allow = policy.rules.find((rule) => rule.direction === direction);
      if (allow === undefined || isIsolated(policy, direction)) continue;
      const args = { policy: policyName(policy), direction };
      diagnostics.push(diagnostic('check/allow-without-isolation', args, allow.origin));
    }
  }
  return diagnostics;
}

/** Whether some policy may isolate pods that the given one selects. */
function createIsolationProof(
  policies: readonly NormalPolicy[],
): (policy: NormalPolicy, direction: Direction) => boolean {
  const isolating = {
    ingress: distinctSubjects(policies.filter(({ isolates }) => isolates.ingress)),
    egress: distinctSubjects(policies.filter(({ isolates }) => isolates.egress)),
  };
  const known = new Map<string, boolean>();
  return ({ subjects, namespace }, direction) => {
    const key = [direction, namespace ?? '', ...subjects.map(podSelectorKey)].join('\n');
    let answer = known.get(key);
    if (answer === undefined) {
      const candidates = isolating[direction].get(namespace ?? '') ?? [];
      answer = candidates.some((one) => subjects.some((subject) => podsMayMeet(one, subject)));
      known.set(key, answer);
    }
    return answer;
  };
}

/** By namespace, since policies of the additive tier select pods of their own alone. */
function distinctSubjects(
  policies: readonly NormalPolicy[],
): ReadonlyMap<string, readonly PodSelector[]> {
  const found = new Map<string, Map<string, PodSelector>>();
  for (const { namespace = '', subjects } of policies) {
    const selectors = found.get(namespace) ?? new Map<string, PodSelector>();
    found.set(namespace, selectors);
    for (const subject of subjects) selectors.set(podSelectorKey(subject), subject);
  }
  return new Map([...found].map(([namespace, selectors]) => [namespace, [...selectors.values()]]));
}
