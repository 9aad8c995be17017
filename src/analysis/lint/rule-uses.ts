/**
 * Rule uses: which rules decide something in a cluster, and which could all be removed together without
 * a change of any verdict. Judged by address classes, at every instant that makes a difference.
 */
import type { SubjectArm, SubjectView } from '../../codegen/bind/views.js';
import { FLAVOURS } from '../../codegen/layout.js';
import type { Direction } from '../../ir/model.js';
import { NO_DECIDER, type DeciderId, type NormalModel } from '../../ir/normal-model.js';
import { armsInOrder, ClassMatcher } from '../class-matches.js';
import { createUniverse, type Universe } from '../universe.js';
import { sweepPorts } from './sweep-ports.js';

export interface RuleUses {
  /** Rules that decide nothing, with some of those that decide in their place. */
  readonly dead: ReadonlyMap<DeciderId, readonly DeciderId[]>;
  /** Allows that other allows make superfluous: those that allow the same. */
  readonly redundant: ReadonlyMap<DeciderId, readonly DeciderId[]>;
}

/** Names beyond these are counted. */
const MOST_WINNERS = 5;

/**
 * @param universe of one model, twice
 * @param gone rules that count as removed already
 */
export function findRuleUses(
  universe: Universe,
  gone: ReadonlySet<DeciderId> = new Set(),
): RuleUses {
  const model = universe.models[1];
  const record = new UseRecord(model, gone);
  for (const at of instantsOf(model, universe.at)) {
    const then =
      at === universe.at ? universe : createUniverse(universe.cluster, [model, model], at);
    recordUses(then, record);
  }
  return record.settle();
}

/** Now, and each time at which a rule ends. */
function instantsOf({ policies }: NormalModel, at: number): readonly number[] {
  const ends = policies.flatMap(({ rules }) =>
    rules.flatMap(({ until }) => (until !== undefined && until > at ? [until] : [])),
  );
  return [at, ...[...new Set(ends)].sort((a, b) => a - b)];
}

function recordUses({ addresses, pods, views: [, viewOf] }: Universe, record: UseRecord): void {
  record.startUniverse();
  const matcher = new ClassMatcher(addresses.classes);
  const present = FLAVOURS.map(() => 0);
  for (const flavour of matcher.flavours) present[flavour] = (present[flavour] ?? 0) + 1;
  const seen = new Set<string>();
  for (const { pod } of pods) {
    for (const direction of ['ingress', 'egress'] as const satisfies readonly Direction[]) {
      const view = viewOf(pod, direction);
      if (view.policies.length === 0 || seen.has(view.key)) continue;
      seen.add(view.key);
      const { root, classes, combinations } = matcher.match(view);
      const left = [...present];
      for (const [i, id] of classes.entries()) {
        const flavour = matcher.flavours[id] ?? 0;
        left[flavour] = (left[flavour] ?? 0) - 1;
        const combination = combinations[i] ?? root;
        if (combination.notes[flavour] !== undefined) continue;
        combination.notes[flavour] = 1;
        record.add(view, armsInOrder(view, combination.arms[0], flavour));
      }
      for (const [flavour, count] of left.entries()) {
        if (count > 0) record.add(view, armsInOrder(view, [], flavour));
      }
    }
  }
}

class UseRecord {
  readonly #model: NormalModel;
  /** Rules without which something would be decided otherwise. */
  readonly #needed = new Set<DeciderId>();
  /** Lists of allows of which one is enough. */
  readonly #choices = new Map<string, readonly DeciderId[]>();
  readonly #winners = new Map<DeciderId, Set<DeciderId>>();
  /** Of one universe, since effects are numbered anew in each. */
  #seen = new Set<string>();

  readonly #gone: ReadonlySet<DeciderId>;

  constructor(model: NormalModel, gone: ReadonlySet<DeciderId>) {
    this.#model = model;
    this.#gone = gone;
  }

  startUniverse(): void {
    this.#seen = new Set();
  }

  /** @param all the arms that match one class, in the order of decision */
  add(view: SubjectView, all: readonly SubjectArm[]): void {
    const arms =
      this.#gone.size === 0 ? all : all.filter(({ arm }) => !this.#gone.has(arm.rule.id));
    if (arms.length === 0) return;
    const texts = arms.map(({ arm, effect }) => `${arm.rule.id}:${effect}`);
    const key = `${view.isolationKey};${texts.join(' ')}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    sweepPorts(arms, (active) => this.#decide(view, active));
  }

  /** @param active the arms that match one packet, in the order of decision */
  #decide({ tiers }: SubjectView, active: readonly SubjectArm[]): void {
    let next = 0;
    for (const [position, tier] of tiers.entries()) {
      const from = next;
      while (next < active.length && active[next]?.tier === position) next += 1;
      const here = active.slice(from, next);
      if (tier.kind === 'ordered') {
        const [first, ...later] = here;
        if (first === undefined) continue;
        const { id, action } = first.arm.rule;
        if (action === 'pass') {
          if (later.some(({ arm }) => arm.rule.action !== 'pass')) this.#needed.add(id);
          this.#lose(later, id);
          continue;
        }
        this.#needed.add(id);
        this.#lose(active.slice(from + 1), id);
        return;
      }
      if (tier.isolation === NO_DECIDER) continue;
      const [first] = here;
      if (first !== undefined) this.#choose(here);
      this.#lose(active.slice(next), first?.arm.rule.id ?? tier.isolation);
      return;
    }
  }

  /** Any of the allows will do, unless they differ in what is logged: then it is the first that decides. */
  #choose(allows: readonly SubjectArm[]): void {
    const ids = [...new Set(allows.map(({ arm }) => arm.rule.id))];
    const [first] = allows;
    if (first === undefined) return;
    if (allows.some(({ arm }) => arm.rule.log !== first.arm.rule.log)) {
      this.#needed.add(first.arm.rule.id);
      this.#lose(allows.slice(1), first.arm.rule.id);
    } else {
      this.#choices.set(ids.join(), ids);
    }
  }

  #lose(losers: readonly SubjectArm[], winner: DeciderId): void {
    for (const { arm } of losers) {
      if (arm.rule.id === winner) continue;
      const known = this.#winners.get(arm.rule.id);
      if (known === undefined) this.#winners.set(arm.rule.id, new Set([winner]));
      else if (known.size < MOST_WINNERS) known.add(winner);
    }
  }

  settle(): RuleUses {
    const choices = [...this.#choices.values()];
    const kept = this.#keep(choices);
    const redundant = new Map<DeciderId, Set<DeciderId>>();
    for (const choice of choices) {
      const keepers = choice.filter((id) => kept.has(id));
      for (const id of choice) {
        if (kept.has(id)) continue;
        const known = redundant.get(id) ?? new Set();
        redundant.set(id, known);
        for (const keeper of keepers.slice(0, MOST_WINNERS)) {
          if (known.size < MOST_WINNERS) known.add(keeper);
        }
      }
    }
    const dead = new Map<DeciderId, readonly DeciderId[]>();
    for (const decider of this.#model.deciders) {
      // Rules that end by themselves need no advice to be removed.
      if (decider.kind !== 'rule' || decider.rule.until !== undefined) continue;
      const { id } = decider.rule;
      if (kept.has(id) || redundant.has(id) || this.#gone.has(id)) continue;
      dead.set(id, [...(this.#winners.get(id) ?? [])]);
    }
    return {
      dead,
      redundant: new Map([...redundant].map(([id, by]) => [id, [...by]])),
    };
  }

  /** One of each list, and few in all: the one that stands in the most open lists goes first. */
  #keep(choices: readonly (readonly DeciderId[])[]): ReadonlySet<DeciderId> {
    const kept = new Set(this.#needed);
    for (const [only, ...others] of choices) {
      if (only !== undefined && others.length === 0) kept.add(only);
    }
    const listsOf = new Map<DeciderId, (readonly DeciderId[])[]>();
    for (const choice of choices) {
      if (choice.some((id) => kept.has(id))) continue;
      for (const id of choice) {
        const lists = listsOf.get(id);
        if (lists === undefined) listsOf.set(id, [choice]);
        else lists.push(choice);
      }
    }
    // Buckets by how many lists there are; between equals the first that decides stays.
    const buckets: DeciderId[][] = [];
    const file = (id: DeciderId, count: number): void => {
      (buckets[count] ??= []).push(id);
    };
    for (const [id, lists] of [...listsOf].sort(([a], [b]) => a - b)) file(id, lists.length);
    for (let count = buckets.length - 1; count > 0; count -= 1) {
      // What has fewer open lists than when it was filed goes down to its own bucket.
      for (const id of buckets[count] ?? []) {
        const open = (listsOf.get(id) ?? []).filter((one) => !one.some((other) => kept.has(other)));
        listsOf.set(id, open);
        if (open.length === count) kept.add(id);
        else if (open.length > 0) file(id, open.length);
      }
    }
    return kept;
  }
}
