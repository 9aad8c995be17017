/** Subject views: the policies that select a pod, and their arms, shared between pods alike. */
import type { ContainerPort, Pod } from '../../ir/cluster.js';
import type { Direction } from '../../ir/model.js';
import {
  NO_DECIDER,
  type DeciderId,
  type NormalModel,
  type NormalTier,
} from '../../ir/normal-model.js';
import { hasSay } from '../../ir/plan.js';
import { armPolicy, type Arm, type PortInterval } from './arms.js';
import type { AtomId, AtomTable } from './atoms.js';
import type { LookId, LookIndex } from './looks.js';
import { FLAVOURS, portIndex, type Flavour } from '../layout.js';

/** An arm as one subject sees it: its named ports and its own node are known. */
export interface SubjectArm {
  readonly arm: Arm;
  readonly tier: number;
  readonly atoms: readonly AtomId[];
  readonly intervals: readonly PortInterval[];
  /** Equal for arms that do the same, but for their rules' numbers. */
  readonly effect: EffectId;
}

export type EffectId = number;

export interface TierView {
  readonly kind: NormalTier['kind'];
  readonly isolation: DeciderId;
  readonly logsIsolation: boolean;
}

/** All that one subject's policies say in one direction. */
export interface SubjectView {
  /** Equal for subjects that are judged alike. */
  readonly key: string;
  readonly direction: Direction;
  /** Indexes of the policies with a say, in decision order. */
  readonly policies: readonly number[];
  readonly tiers: readonly TierView[];
  /** Equal where the tiers isolate alike. */
  readonly isolationKey: string;
  /** Arms that hold for every address of a flavour, in decision order. */
  readonly wide: ReadonlyMap<Flavour, readonly SubjectArm[]>;
  /** The others, by the first of their atoms. */
  readonly byAtom: ReadonlyMap<AtomId, readonly SubjectArm[]>;
}

export interface SubjectViews {
  readonly viewOf: (pod: Pod, direction: Direction) => SubjectView;
}

export function createSubjectViews(
  model: NormalModel,
  at: number,
  looks: LookIndex,
  atoms: AtomTable,
): SubjectViews {
  const policiesOf = selectPolicies(model, looks);
  const armed = {
    ingress: new Map<number, readonly Arm[]>(),
    egress: new Map<number, readonly Arm[]>(),
  };
  const armsOf = (index: number, direction: Direction): readonly Arm[] => {
    const policy = model.policies[index];
    if (policy === undefined) return [];
    let arms = armed[direction].get(index);
    if (arms === undefined) {
      arms = armPolicy(policy, direction, at, atoms);
      armed[direction].set(index, arms);
    }
    return arms;
  };
  const effects = new EffectTable();
  const views = new Map<string, SubjectView>();
  const ofPod = { ingress: new Map<Pod, SubjectView>(), egress: new Map<Pod, SubjectView>() };
  return {
    viewOf: (pod, direction) => {
      const known = ofPod[direction].get(pod);
      if (known !== undefined) return known;
      const policies = (policiesOf.get(looks.lookOf(pod)) ?? []).filter((index) => {
        const policy = model.policies[index];
        return policy !== undefined && hasSay(policy, direction);
      });
      const own = policies.flatMap((index) => armsOf(index, direction));
      const key = viewKey(pod, direction, policies, own);
      let view = views.get(key);
      if (view === undefined) {
        view = buildView(model, key, direction, policies, own, pod, atoms, effects);
        views.set(key, view);
      }
      ofPod[direction].set(pod, view);
      return view;
    },
  };
}

/** The policies that select each look, in decision order. */
function selectPolicies(
  model: NormalModel,
  looks: LookIndex,
): ReadonlyMap<LookId, readonly number[]> {
  const selected = new Map<LookId, number[]>();
  for (const policy of model.policies) {
    const chosen = new Set(policy.subjects.flatMap((subject) => looks.select(subject)));
    for (const look of chosen) {
      const list = selected.get(look);
      if (list === undefined) selected.set(look, [policy.index]);
      else list.push(policy.index);
    }
  }
  return selected;
}

function viewKey(
  pod: Pod,
  direction: Direction,
  policies: readonly number[],
  arms: readonly Arm[],
): string {
  const ports = arms.some(({ named }) => named.length > 0) ? pod.ports.map(portKey).sort() : [];
  const node = arms.some(({ ownNode }) => ownNode) ? (pod.node ?? '') : '';
  return JSON.stringify([direction, policies, ports, node]);
}

function portKey({ name, protocol, port }: ContainerPort): string {
  return `${name}/${protocol}/${port}`;
}

/** What arms do apart from their rules' numbers and addresses, each distinct one once. */
class EffectTable {
  readonly #ids = new Map<number, EffectId>();
  /** Lists of intervals by what they hold, each with a number. */
  readonly #lists = new Map<string, number>();
  /** By identity: rules share the intervals of a port list. */
  readonly #numbers = new Map<readonly PortInterval[], number>();

  idOf({ rule }: Arm, tier: number, intervals: readonly PortInterval[]): EffectId {
    const list = this.#numbers.get(intervals) ?? this.#numberOf(intervals);
    const { action, log, reject } = rule;
    const deed = (ACTION_NUMBER[action] << 2) | (log ? 2 : 0) | (reject ? 1 : 0);
    const key = (list * MAX_TIERS + tier) * DEEDS + deed;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.#ids.size;
      this.#ids.set(key, id);
    }
    return id;
  }

  #numberOf(intervals: readonly PortInterval[]): number {
    const text = intervals.join();
    const number = this.#lists.get(text) ?? this.#lists.size;
    this.#lists.set(text, number);
    this.#numbers.set(intervals, number);
    return number;
  }
}

const ACTION_NUMBER = { allow: 0, deny: 1, pass: 2 } as const;
const DEEDS = 16;
/** Far more than there can be. */
const MAX_TIERS = 2 ** 20;

function buildView(
  model: NormalModel,
  key: string,
  direction: Direction,
  policies: readonly number[],
  arms: readonly Arm[],
  pod: Pod,
  atoms: AtomTable,
  effects: EffectTable,
): SubjectView {
  const tierOf = new Map(model.tiers.map(({ name }, i) => [name, i]));
  const wide = new Map<Flavour, SubjectArm[]>(FLAVOURS.map((flavour) => [flavour, []]));
  const byAtom = new Map<AtomId, SubjectArm[]>();
  for (const arm of arms) {
    const intervals =
      arm.named.length === 0 ? arm.intervals : [...arm.intervals, ...resolveNamed(arm, pod.ports)];
    if (intervals.length === 0) continue;
    if (arm.ownNode && pod.node === undefined) continue;
    const all =
      arm.ownNode && pod.node !== undefined ? [...arm.atoms, atoms.node(pod.node)] : arm.atoms;
    const tier = tierOf.get(arm.policy.tier) ?? 0;
    const seen = { arm, tier, atoms: all, intervals, effect: effects.idOf(arm, tier, intervals) };
    const [first] = all;
    if (first === undefined) {
      for (const flavour of arm.flavours) wide.get(flavour)?.push(seen);
    } else {
      const list = byAtom.get(first);
      if (list === undefined) byAtom.set(first, [seen]);
      else list.push(seen);
    }
  }
  const tiers = tierViews(model, policies, direction);
  const isolationKey = tiers
    .map(({ isolation, logsIsolation }) => `${isolation}${logsIsolation ? 'l' : ''}`)
    .join();
  return { key, direction, policies, tiers, isolationKey, wide, byAtom };
}

/** The subject's own ports of that name: it is the destination of ingress (SEMANTICS row 33). */
function resolveNamed(arm: Arm, ports: readonly ContainerPort[]): readonly PortInterval[] {
  return arm.named.flatMap((match) =>
    ports
      .filter(
        ({ name, protocol }) =>
          name === match.name && (match.protocol === undefined || match.protocol === protocol),
      )
      .map(({ protocol, port }): PortInterval => {
        const index = portIndex(protocol, port);
        return [index, index];
      }),
  );
}

function tierViews(
  model: NormalModel,
  policies: readonly number[],
  direction: Direction,
): readonly TierView[] {
  return model.tiers.map((tier): TierView => {
    const isolating = policies
      .map((index) => model.policies[index])
      .find((policy) => policy?.tier === tier.name && policy.isolates[direction]);
    return {
      kind: tier.kind,
      isolation: isolating?.isolation[direction] ?? NO_DECIDER,
      logsIsolation: isolating?.logsIsolation ?? false,
    };
  });
}
