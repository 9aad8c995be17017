/** The scene of a lint: policies in a cluster, with what several lints ask of both. */
import type { Address, Family } from '../../address.js';
import type { AddressClass } from '../../codegen/bind/classes.js';
import { LookIndex, type LookId } from '../../codegen/bind/looks.js';
import type { SubjectView } from '../../codegen/bind/views.js';
import { portIndex, type Flavour } from '../../codegen/layout.js';
import { bug } from '../../diagnostics.js';
import type { ClusterSnapshot, Pod } from '../../ir/cluster.js';
import { createInterpreter, type Interpreter } from '../../ir/interpret.js';
import type { Direction, PodSelector, PortProtocol } from '../../ir/model.js';
import {
  deciderName,
  NO_DECIDER,
  type DeciderId,
  type NormalModel,
  type NormalPolicy,
} from '../../ir/normal-model.js';
import { podSelectorKey } from '../../ir/peer-key.js';
import { AddressSpace } from '../address-space.js';
import { flavourIndex } from '../class-matches.js';
import { isAllowed, segmentAt, type EffectId } from '../effects.js';
import { findEnds, type Ends, type PodGroup } from '../ends.js';
import { Namer } from '../party.js';
import type { PortInterval } from '../port-set.js';
import { addressOf, createUniverse, type PlacedPod, type Universe } from '../universe.js';
import { effectOn, type ViewEffects } from '../view-effects.js';

const POD_FLAVOUR = flavourIndex('pod');

/** All of it is made once for all lints. */
export class Scene {
  readonly universe: Universe;
  readonly ends: Ends;
  readonly #looks: LookIndex;
  readonly #ofLook = new Map<LookId, PlacedPod[]>();
  readonly #selected = new Map<string, readonly PlacedPod[]>();
  readonly #subjects = new Map<NormalPolicy, readonly PlacedPod[]>();
  readonly #groups = new Map<PlacedPod, PodGroup>();
  readonly #placed: ReadonlyMap<Pod, PlacedPod>;
  #interpreter: Interpreter | undefined;
  #namer: Namer | undefined;

  /** @throws InputError if there are more address classes than bytecode can hold */
  constructor(
    readonly model: NormalModel,
    readonly cluster: ClusterSnapshot,
    readonly at: number,
  ) {
    this.universe = createUniverse(cluster, [model, model], at);
    this.ends = findEnds(this.universe);
    const pods = this.universe.pods;
    this.#placed = new Map(pods.map((placed) => [placed.pod, placed]));
    this.#looks = new LookIndex(
      cluster,
      pods.map(({ pod }) => pod),
    );
    for (const placed of pods) {
      const look = this.#looks.lookOf(placed.pod);
      const list = this.#ofLook.get(look);
      if (list === undefined) this.#ofLook.set(look, [placed]);
      else list.push(placed);
    }
    for (const group of this.ends.pods) {
      for (const placed of group.pods) this.#groups.set(placed, group);
    }
  }

  get pods(): readonly PlacedPod[] {
    return this.universe.pods;
  }

  /** Undefined where others have all of the pod's addresses. */
  placedOf(pod: Pod): PlacedPod | undefined {
    return this.#placed.get(pod);
  }

  get interpreter(): Interpreter {
    this.#interpreter ??= createInterpreter(this.model, this.cluster, this.at);
    return this.#interpreter;
  }

  get namer(): Namer {
    this.#namer ??= new Namer(this.universe, new AddressSpace(this.universe.addresses));
    return this.#namer;
  }

  podsOf(selector: Pick<PodSelector, 'namespaces' | 'pods'>): readonly PlacedPod[] {
    const key = podSelectorKey(selector);
    let pods = this.#selected.get(key);
    if (pods === undefined) {
      pods = this.#looks.select(selector).flatMap((look) => this.#ofLook.get(look) ?? []);
      this.#selected.set(key, pods);
    }
    return pods;
  }

  subjectsOf(policy: NormalPolicy): readonly PlacedPod[] {
    let pods = this.#subjects.get(policy);
    if (pods === undefined) {
      const [only, ...others] = policy.subjects;
      pods =
        only !== undefined && others.length === 0
          ? this.podsOf(only)
          : [...new Set(policy.subjects.flatMap((one) => this.podsOf(one)))];
      this.#subjects.set(policy, pods);
    }
    return pods;
  }

  groupOf(placed: PlacedPod): PodGroup {
    return this.#groups.get(placed) ?? bug('a pod of no group');
  }

  /** What the policies of a pod say, as they are bound. */
  viewOf({ pod }: PlacedPod, direction: Direction): SubjectView {
    return this.universe.views[1](pod, direction);
  }

  /** What they do to addresses. */
  effectsOf(placed: PlacedPod, direction: Direction): ViewEffects {
    const id = this.groupOf(placed)[direction];
    return this.ends.views[direction][id] ?? bug(`no view ${id}`);
  }

  /** The policy that isolates the pod, if one does; the first, as in an event. */
  isolatorOf(placed: PlacedPod, direction: Direction): NormalPolicy | undefined {
    const tier = this.viewOf(placed, direction).tiers.find(
      ({ isolation }) => isolation !== NO_DECIDER,
    );
    const decider = tier === undefined ? undefined : this.model.deciders[tier.isolation];
    return decider?.kind === 'isolation' ? decider.policy : undefined;
  }

  /** Whether the pod's policies let some port of the intervals through, from or to the class. */
  allows(
    placed: PlacedPod,
    direction: Direction,
    one: AddressClass,
    intervals: readonly PortInterval[],
  ): boolean {
    return this.allowsSome(effectOn(this.effectsOf(placed, direction), one), intervals);
  }

  allowsAt(
    placed: PlacedPod,
    direction: Direction,
    address: Address,
    protocol: PortProtocol,
    port: number,
  ): boolean {
    const index = portIndex(protocol, port);
    const one = this.universe.addresses.classOf(address);
    return this.allows(placed, direction, one, [[index, index]]);
  }

  allowsSome(id: EffectId, intervals: readonly PortInterval[]): boolean {
    const effect = this.ends.effects.effect(id);
    return intervals.some(([first, last]) => {
      for (let i = segmentAt(effect, first); (effect.starts[i] ?? Infinity) <= last; i += 1) {
        if (isAllowed(effect.is[i] ?? 0)) return true;
      }
      return false;
    });
  }

  /** Whether some view lets some class through: each of the views is asked about each of the classes. */
  allowsAny(
    views: Iterable<ViewEffects>,
    classes: ReadonlyMap<number, AddressClass>,
    intervals: readonly PortInterval[],
  ): boolean {
    for (const view of views) {
      const usual = this.allowsSome(view.defaults[POD_FLAVOUR] ?? 0, intervals);
      // Where the usual answer is no, only what the view excepts can be let through.
      if (!usual && view.classes.length < classes.size) {
        for (const [i, id] of view.classes.entries()) {
          if (classes.has(id) && this.allowsSome(view.effects[i] ?? 0, intervals)) return true;
        }
        continue;
      }
      for (const one of classes.values()) {
        if (this.allowsSome(effectOn(view, one), intervals)) return true;
      }
    }
    return false;
  }

  classesOf(flavour: Flavour): readonly AddressClass[] {
    return this.universe.addresses.classes.filter((one) => one.flavour === flavour);
  }

  /** The name of who denies a packet between two pods at one of them, for people. */
  denierOf(
    at: PlacedPod,
    direction: Direction,
    remote: PlacedPod,
    protocol: PortProtocol,
    port: number,
  ): string | undefined {
    const family = sharedFamily(at, remote);
    const address = family === undefined ? undefined : addressOf(remote.pod, family);
    if (address === undefined) return undefined;
    const options = { localOrigin: false };
    const judged = this.interpreter.judge(at.pod, direction, address, protocol, port, options);
    return judged.verdict === 'deny' ? this.nameOf(judged.decider) : undefined;
  }

  nameOf(id: DeciderId): string | undefined {
    const decider = this.model.deciders[id];
    return decider === undefined ? undefined : deciderName(decider);
  }

  /** Names for a set of pods, as reports have them. */
  describe(pods: readonly PlacedPod[]): string {
    return this.namer.describe({ pods, classes: [], services: [] }).text;
  }
}

export function sharedFamily(a: PlacedPod, b: PlacedPod): Family | undefined {
  return ([4, 6] as const).find((family) => a.classes.has(family) && b.classes.has(family));
}
