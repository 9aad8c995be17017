/** What policies say that a given cluster has nothing for, and Services whose endpoints differ. */
import { addressKey, formatAddress, type Address } from '../../address.js';
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import { NameSearch } from '../../did-you-mean.js';
import type { Span } from '../../source.js';
import { contradiction } from './overlap.js';
import { isPolicyPod, selectorMatches, type ClusterSnapshot, type Pod } from '../cluster.js';
import {
  createInterpreter,
  endpointsBehind,
  type EndpointJudgement,
  type Interpreter,
} from '../interpret.js';
import { createPodSelection, pinnedNamespaces } from '../interpret/selectors.js';
import type { Peer, PodSelector, PortProtocol, Verdict } from '../model.js';
import { deciderOrigin, type NormalModel } from '../normal-model.js';
import { podSelectorKey, selectorKey } from '../peer-key.js';

export function checkSelections(
  model: NormalModel,
  cluster: ClusterSnapshot,
): readonly Diagnostic[] {
  const matchesSomePod = createPodSearch(cluster);
  const services = new Map(cluster.services.map((one) => [`${one.namespace}/${one.name}`, one]));
  const names = new NameSearch();
  const said = new Set<string>();
  const diagnostics: Diagnostic[] = [];
  const sayNothing = (what: string, key: string, origin: Span): void => {
    const place = `${key} ${origin.file.path}:${origin.start}:${origin.end}`;
    if (said.has(place)) return;
    said.add(place);
    diagnostics.push(diagnostic('check/selects-nothing', { what }, origin));
  };
  const checkPods = (selector: PodSelector): void => {
    if (isContradictory(selector) || matchesSomePod(selector)) return;
    sayNothing('pod', podSelectorKey(selector), selector.origin);
  };
  const checkPeer = (peer: Peer): void => {
    if (peer.kind === 'pods') checkPods(peer);
    if (peer.kind === 'nodes' && contradiction(peer.selector) === undefined) {
      const found = cluster.nodes.some(({ labels }) => selectorMatches(peer.selector, labels));
      if (!found) sayNothing('node', selectorKey(peer.selector), peer.origin);
    }
    if (peer.kind === 'service' && !services.has(`${peer.namespace}/${peer.name}`)) {
      const service = `${peer.namespace}/${peer.name}`;
      const near = names.nearest(service, () => services.keys());
      diagnostics.push(diagnostic('check/unknown-service', { service, near }, peer.origin));
    }
  };
  for (const policy of model.policies) {
    for (const subject of policy.subjects) checkPods(subject);
    for (const rule of policy.rules) for (const peer of rule.peers) checkPeer(peer);
  }
  return diagnostics;
}

function isContradictory({ namespaces, pods }: PodSelector): boolean {
  return contradiction(namespaces) !== undefined || contradiction(pods) !== undefined;
}

/** Pods are filed under their namespace and labels, so that few are tried for a selector. */
function createPodSearch(cluster: ClusterSnapshot): (selector: PodSelector) => boolean {
  const selection = createPodSelection(cluster);
  const byLabel = new Map<string, Pod[]>();
  const looks = new Set<number>();
  const fileUnder = (key: string, pod: Pod): void => {
    const bucket = byLabel.get(key);
    if (bucket === undefined) byLabel.set(key, [pod]);
    else bucket.push(pod);
  };
  for (const pod of cluster.pods) {
    const look = selection.lookOf(pod);
    if (pod.hostNetwork || pod.completed || looks.has(look)) continue;
    looks.add(look);
    fileUnder('', pod);
    fileUnder(pod.namespace, pod);
    for (const [key, value] of pod.labels) {
      fileUnder(`\n${key}\n${value}`, pod);
      fileUnder(`${pod.namespace}\n${key}\n${value}`, pod);
    }
  }
  const known = new Map<string, boolean>();
  return (selector) => {
    const key = podSelectorKey(selector);
    let answer = known.get(key);
    answer ??= candidateKeys(selector).some((candidates) =>
      byLabel.get(candidates)?.some((pod) => selection.selects(selector, pod)),
    );
    known.set(key, answer);
    return answer;
  };
}

function candidateKeys({ namespaces, pods }: PodSelector): readonly string[] {
  const named = pods.requirements.find(({ operator }) => operator === 'In');
  return (pinnedNamespaces(namespaces) ?? ['']).flatMap((namespace) =>
    named === undefined
      ? [namespace]
      : named.values.map((value) => `${namespace}\n${named.key}\n${value}`),
  );
}

/** Whether the pod's egress may be judged differently at endpoints that its packets may reach. */
export type MayDiffer = (
  subject: Pod,
  endpoints: readonly { readonly address: Address; readonly targetPort: number }[],
  protocol: PortProtocol,
) => boolean;

/**
 * One warning for each Service, port and family: for the first pod that finds its endpoints unequal.
 * @param mayDiffer spares the interpreter pods that surely do not, for those who know
 */
export function checkServices(
  model: NormalModel,
  cluster: ClusterSnapshot,
  mayDiffer: MayDiffer = () => true,
): readonly Diagnostic[] {
  if (cluster.services.length === 0) return [];
  const interpreter = createInterpreter(model, cluster, 0);
  const selection = createPodSelection(cluster);
  const stances = distinctStances(cluster, interpreter);
  const pods = new Map(
    cluster.pods
      .filter(isPolicyPod)
      .flatMap((pod) => pod.addresses.map((address) => [addressKey(address), pod] as const)),
  );
  const lookAt = (address: Address): string => {
    const pod = pods.get(addressKey(address));
    return pod === undefined ? formatAddress(address) : String(selection.lookOf(pod));
  };
  const diagnostics: Diagnostic[] = [];
  for (const service of cluster.services) {
    for (const vip of service.addresses) {
      for (const { protocol, port } of service.ports) {
        const endpoints = endpointsBehind(service, vip, protocol, port);
        const different =
          new Set(endpoints.map((one) => `${lookAt(one.address)} ${one.targetPort}`)).size > 1;
        for (const { subject, splits } of endpoints.length < 2 ? [] : stances) {
          if (!different && !splits) continue;
          if (!mayDiffer(subject, endpoints, protocol)) continue;
          const judged = interpreter.judgeEndpoints(subject, vip, protocol, port);
          const namesOf = (verdict: Verdict): readonly string[] =>
            judged
              .filter(({ judgement }) => judgement.verdict === verdict)
              .map(({ address }) => {
                const pod = pods.get(addressKey(address));
                return pod === undefined ? formatAddress(address) : podPath(pod);
              });
          const denied = namesOf('deny');
          const allowed = namesOf('allow');
          if (denied.length === 0 || allowed.length === 0) continue;
          const name = `${service.namespace}/${service.name}`;
          const at = `${port}/${protocol} (IPv${vip.family})`;
          const args = { service: name, port: at, pod: podPath(subject), allowed, denied };
          diagnostics.push(diagnostic('check/service-mixed', args, decidingSpan(model, judged)));
          break;
        }
      }
    }
  }
  return diagnostics;
}

function podPath(pod: Pod): string {
  return `${pod.namespace}/${pod.name}`;
}

function decidingSpan(model: NormalModel, judged: readonly EndpointJudgement[]): Span | undefined {
  const denied = judged.find(({ judgement }) => judgement.verdict === 'deny');
  const decider = denied === undefined ? undefined : model.deciders[denied.judgement.decider];
  return decider === undefined ? undefined : deciderOrigin(decider);
}

interface Stance {
  readonly subject: Pod;
  /** Some rule may tell apart endpoints that have the same labels. */
  readonly splits: boolean;
}

/** One subject for each set of rules that judge egress. */
function distinctStances(cluster: ClusterSnapshot, interpreter: Interpreter): readonly Stance[] {
  const stances = new Map<string, Stance>();
  for (const subject of cluster.pods.filter(isPolicyPod)) {
    const rules = interpreter.rulesOf(subject, 'egress');
    const key = rules.map(({ id }) => id).join();
    if (stances.has(key) || rules.length === 0) continue;
    const splits = rules.some(
      ({ peers, ports }) =>
        peers.some(({ kind }) => kind === 'addresses' || kind === 'service') ||
        (ports !== 'every' && ports.some(({ kind }) => kind === 'named')),
    );
    stances.set(key, { subject, splits });
  }
  return [...stances.values()];
}
