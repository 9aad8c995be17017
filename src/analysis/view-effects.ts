/** View effects: what one direction's policies of a pod, before and after, do to each address class. */
import type { AtomId } from '../codegen/bind/atoms.js';
import type { AddressClass, ClassId } from '../codegen/bind/classes.js';
import { evaluatePortRow, type PortRow, type TierArms } from '../codegen/bind/ports.js';
import type { SubjectArm, SubjectView } from '../codegen/bind/views.js';
import { FLAVOURS, type Flavour } from '../codegen/layout.js';
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

/** The arms that match a class, each a step from those before it. */
interface Combination {
  readonly arms: readonly [was: readonly SubjectArm[], is: readonly SubjectArm[]];
  readonly next: Map<number, Combination>;
  /** By flavour, once it is asked for. */
  readonly effects: (EffectId | undefined)[];
}

const FLAVOUR_OF = new Map(FLAVOURS.map((flavour, i) => [flavour, i]));

export function flavourIndex(flavour: Flavour): number {
  return FLAVOUR_OF.get(flavour) ?? 0;
}

/**
 * Evaluates views over all classes. A class is touched once for each arm that names it, and ports are
 * evaluated once for all classes that the same arms match.
 */
export class ViewEvaluator {
  readonly #classesOfAtom = new Map<AtomId, ClassId[]>();
  readonly #flavours: Uint8Array;
  /** The combination that each class has come to, of the view at hand. */
  readonly #reached: (Combination | undefined)[];
  /** By side, since rules and effects are numbered anew in each model. */
  readonly #rows = [new Map<string, PortRow>(), new Map<string, PortRow>()] as const;

  constructor(
    private readonly classes: readonly AddressClass[],
    private readonly table: EffectTable,
  ) {
    for (const { id, atoms } of classes) {
      for (const atom of atoms) {
        const list = this.#classesOfAtom.get(atom);
        if (list === undefined) this.#classesOfAtom.set(atom, [id]);
        else list.push(id);
      }
    }
    this.#flavours = Uint8Array.from(classes, ({ flavour }) => flavourIndex(flavour));
    this.#reached = new Array<Combination | undefined>(classes.length).fill(undefined);
  }

  evaluate(views: ViewPair): ViewEffects {
    const root: Combination = { arms: [[], []], next: new Map(), effects: [] };
    const defaults = FLAVOURS.map((_, flavour) => this.#effect(views, root, flavour));
    const touched: ClassId[] = [];
    const sides = views[0] === views[1] ? [0] : [0, 1];
    let number = 0;
    for (const side of sides) {
      for (const list of views[side]?.byAtom.values() ?? []) {
        for (const arm of list) this.#match(arm, side, (number += 1), root, touched);
      }
    }
    const ids = Int32Array.from(touched).sort();
    const effects = new Int32Array(ids.length);
    let count = 0;
    let changes = defaults.some((id) => this.table.effect(id).changes);
    for (const id of ids) {
      const flavour = this.#flavours[id] ?? 0;
      const effect = this.#effect(views, this.#reached[id] ?? root, flavour);
      this.#reached[id] = undefined;
      if (effect === defaults[flavour]) continue;
      ids[count] = id;
      effects[count] = effect;
      count += 1;
      changes ||= this.table.effect(effect).changes;
    }
    return { defaults, classes: ids.slice(0, count), effects: effects.slice(0, count), changes };
  }

  /** Moves every class that the arm matches on by it. */
  #match(
    seen: SubjectArm,
    side: number,
    number: number,
    root: Combination,
    touched: ClassId[],
  ): void {
    const [first, ...others] = seen.atoms;
    if (first === undefined) return;
    for (const id of this.#classesOfAtom.get(first) ?? []) {
      const flavour = FLAVOURS[this.#flavours[id] ?? 0];
      if (flavour === undefined || !seen.arm.flavours.has(flavour)) continue;
      if (others.length > 0) {
        const atoms = this.classes[id]?.atoms;
        if (!others.every((atom) => atoms?.includes(atom))) continue;
      }
      let at = this.#reached[id];
      if (at === undefined) {
        touched.push(id);
        at = root;
      }
      let next = at.next.get(number);
      if (next === undefined) {
        const [was, is] = at.arms;
        const arms = side === 0 ? ([[...was, seen], is] as const) : ([was, [...is, seen]] as const);
        next = { arms, next: new Map(), effects: [] };
        at.next.set(number, next);
      }
      this.#reached[id] = next;
    }
  }

  #effect(views: ViewPair, { arms, effects }: Combination, flavour: number): EffectId {
    const known = effects[flavour];
    if (known !== undefined) return known;
    const was = this.#row(this.#rows[0], views[0], arms[0], flavour);
    const same = views[0] === views[1];
    const is = same ? was : this.#row(this.#rows[1], views[1], arms[1], flavour);
    const effect = this.table.ofRows(was, is);
    effects[flavour] = effect;
    return effect;
  }

  #row(
    rows: Map<string, PortRow>,
    view: SubjectView,
    named: readonly SubjectArm[],
    flavour: number,
  ): PortRow {
    const wide = view.wide.get(FLAVOURS[flavour] ?? 'outside') ?? [];
    const arms = [...wide, ...named].sort((a, b) => a.arm.rule.id - b.arm.rule.id);
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
