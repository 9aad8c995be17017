/** Half an edge: one side allows a connection, and the other side denies it for every pair of pods. */
import type { AddressClass } from '../../codegen/bind/classes.js';
import { rangeInterval } from '../../codegen/bind/arms.js';
import { portIndex } from '../../codegen/layout.js';
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import type { Direction, Peer, PortMatch, Rule } from '../../ir/model.js';
import type { NormalPolicy, NormalRule } from '../../ir/normal-model.js';
import type { PortInterval } from '../port-set.js';
import { protocolAt } from '../port-set.js';
import type { PlacedPod } from '../universe.js';
import type { ViewEffects } from '../view-effects.js';
import { portsText, ruleName } from './naming.js';
import { sharedFamily, type Scene } from './scene.js';

type PodsPeer = Extract<Peer, { kind: 'pods' }>;

const EVERY: readonly PortInterval[] = [[0, portIndexOfOthers()]];

function portIndexOfOthers(): number {
  return portIndex('SCTP', 0xffff) + 1;
}

/** @param isTold rules of which something else is said that explains it */
export function lintHalfEdges(
  scene: Scene,
  isTold: (rule: NormalRule) => boolean = () => false,
): readonly Diagnostic[] {
  const search = new HalfEdges(scene);
  return scene.model.policies.flatMap((policy) => {
    if (scene.subjectsOf(policy).length === 0) return [];
    return policy.rules
      .filter((rule) => rule.action === 'allow' && (rule.until ?? Infinity) > scene.at)
      .filter((rule) => !isTold(rule))
      .flatMap((rule) =>
        rule.peers.flatMap((peer) =>
          peer.kind === 'pods' ? search.findAt(policy, rule, peer) : [],
        ),
      );
  });
}

class HalfEdges {
  /** What a set of pods looks like to policies, by the pods' list itself. */
  readonly #classes = new Map<readonly PlacedPod[], ReadonlyMap<number, AddressClass>>();
  readonly #views = {
    ingress: new Map<readonly PlacedPod[], ReadonlySet<ViewEffects>>(),
    egress: new Map<readonly PlacedPod[], ReadonlySet<ViewEffects>>(),
  };
  constructor(private readonly scene: Scene) {}

  findAt(policy: NormalPolicy, rule: NormalRule, peer: PodsPeer): readonly Diagnostic[] {
    const { scene } = this;
    const subjects = scene.subjectsOf(policy);
    const others = scene.podsOf(peer);
    const [near] = subjects;
    const pair = findPair(subjects, others);
    if (near === undefined || pair === undefined) return [];
    const side: Direction = rule.direction === 'egress' ? 'ingress' : 'egress';
    const receivers = rule.direction === 'egress' ? others : subjects;
    const shut = matchesOf(rule).filter((match) => {
      const intervals = match === 'every' ? EVERY : intervalsOf(match, receivers);
      return intervals.length > 0 && !this.#passes(others, subjects, side, intervals);
    });
    if (shut.length === 0) return [];
    const [first] = shut;
    const [index] = (first === 'every' ? EVERY : intervalsOf(first ?? 'every', receivers))[0] ?? [
      0,
    ];
    const { protocol, port } = protocolAt(index) ?? { protocol: 'TCP', port: 0 };
    const by = scene.denierOf(pair.other, side, pair.subject, protocol, port);
    const args = {
      rule: ruleName(policy, rule),
      ports: portsText(
        shut.some((one) => one === 'every') ? 'every' : shut.filter((one) => one !== 'every'),
      ),
      peers: scene.describe(others),
      side,
      by: by === undefined ? 'denied there' : `denied by \`${by}\``,
      other: `namespace \`${pair.other.pod.namespace}\``,
    };
    return [diagnostic('lint/half-edge', args, peer.origin)];
  }

  /** Whether some of the pods, by their policies of the direction, let some of the remotes through. */
  #passes(
    pods: readonly PlacedPod[],
    remotes: readonly PlacedPod[],
    direction: Direction,
    intervals: readonly PortInterval[],
  ): boolean {
    return this.scene.allowsAny(
      this.#viewsOf(pods, direction),
      this.#classesOf(remotes),
      intervals,
    );
  }

  #viewsOf(pods: readonly PlacedPod[], direction: Direction): ReadonlySet<ViewEffects> {
    let views = this.#views[direction].get(pods);
    if (views === undefined) {
      views = new Set(pods.map((one) => this.scene.effectsOf(one, direction)));
      this.#views[direction].set(pods, views);
    }
    return views;
  }

  #classesOf(pods: readonly PlacedPod[]): ReadonlyMap<number, AddressClass> {
    let classes = this.#classes.get(pods);
    if (classes === undefined) {
      classes = new Map(
        pods.flatMap((one) => [...one.classes.values()].map((each) => [each.id, each] as const)),
      );
      this.#classes.set(pods, classes);
    }
    return classes;
  }
}

function matchesOf({ ports }: Rule): readonly (PortMatch | 'every')[] {
  return ports === 'every' ? ['every'] : ports;
}

/** A named port is whatever number the receiving pods give it. */
function intervalsOf(
  match: PortMatch | 'every',
  receivers: readonly PlacedPod[],
): readonly PortInterval[] {
  if (match === 'every') return EVERY;
  if (match.kind === 'range') return match.first <= match.last ? [rangeInterval(match)] : [];
  const indexes = new Set<number>();
  for (const { pod } of receivers) {
    for (const { name, protocol, port } of pod.ports) {
      if (name !== match.name || (match.protocol ?? protocol) !== protocol) continue;
      indexes.add(portIndex(protocol, port));
    }
  }
  return [...indexes].map((index) => [index, index]);
}

/** Two pods that can meet; a pod by itself is no edge. */
function findPair(
  subjects: readonly PlacedPod[],
  others: readonly PlacedPod[],
): { readonly subject: PlacedPod; readonly other: PlacedPod } | undefined {
  for (const subject of subjects.slice(0, 8)) {
    const other = others.find((one) => one !== subject && sharedFamily(one, subject) !== undefined);
    if (other !== undefined) return { subject, other };
  }
  return undefined;
}
