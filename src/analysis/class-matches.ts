/** Class matches: which arms of a subject's views match which address classes. */
import type { AtomId } from '../codegen/bind/atoms.js';
import type { AddressClass, ClassId } from '../codegen/bind/classes.js';
import type { SubjectArm, SubjectView } from '../codegen/bind/views.js';
import { FLAVOURS, type Flavour } from '../codegen/layout.js';

/** The arms that match a class, each a step from those before it. */
export interface Combination {
  readonly arms: readonly [was: readonly SubjectArm[], is: readonly SubjectArm[]];
  /** By flavour: whatever number a caller has come to for it. */
  readonly notes: (number | undefined)[];
  readonly next: Map<number, Combination>;
}

export interface ClassMatches {
  /** Of all classes that are not listed: no arm names them. */
  readonly root: Combination;
  /** Ascending. */
  readonly classes: Int32Array;
  /** Of each class listed. */
  readonly combinations: readonly Combination[];
}

const FLAVOUR_OF = new Map(FLAVOURS.map((flavour, i) => [flavour, i]));

export function flavourIndex(flavour: Flavour): number {
  return FLAVOUR_OF.get(flavour) ?? 0;
}

/** Matches views with all classes; a class is touched once for each arm that names it. */
export class ClassMatcher {
  /** By class: position in FLAVOURS. */
  readonly flavours: Uint8Array;
  readonly #classesOfAtom = new Map<AtomId, ClassId[]>();
  /** The combination that each class has come to, of the view at hand. */
  readonly #reached: (Combination | undefined)[];

  constructor(private readonly classes: readonly AddressClass[]) {
    for (const { id, atoms } of classes) {
      for (const atom of atoms) {
        const list = this.#classesOfAtom.get(atom);
        if (list === undefined) this.#classesOfAtom.set(atom, [id]);
        else list.push(id);
      }
    }
    this.flavours = Uint8Array.from(classes, ({ flavour }) => flavourIndex(flavour));
    this.#reached = new Array<Combination | undefined>(classes.length).fill(undefined);
  }

  /** @param is left out where only one side is of interest */
  match(was: SubjectView, is?: SubjectView): ClassMatches {
    const root: Combination = { arms: [[], []], next: new Map(), notes: [] };
    const touched: ClassId[] = [];
    let number = 0;
    for (const [side, view] of [was, is].entries()) {
      for (const list of view?.byAtom.values() ?? []) {
        for (const arm of list) this.#match(arm, side, (number += 1), root, touched);
      }
    }
    const ids = Int32Array.from(touched).sort();
    const combinations = Array.from(ids, (id) => {
      const reached = this.#reached[id] ?? root;
      this.#reached[id] = undefined;
      return reached;
    });
    return { root, classes: ids, combinations };
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
      const flavour = FLAVOURS[this.flavours[id] ?? 0];
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
        next = { arms, next: new Map(), notes: [] };
        at.next.set(number, next);
      }
      this.#reached[id] = next;
    }
  }
}

/** The arms that match in one view, wide ones among them, in the order of decision. */
export function armsInOrder(
  view: SubjectView,
  named: readonly SubjectArm[],
  flavour: number,
): readonly SubjectArm[] {
  const wide = view.wide.get(FLAVOURS[flavour] ?? 'outside') ?? [];
  return [...wide, ...named].sort((a, b) => a.arm.rule.id - b.arm.rule.id);
}
