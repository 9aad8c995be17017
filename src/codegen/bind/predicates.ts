/** Predicate bits: for code layouts, what each address class satisfies of the plan's predicates. */
import type { Direction } from '../../ir/model.js';
import type { LookupPlan, Predicate } from '../../ir/plan.js';
import type { AtomId, AtomTable } from './atoms.js';
import type { AddressClass, AddressClasses } from './classes.js';
import { table } from './images.js';
import type { BoundTable } from '../contents.js';
import { BITS_WORD } from '../emit/code-verdict.js';
import { TABLES } from '../layout.js';

export interface PlannedAtom {
  readonly atom: AtomId | undefined;
  readonly predicate: Predicate;
}

/** The atoms behind the predicates of a code layout, bit by bit. */
export function planAtoms(
  plan: LookupPlan,
  direction: Direction,
  atoms: AtomTable,
): readonly PlannedAtom[] {
  const layout = plan.verdict[direction];
  if (layout.kind === 'tables') return [];
  return layout.predicates.map((predicate) => {
    const { peer } = predicate;
    const named = peer.kind === 'pods' || peer.kind === 'addresses' || peer.kind === 'nodes';
    return { atom: named ? atoms.peer(peer) : undefined, predicate };
  });
}

export function bitsImage(
  { classes }: AddressClasses,
  predicates: Readonly<Record<Direction, readonly PlannedAtom[]>>,
): BoundTable {
  const image = new Uint8Array(Math.max(1, classes.length) * BITS_WORD.size);
  const view = new DataView(image.buffer);
  for (const one of classes) {
    for (const direction of ['ingress', 'egress'] as const) {
      let word = 0;
      for (const [bit, planned] of predicates[direction].entries()) {
        if (holds(planned, one)) word |= 1 << bit;
      }
      view.setUint32(one.id * BITS_WORD.size + BITS_WORD[direction], word >>> 0, true);
    }
  }
  return table(TABLES.bits, image);
}

function holds({ atom, predicate }: PlannedAtom, one: AddressClass): boolean {
  if (predicate.boundOnly && one.flavour === 'unbound') return false;
  if (predicate.peer.kind === 'any') return true;
  if (predicate.peer.kind === 'outside') return one.flavour === 'outside';
  return atom !== undefined && one.atoms.includes(atom);
}
