/** Drafts the least policy that allows what logs have seen: for each workload, or what is missing of it. */
import { hostPrefix, type Prefix } from '../address.js';
import { isPolicyPod, type ClusterSnapshot } from '../ir/cluster.js';
import { hasPorts } from '../ir/interpret.js';
import { createPodSelection } from '../ir/interpret/selectors.js';
import type { Direction } from '../ir/model.js';
import { NO_DECIDER, type NormalModel } from '../ir/normal-model.js';
import { compareText } from '../ir/normalize.js';
import type { SeenFlow } from '../parser/flow-log/record.js';
import { EntryJudge } from './replay/judge.js';
import { groupBy, portsText, timesOf, whoText } from './replay/rows.js';
import {
  FlowTally,
  outcomeOf,
  uniteSightings,
  type SeenAt,
  type Sightings,
  type TallyEntry,
} from './replay/tally.js';
import type { Widening } from './suggest/cidrs.js';
import type { Draft, DraftNote, LeftOut } from './suggest/draft.js';
import { NeedFinder, type Need, type Standing } from './suggest/needs.js';
import { RuleGatherer } from './suggest/rules.js';
import { unitKey, Units } from './suggest/units.js';

export interface SuggestOptions {
  readonly cluster: ClusterSnapshot;
  /** Only what these do not allow is drafted. */
  readonly existing?: NormalModel;
  /** Flows that were seen fewer times are left out. */
  readonly minCount: number;
  /** Addresses outside are drafted as they were seen unless given. */
  readonly widening?: Widening;
  readonly at: number;
}

const NO_POLICIES: NormalModel = { tiers: [], policies: [], deciders: [{ kind: 'none' }] };

/** A flow that is drafted, and what it needs. */
interface Accepted {
  readonly entry: TallyEntry;
  readonly seen: Sightings;
  readonly needs: readonly { readonly need: Need; readonly standing: Standing }[];
}

type Sides = Set<string>;

export class Suggestion {
  readonly #tally: FlowTally;

  constructor(private readonly options: SuggestOptions) {
    const models = options.existing === undefined ? [] : [options.existing];
    this.#tally = new FlowTally(options.cluster, models, { everyAddress: true });
  }

  add(flow: SeenFlow, at: SeenAt): void {
    this.#tally.add(flow, at);
  }

  draft(): Draft {
    return new Drafter(this.#tally, this.options).draft();
  }
}

class Drafter {
  readonly #cluster: ClusterSnapshot;
  readonly #judge: EntryJudge;
  readonly #needs: NeedFinder;
  readonly #units: Units;
  readonly #left: { why: string; entry: TallyEntry; seen: Sightings }[] = [];
  #accepted: Accepted[] = [];
  #isolated: Sides = new Set();
  /** Those, and the sides of units that selectors select beside the one that is meant. */
  readonly #affected: Sides = new Set();

  constructor(
    private readonly tally: FlowTally,
    private readonly options: SuggestOptions,
  ) {
    const { cluster, existing, at } = options;
    this.#cluster = tally.directory.clusterWithGone();
    this.#judge = new EntryJudge(existing ?? NO_POLICIES, cluster, this.#cluster, at);
    this.#needs = new NeedFinder(existing, this.#cluster, at);
    this.#units = new Units(this.#cluster);
  }

  draft(): Draft {
    for (const entry of this.tally.entries) this.#take(entry);
    this.#isolated = this.#isolatedSides();
    this.#dropWithoutPorts();
    const gatherer = new RuleGatherer(
      this.#cluster,
      this.#units,
      this.options,
      this.#heldPrefixes(),
    );
    for (const side of this.#isolated) gatherer.isolate(side);
    let drafted = 0;
    let covered = 0;
    for (const { seen, needs } of this.#accepted) {
      const required = needs.filter((one) => this.#isRequired(one));
      for (const { need } of required) gatherer.add(need, seen);
      if (required.length === 0) covered += seen.count;
      else drafted += seen.count;
    }
    const { policies, notes } = gatherer.finish(this.options.existing);
    const unknown = this.tally.unknown.map(({ why, end, count, at }): LeftOut => {
      const seen = timesOf({ count, first: undefined, last: undefined, at });
      return { why, from: end, to: '', ports: '', seen };
    });
    const leftOut = [...this.#leftRows(), ...unknown];
    return {
      policies,
      flows: {
        drafted,
        covered,
        leftOut: leftOut.reduce((sum, { seen }) => sum + seen.count, 0),
      },
      leftOut,
      notes: [...notes, ...this.#isolationNotes(), ...this.#pastNotes()],
    };
  }

  #take(entry: TallyEntry): void {
    const { carried, denied } = outcomeOf(entry);
    if (denied !== undefined) this.#leave('denied by policies', entry, denied);
    if (carried === undefined) return;
    const why = this.#reasonToLeave(entry, carried);
    if (why !== undefined) {
      this.#leave(why, entry, carried);
      return;
    }
    const flow = this.#judge.flowOf(entry);
    const needs = this.#needs
      .needsOf(flow)
      .map((need) => ({ need, standing: this.#needs.standingOf(need) }));
    const denial = needs.find(({ standing }) => standing.kind === 'denied')?.standing;
    if (denial?.kind === 'denied') {
      this.#leave(`denied by ${denial.by}, which no NetworkPolicy changes`, entry, carried);
    } else if (hasPorts(entry.protocol) && flow.targets.length === 0) {
      this.#leave('to a Service without a ready endpoint at the port', entry, carried);
    } else this.#accepted.push({ entry, seen: carried, needs });
  }

  #reasonToLeave(entry: TallyEntry, { count }: Sightings): string | undefined {
    const { minCount, widening } = this.options;
    if (count < minCount) return `seen fewer than ${minCount} times`;
    if (hasPorts(entry.protocol) && entry.port === 0) return 'port 0, which Kubernetes has not';
    const isSomewhere = [entry.from, entry.to].some(
      ({ candidates, who }) =>
        candidates !== undefined && !(widening === 'any' && who.kind === 'outside'),
    );
    return isSomewhere ? 'the log leaves out the address' : undefined;
  }

  #leave(why: string, entry: TallyEntry, seen: Sightings): void {
    this.#left.push({ why, entry, seen });
  }

  /**
   * The sides of units that the draft isolates. What stands open there needs rules of its own, and units that
   * a selector selects beside the one that is meant are isolated with it.
   */
  #isolatedSides(): Sides {
    const sides: Sides = new Set();
    const isolate = (unit: string, direction: Direction): void => {
      if (sides.has(sideKey(unit, direction))) return;
      sides.add(sideKey(unit, direction));
      for (const one of [unit, ...this.#units.othersOf(unit)]) {
        this.#affected.add(sideKey(one, direction));
      }
    };
    if (this.options.existing === undefined) {
      // What cannot be drafted isolates nobody.
      for (const { entry, needs } of this.#accepted) {
        if (!hasPorts(entry.protocol)) continue;
        const ends = [entry.from, entry.to].flatMap(({ pod }) => pod ?? []);
        for (const pod of [...ends, ...needs.map(({ need }) => need.subject)]) {
          for (const side of SIDES) isolate(unitKey(pod), side);
        }
      }
      return sides;
    }
    const all = this.#accepted.flatMap(({ needs }) => needs);
    for (let before = -1; before < sides.size;) {
      before = sides.size;
      for (const one of all) {
        if (this.#isRequired(one)) isolate(unitKey(one.need.subject), one.need.direction);
      }
    }
    return sides;
  }

  #isRequired({ need, standing }: Accepted['needs'][number]): boolean {
    if (standing.kind === 'missing') return true;
    return (
      standing.kind === 'open' && this.#affected.has(sideKey(unitKey(need.subject), need.direction))
    );
  }

  /** A rule for ICMP alone cannot be written: without ports it would allow everything. */
  #dropWithoutPorts(): void {
    this.#accepted = this.#accepted.filter((one) => {
      if (hasPorts(one.entry.protocol)) return true;
      if (this.#isStillAllowed(one.entry)) return true;
      const why = 'ICMP, which a NetworkPolicy allows with every port alone';
      this.#leave(why, one.entry, one.seen);
      return false;
    });
  }

  #isStillAllowed(entry: TallyEntry): boolean {
    const judged = this.#judge.judge(entry);
    if (judged === undefined || judged.verdict === 'deny') return false;
    return SIDES.every((side) => {
      const judgement = judged[side];
      const pod = side === 'egress' ? entry.from.pod : entry.to.pod;
      if (pod === undefined || judgement === undefined) return true;
      if (judgement.reason === 'self' || judgement.reason === 'own-node') return true;
      const isOwnNode =
        side === 'ingress' && entry.from.node === pod.node && entry.from.pod === undefined;
      if (isOwnNode && pod.node !== undefined) return true;
      return judgement.reason === 'rule' || !this.#isolated.has(sideKey(unitKey(pod), side));
    });
  }

  /** Addresses that no widened block may hold. */
  #heldPrefixes(): readonly Prefix[] {
    const { pods, nodes, services } = this.#cluster;
    const addresses = [...pods, ...nodes, ...services].flatMap((one) => one.addresses);
    return [...addresses.map(hostPrefix), ...nodes.flatMap(({ podRanges }) => podRanges)];
  }

  #leftRows(): readonly LeftOut[] {
    const groups = groupBy(this.#left, ({ why, entry }) => {
      const text = (end: TallyEntry['from']): string => whoText(end.who, []);
      return JSON.stringify([why, text(entry.from), text(entry.to)]);
    });
    return [...groups.values()]
      .flatMap((group): readonly LeftOut[] => {
        const [first] = group;
        const seen = uniteSightings(group.map((one) => one.seen));
        if (first === undefined || seen === undefined) return [];
        const outside = [...new Set(group.flatMap(({ entry }) => [...entry.outside]))];
        const { entry, why } = first;
        return [
          {
            why,
            from: whoText(entry.from.who, outside.sort(compareText)),
            to: whoText(entry.to.who, outside),
            ports: portsText(group.map((one) => one.entry)),
            seen: timesOf(seen),
          },
        ];
      })
      .sort((a, b) => b.seen.count - a.seen.count || compareText(a.from + a.to, b.from + b.to));
  }

  /** Pods that were open and that the draft isolates, where policies are there already. */
  #isolationNotes(): readonly DraftNote[] {
    const { existing, cluster } = this.options;
    if (existing === undefined) return [];
    const isIsolated = isolationIn(existing, cluster);
    return [...this.#isolated].sort(compareText).flatMap((key): readonly DraftNote[] => {
      const direction: Direction = key.endsWith(' ingress') ? 'ingress' : 'egress';
      const unit = unitOfSide(key);
      const opens = this.#units.podsOf(unit).some((pod) => !isIsolated(pod, direction));
      return opens ? [{ kind: 'isolates', unit: this.#units.nameOf(unit), direction }] : [];
    });
  }

  #pastNotes(): readonly DraftNote[] {
    const touched = new Set([...this.#isolated].map(unitOfSide));
    const seen = new Set(
      this.#accepted.flatMap(({ entry }) =>
        [entry.from, entry.to].flatMap(({ pod }) => (pod === undefined ? [] : [unitKey(pod)])),
      ),
    );
    const name = (key: string): string => this.#units.nameOf(key);
    const gone = new Set(this.#cluster.pods.slice(this.options.cluster.pods.length).map(unitKey));
    const silent = this.#units.keys.filter((key) => !touched.has(key) && !seen.has(key));
    const past = [...gone].filter((key) => seen.has(key)).sort(compareText);
    return [
      ...(silent.length === 0 || this.options.existing !== undefined
        ? []
        : [{ kind: 'silent', units: silent.map(name) } as const]),
      ...(past.length === 0 ? [] : [{ kind: 'gone', units: past.map(name) } as const]),
    ];
  }
}

const SIDES = ['ingress', 'egress'] as const;

function sideKey(unit: string, direction: Direction): string {
  return `${unit} ${direction}`;
}

function unitOfSide(key: string): string {
  return key.slice(0, key.lastIndexOf(' '));
}

/** Whether a policy of the additive tier selects the pod in the direction. */
function isolationIn(
  model: NormalModel,
  cluster: ClusterSnapshot,
): (pod: ClusterSnapshot['pods'][number], direction: Direction) => boolean {
  const selection = createPodSelection(cluster);
  const policies = model.tiers
    .filter(({ kind }) => kind === 'additive')
    .flatMap((tier) => tier.policies);
  return (pod, direction) =>
    isPolicyPod(pod) &&
    policies.some(
      ({ isolation, subjects }) =>
        isolation[direction] !== NO_DECIDER &&
        subjects.some((subject) => selection.selects(subject, pod)),
    );
}
