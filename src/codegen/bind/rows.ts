/** Rows: for each subject view and address class, which port row decides. */
import type { AddressClass, AddressClasses, ClassId } from './classes.js';
import { evaluatePortRow, overlayRow, type PortRow, type TierArms } from './ports.js';
import { ShapeTable, type ShapeId, type ShapedRow } from './shapes.js';
import type { EffectId, SubjectArm, SubjectView } from './views.js';
import {
  CELL,
  decodeCell,
  encodeCell,
  FLAVOURS,
  PORT_INDEX,
  portIndex,
  type Flavour,
} from '../layout.js';
import { NO_DECIDER } from '../../ir/normal-model.js';

export type PortRowId = number;

/** The port row of each address class, for one subject view. */
export interface ViewRows {
  /** Classes that no arm of the view names, by flavour. */
  readonly defaults: ReadonlyMap<Flavour, PortRowId>;
  /** The others. */
  readonly exceptions: ReadonlyMap<ClassId, PortRowId>;
}

/** A row that arms make, but for how far its rules' numbers are from those that it was made with. */
interface EvaluatedArms {
  readonly shape: ShapeId;
  /** From the lowest of the arms' rules to the row's decider; undefined if no rule decides. */
  readonly distance: number | undefined;
}

/** Port rows, each distinct one once. */
export class RowTable {
  readonly rows: ShapedRow[] = [];
  readonly #shapes = new ShapeTable();
  /** By shape, then decider. */
  readonly #ids: Map<number, PortRowId>[] = [];
  readonly #evaluated = new Map<string, EvaluatedArms>();
  /** As above, for a single arm: by isolation, then effect. */
  readonly #evaluatedOne = new Map<string, Map<EffectId, EvaluatedArms>>();
  readonly #byView = new Map<string, ViewRows>();
  readonly #classesOfAtom: readonly (readonly AddressClass[] | undefined)[];
  readonly #serviceClasses: readonly AddressClass[];

  constructor(private readonly addresses: AddressClasses) {
    const classesOfAtom: AddressClass[][] = [];
    for (const one of addresses.classes) {
      for (const atom of one.atoms) {
        const known = classesOfAtom[atom];
        // An array that grows from nothing has room for seventeen; most atoms have one class.
        if (known === undefined) classesOfAtom[atom] = [one];
        else known.push(one);
      }
    }
    this.#classesOfAtom = classesOfAtom;
    this.#serviceClasses = addresses.classes.filter(({ service }) => service !== undefined);
  }

  rowsOf(view: SubjectView): ViewRows {
    const known = this.#byView.get(view.key);
    if (known !== undefined) return known;
    const defaults = new Map(
      FLAVOURS.map((flavour) => [flavour, this.#evaluate(view, view.wide.get(flavour) ?? [])]),
    );
    const exceptions = new Map<ClassId, PortRowId>();
    const rows = { defaults, exceptions };
    for (const atom of view.byAtom.keys()) {
      for (const one of this.#classesOfAtom[atom] ?? []) {
        if (!exceptions.has(one.id)) exceptions.set(one.id, this.#plainRow(view, one));
      }
    }
    if (view.direction === 'egress') {
      for (const one of this.#serviceClasses) {
        exceptions.set(one.id, this.#serviceRow(view, rows, one));
      }
    }
    this.#byView.set(view.key, rows);
    return rows;
  }

  get shapes(): readonly PortRow[] {
    return this.#shapes.shapes;
  }

  /** The class as a plain address, whether or not it is a Service's. */
  #plainRow(view: SubjectView, one: AddressClass): PortRowId {
    const wide = view.wide.get(one.flavour) ?? [];
    const only = wide.length === 0 ? onlyArm(view, one) : undefined;
    if (only !== undefined) return this.#evaluateOne(view, only);
    const arms = [...wide];
    for (const first of one.atoms) {
      for (const seen of view.byAtom.get(first) ?? []) {
        const { arm, atoms } = seen;
        if (!arm.flavours.has(one.flavour)) continue;
        if (atoms.length === 1 || atoms.every((atom) => one.atoms.includes(atom))) arms.push(seen);
      }
    }
    return this.#evaluate(view, arms);
  }

  /** Arms that differ by their rules' numbers alone make rows of one shape. */
  #evaluate(view: SubjectView, arms: readonly SubjectArm[]): PortRowId {
    const [first] = arms;
    if (first !== undefined && arms.length === 1) return this.#evaluateOne(view, first);
    const sorted = [...arms].sort((a, b) => ruleOf(a) - ruleOf(b));
    const lowest = sorted[0] === undefined ? 0 : ruleOf(sorted[0]);
    let key = view.isolationKey;
    for (const one of sorted) key += ` ${ruleOf(one) - lowest}:${one.effect}`;
    let made = this.#evaluated.get(key);
    if (made === undefined) {
      made = this.#shapeOfArms(view, sorted, lowest);
      this.#evaluated.set(key, made);
    }
    return this.#internFrom(made, lowest);
  }

  #evaluateOne(view: SubjectView, arm: SubjectArm): PortRowId {
    let byEffect = this.#evaluatedOne.get(view.isolationKey);
    if (byEffect === undefined) {
      byEffect = new Map();
      this.#evaluatedOne.set(view.isolationKey, byEffect);
    }
    let made = byEffect.get(arm.effect);
    if (made === undefined) {
      made = this.#shapeOfArms(view, [arm], ruleOf(arm));
      byEffect.set(arm.effect, made);
    }
    return this.#internFrom(made, ruleOf(arm));
  }

  /** @param sorted in decision order; `lowest` is the number of the first one's rule */
  #shapeOfArms(view: SubjectView, sorted: readonly SubjectArm[], lowest: number): EvaluatedArms {
    const tiers = view.tiers.map((tier, i): TierArms => ({
      ...tier,
      arms: sorted.filter((one) => one.tier === i),
    }));
    const row = this.#shapes.shapeOf(evaluatePortRow(tiers));
    const distance = this.#shapes.isRuled(row.shape) ? row.decider - lowest : undefined;
    return { shape: row.shape, distance };
  }

  #internFrom({ shape, distance }: EvaluatedArms, lowest: number): PortRowId {
    return this.#intern(shape, distance === undefined ? 0 : lowest + distance);
  }

  /** A Service is judged by its endpoints: all of them must be allowed (SEMANTICS section 6). */
  #serviceRow(view: SubjectView, rows: ViewRows, one: AddressClass): PortRowId {
    const plain = this.#plainRow(view, one);
    const cells = new Map<number, number>([
      [PORT_INDEX.other, this.#cellAt(plain, PORT_INDEX.other)],
    ]);
    const { service, address } = one.service ?? {};
    for (const [position, { protocol, port }] of (service?.ports ?? []).entries()) {
      const judged = (service?.endpoints ?? [])
        .filter((endpoint) => endpoint.address.family === address?.family)
        .sort((a, b) => (a.address.value < b.address.value ? -1 : 1))
        .flatMap((endpoint) => {
          const target = endpoint.targetPorts.get(position);
          if (target === undefined) return [];
          const behind = this.addresses.classOf(endpoint.address);
          const row = this.#endpointRow(view, rows, behind);
          return [this.#cellAt(row, portIndex(protocol, target))];
        });
      cells.set(portIndex(protocol, port), agree(judged));
    }
    const row = this.#shapes.shapeOf(overlayRow({ starts: [0], cells: [NO_ENDPOINT] }, cells));
    return this.#intern(row.shape, row.decider);
  }

  /** An endpoint that is itself a Service's address is judged as the plain address. */
  #endpointRow(view: SubjectView, rows: ViewRows, behind: AddressClass): PortRowId {
    if (behind.service !== undefined) return this.#plainRow(view, behind);
    return (
      rows.exceptions.get(behind.id) ??
      rows.defaults.get(behind.flavour) ??
      this.#plainRow(view, behind)
    );
  }

  #cellAt(id: PortRowId, index: number): number {
    const row = this.rows[id];
    return row === undefined ? 0 : this.#shapes.cellAt(row, index);
  }

  #intern(shape: number, decider: number): PortRowId {
    const ids = (this.#ids[shape] ??= new Map());
    const known = ids.get(decider);
    if (known !== undefined) return known;
    const id = this.rows.length;
    this.rows.push({ shape, decider });
    ids.set(decider, id);
    return id;
  }
}

/** The one arm that matches the class, in the case that is by far the most common. */
function onlyArm(
  { byAtom }: SubjectView,
  { atoms, flavour }: AddressClass,
): SubjectArm | undefined {
  const [atom] = atoms;
  if (atom === undefined || atoms.length > 1) return undefined;
  const list = byAtom.get(atom);
  const [seen] = list ?? [];
  const alone = list?.length === 1 && seen?.atoms.length === 1;
  return alone && seen.arm.flavours.has(flavour) ? seen : undefined;
}

function ruleOf({ arm }: SubjectArm): number {
  return arm.rule.id;
}

const NO_ENDPOINT = encodeCell({
  verdict: 'deny',
  reason: 'no-endpoint',
  decider: NO_DECIDER,
  log: false,
  reject: false,
});

function agree(cells: readonly number[]): number {
  const [first] = cells;
  if (first === undefined) return NO_ENDPOINT;
  const allowed = (cell: number): boolean => cell >>> CELL.allowBit === 1;
  if (cells.every((cell) => allowed(cell) === allowed(first))) return first;
  const denying = cells.find((cell) => !allowed(cell)) ?? first;
  return encodeCell({ ...decodeCell(denying), verdict: 'deny', reason: 'service-mixed' });
}
