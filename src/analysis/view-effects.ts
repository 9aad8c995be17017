/** View effects: what one direction's policies of a pod, before and after, do to each address class. */
import type { AddressClass } from '../codegen/bind/classes.js';
import { evaluatePortRow, type PortRow, type TierArms } from '../codegen/bind/ports.js';
import type { SubjectArm, SubjectView } from '../codegen/bind/views.js';
import { FLAVOURS } from '../codegen/layout.js';
import { armsInOrder, ClassMatcher, flavourIndex, type Combination } from './class-matches.js';
import type { EffectId, EffectTable } from './effects.js';

/** The policies of a pod before and after. */
export type ViewPair = readonly [was: SubjectView, is: SubjectView];

/** Effects by class, as few as tell all. */
export interface ViewEffects {
  /** By position in FLAVOURS: of the classes that are no exception. */
  readonly defaults: readonly EffectId[];
  /** Ascending. */
  readonly classes: Int32Array;
  readonly effects: Int32Array;
  /** Whether any verdict differs before and after. */
  readonly changes: boolean;
}

/**
 * Evaluates views over all classes. A class is touched once for each arm that names it, and ports are
 * evaluated once for all classes that the same arms match.
 */
export class ViewEvaluator {
  readonly #matcher: ClassMatcher;
  /** By side, since rules and effects are numbered anew in each model. */
  readonly #rows = [new Map<string, PortRow>(), new Map<string, PortRow>()] as const;

  constructor(
    classes: readonly AddressClass[],
    private readonly table: EffectTable,
  ) {
    this.#matcher = new ClassMatcher(classes);
  }

  evaluate(views: ViewPair): ViewEffects {
    const [was, is] = views;
    const {
      root,
      classes: ids,
      combinations,
    } = this.#matcher.match(was, is === was ? undefined : is);
    const defaults = FLAVOURS.map((_, flavour) => this.#effect(views, root, flavour));
    const effects = new Int32Array(ids.length);
    let count = 0;
    let changes = defaults.some((id) => this.table.effect(id).changes);
    for (const [i, id] of ids.entries()) {
      const flavour = this.#matcher.flavours[id] ?? 0;
      const effect = this.#effect(views, combinations[i] ?? root, flavour);
      if (effect === defaults[flavour]) continue;
      ids[count] = id;
      effects[count] = effect;
      count += 1;
      changes ||= this.table.effect(effect).changes;
    }
    return { defaults, classes: ids.slice(0, count), effects: effects.slice(0, count), changes };
  }

  #effect(views: ViewPair, { arms, notes }: Combination, flavour: number): EffectId {
    const known = notes[flavour];
    if (known !== undefined) return known;
    const was = this.#row(this.#rows[0], views[0], arms[0], flavour);
    const same = views[0] === views[1];
    const is = same ? was : this.#row(this.#rows[1], views[1], arms[1], flavour);
    const effect = this.table.ofRows(was, is);
    notes[flavour] = effect;
    return effect;
  }

  #row(
    rows: Map<string, PortRow>,
    view: SubjectView,
    named: readonly SubjectArm[],
    flavour: number,
  ): PortRow {
    const arms = armsInOrder(view, named, flavour);
    const key = `${view.isolationKey};${arms.map(({ arm, effect }) => `${arm.rule.id}:${effect}`).join(' ')}`;
    let row = rows.get(key);
    if (row === undefined) {
      const tiers = view.tiers.map((tier, i): TierArms => ({
        ...tier,
        arms: arms.filter((one) => one.tier === i),
      }));
      row = evaluatePortRow(tiers);
      rows.set(key, row);
    }
    return row;
  }
}

/** The effect on one class. */
export function effectOn(
  { defaults, classes, effects }: ViewEffects,
  { id, flavour }: AddressClass,
): EffectId {
  let low = 0;
  let high = classes.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = classes[middle] ?? 0;
    if (found === id) return effects[middle] ?? 0;
    if (found < id) low = middle + 1;
    else high = middle - 1;
  }
  return defaults[flavourIndex(flavour)] ?? 0;
}
