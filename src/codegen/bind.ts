/** Bind: (policies, plan, cluster) → the contents of every table and map, for some of its pods. */
import { addressBytes } from '../address.js';
import { diagnostic, InputError } from '../diagnostics.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../ir/cluster.js';
import type { Direction } from '../ir/model.js';
import type { NormalModel } from '../ir/normal-model.js';
import type { LookupPlan, Predicate } from '../ir/plan.js';
import { addressMaps } from './bind-address-maps.js';
import { AtomTable, type AtomId } from './bind-atoms.js';
import { classifyAddresses, type AddressClass, type AddressClasses } from './bind-classes.js';
import {
  boundMap,
  cellImages,
  classifyPorts,
  pairMap,
  portImage,
  portStride,
  table,
  type Triple,
} from './bind-images.js';
import { LookIndex } from './bind-looks.js';
import { allowedGroups } from './bind-ports.js';
import { RowTable, type ViewRows } from './bind-rows.js';
import { createSubjectViews, type SubjectView } from './bind-views.js';
import { BITS_WORD } from './emit-code-verdict.js';
import type { BoundMap, BoundSubject, BoundTable, MapContents } from './contents.js';
import { DATAPATH_VARIANT } from './emit.js';
import {
  CONNECTION_CAPACITY,
  FLAVOUR_STRIDE,
  FLAVOURS,
  MAPS,
  ROW_ASPECT_BITS,
  SHAPE,
  SHAPE_FLAG,
  SUBJECT,
  SUBJECT_FLAG,
  TABLES,
} from './layout.js';

export interface BindOptions {
  /** The instant at which rules with `until` are judged, in milliseconds since the epoch. */
  readonly at: number;
  /** The pods to make programs for; policy pods alone. All of them unless told. */
  readonly subjects?: readonly Pod[];
  /** CONFIG_HZ of the kernel. */
  readonly jiffiesPerSecond?: number;
  /** Bytes that the rows, and the cells, may take as arrays before hashes take their place. */
  readonly denseBudget?: number;
}

const DEFAULT_DENSE_BUDGET = 64 * 1024 * 1024;
const DEFAULT_JIFFIES_PER_SECOND = 250;

/** @throws InputError if something does not fit; the diagnostic has the numbers */
export function bind(
  model: NormalModel,
  plan: LookupPlan,
  cluster: ClusterSnapshot,
  options: BindOptions,
): MapContents {
  const denseBudget = options.denseBudget ?? DEFAULT_DENSE_BUDGET;
  const pods = cluster.pods.filter(isPolicyPod);
  const subjects = options.subjects ?? pods;
  const looks = new LookIndex(cluster, pods);
  const atoms = new AtomTable(cluster, looks);
  const views = createSubjectViews(model, options.at, looks, atoms);
  const viewsOf = subjects.map((pod) => ({
    ingress: views.viewOf(pod, 'ingress'),
    egress: views.viewOf(pod, 'egress'),
  }));
  const predicates = {
    ingress: planAtoms(plan, 'ingress', atoms),
    egress: planAtoms(plan, 'egress', atoms),
  };
  // INVARIANT: every atom is known before addresses are put into classes.
  const addresses = classifyAddresses(cluster, atoms, looks);
  const rowTable = new RowTable(addresses);
  const rowSets = new RowSets(rowTable);
  const setIds = viewsOf.map(({ ingress, egress }) => rowSets.idOf(ingress, egress));
  const rows = rowImages(rowSets, rowTable, addresses, denseBudget);
  const ports = classifyPorts(rowTable.rows);
  const cells = cellImages(rowTable.rows, ports, denseBudget);
  const byAddress = addressMaps(addresses);

  const shape = new Uint8Array(SHAPE.size);
  const view = new DataView(shape.buffer);
  const set = (field: number, value: number): void => view.setUint32(field, value, true);
  const sparse = (rows.dense ? 0 : SHAPE_FLAG.rowsHash) | (cells.dense ? 0 : SHAPE_FLAG.cellsHash);
  const bits = bitsImage(addresses, predicates);
  const portTable = portImage(ports);
  set(SHAPE.flags, byAddress.flags | sparse);
  set(SHAPE.rowCount, rows.rows.bytes.length / 4);
  set(SHAPE.portCount, portTable.bytes.length / 2);
  set(SHAPE.cellCount, cells.cells.bytes.length / 4);
  set(SHAPE.portStride, portStride(ports));
  set(SHAPE.defaultCount, rows.defaults.bytes.length / 4);
  set(SHAPE.rowCellCount, cells.rowCells.bytes.length / 4);
  set(SHAPE.bitsCount, bits.bytes.length / BITS_WORD.size);
  set(SHAPE.jiffiesPerSecond, options.jiffiesPerSecond ?? DEFAULT_JIFFIES_PER_SECOND);
  for (const [group, base] of ports.bases.entries()) set(SHAPE.portBase + 4 * group, base);

  const names = new Incarnations();
  return {
    variant: DATAPATH_VARIANT,
    tables: [
      table(TABLES.shape, shape, true),
      rows.rows,
      rows.defaults,
      cells.cells,
      cells.rowCells,
      portTable,
      bits,
    ],
    maps: [...byAddress.maps, rows.map, cells.map, ...connectionMaps()],
    subjects: subjects.map((pod, i): BoundSubject => {
      const own = viewsOf[i];
      const stride = rows.dense ? addresses.classes.length : 1;
      const base = 2 * (setIds[i] ?? 0) * stride;
      const subject = subjectImage(pod, addresses, names.of(pod), {
        ingress: base,
        egress: base + stride,
      });
      const words = new DataView(subject.buffer);
      for (const direction of ['ingress', 'egress'] as const) {
        words.setUint32(
          SUBJECT.policies[direction],
          own === undefined ? 0 : policyWord(plan, own[direction]),
          true,
        );
      }
      return { namespace: pod.namespace, name: pod.name, addresses: pod.addresses, subject };
    }),
  };
}

/** Pairs of views; subjects with the same pair share their rows. */
class RowSets {
  readonly sets: { readonly ingress: ViewRows; readonly egress: ViewRows }[] = [];
  readonly #ids = new Map<string, number>();

  constructor(private readonly rows: RowTable) {}

  idOf(ingress: SubjectView, egress: SubjectView): number {
    const key = `${ingress.key} ${egress.key}`;
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.sets.length;
      this.#ids.set(key, id);
      this.sets.push({ ingress: this.rows.rowsOf(ingress), egress: this.rows.rowsOf(egress) });
    }
    return id;
  }
}

interface RowImages {
  readonly dense: boolean;
  readonly rows: BoundTable;
  readonly defaults: BoundTable;
  readonly map: BoundMap;
}

/** Rows by (row set, direction, class): all of them, or defaults by flavour and the exceptions. */
function rowImages(
  rowSets: RowSets,
  rowTable: RowTable,
  addresses: AddressClasses,
  denseBudget: number,
): RowImages {
  const { classes } = addresses;
  const count = rowSets.sets.length * 2 * classes.length;
  const allowed = rowTable.rows.map(allowedGroups);
  const word = (row: number, opposite: number): number =>
    ((row << ROW_ASPECT_BITS) | (~(allowed[opposite] ?? 0) & 0xf)) >>> 0;
  const directions = ['ingress', 'egress'] as const;
  const dense = count * 4 <= denseBudget;
  const rows = new Uint32Array(dense ? Math.max(1, count) : 1);
  const defaults = new Uint32Array(
    dense ? 1 : rowSets.sets.length * directions.length * FLAVOUR_STRIDE,
  );
  const exceptions: Triple[] = [];
  for (const [id, set] of rowSets.sets.entries()) {
    for (const [d, direction] of directions.entries()) {
      const own = set[direction];
      const other = set[direction === 'ingress' ? 'egress' : 'ingress'];
      const number = 2 * id + d;
      const usual = FLAVOURS.map((flavour) =>
        word(own.defaults.get(flavour) ?? 0, other.defaults.get(flavour) ?? 0),
      );
      const special = new Set([...own.exceptions.keys(), ...other.exceptions.keys()]);
      const specialWord = ({ id: classId, flavour }: AddressClass): number =>
        word(
          own.exceptions.get(classId) ?? own.defaults.get(flavour) ?? 0,
          other.exceptions.get(classId) ?? other.defaults.get(flavour) ?? 0,
        );
      if (!dense) {
        defaults.set(usual, number * FLAVOUR_STRIDE);
        for (const classId of special) {
          const one = classes[classId];
          if (one !== undefined) exceptions.push([number, classId, specialWord(one)]);
        }
        continue;
      }
      for (const one of classes) {
        rows[number * classes.length + one.id] = special.has(one.id)
          ? specialWord(one)
          : (usual[FLAVOURS.indexOf(one.flavour)] ?? 0);
      }
    }
  }
  return {
    dense,
    rows: table(TABLES.rows, rows),
    defaults: table(TABLES.defaults, defaults),
    map: pairMap(MAPS.rowsHash, exceptions),
  };
}

interface PlannedAtom {
  readonly atom: AtomId | undefined;
  readonly predicate: Predicate;
}

/** The atoms behind the predicates of a code layout, bit by bit. */
function planAtoms(
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

function bitsImage(
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

function policyWord(plan: LookupPlan, view: SubjectView): number {
  const layout = plan.verdict[view.direction];
  if (layout.kind === 'tables') return 0;
  let word = 0;
  for (const [bit, policy] of layout.policies.entries()) {
    if (view.policies.includes(policy.index)) word |= 1 << bit;
  }
  return word >>> 0;
}

function subjectImage(
  pod: Pod,
  { classes }: AddressClasses,
  incarnation: number,
  rowBase: Readonly<Record<Direction, number>>,
): Uint8Array {
  const image = new Uint8Array(SUBJECT.size);
  const view = new DataView(image.buffer);
  let flags = 0;
  for (const address of pod.addresses) {
    flags |= address.family === 4 ? SUBJECT_FLAG.has4 : SUBJECT_FLAG.has6;
    image.set(addressBytes(address), address.family === 4 ? SUBJECT.own4 : SUBJECT.own6);
  }
  const [first, last] = ownNodeRange(pod.node, classes);
  view.setUint32(SUBJECT.incarnation, incarnation, true);
  view.setUint32(SUBJECT.flags, flags, true);
  view.setUint32(SUBJECT.ownNodeFirst, first, true);
  view.setUint32(SUBJECT.ownNodeLast, last, true);
  view.setUint32(SUBJECT.rowBase.ingress, rowBase.ingress, true);
  view.setUint32(SUBJECT.rowBase.egress, rowBase.egress, true);
  return image;
}

/** The classes of a node's addresses; an empty range where it has none. */
function ownNodeRange(
  node: string | undefined,
  classes: readonly AddressClass[],
): readonly [number, number] {
  const own = classes.filter(({ nodes }) => node !== undefined && nodes.includes(node));
  const [first] = own;
  const last = own.at(-1);
  if (node === undefined || first === undefined || last === undefined) return [1, 0];
  const stranger = classes.slice(first.id, last.id + 1).find(({ nodes }) => !nodes.includes(node));
  if (stranger !== undefined) {
    const args = { node, other: stranger.nodes.join(', ') };
    throw new InputError([diagnostic('bind/ambiguous-node-address', args)]);
  }
  return [first.id, last.id];
}

/**
 * Numbers that tell endpoints apart in the connection maps, the same for the same pod and addresses
 * in every generation (FNV-1a, 32 bits; equal hashes move on to the next free number).
 */
class Incarnations {
  readonly #taken = new Set<number>();

  of(pod: Pod): number {
    const text = `${pod.namespace}/${pod.name}/${pod.addresses.map(({ value }) => value).join()}`;
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(text)) {
      hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
    }
    while (this.#taken.has(hash)) hash = (hash + 1) >>> 0;
    this.#taken.add(hash);
    return hash;
  }
}

function connectionMaps(): readonly BoundMap[] {
  return [MAPS.connOut, MAPS.connIn].map((declaration) => ({
    ...boundMap(declaration, 0, new Uint8Array(), new Uint8Array()),
    maxEntries: CONNECTION_CAPACITY,
    lifetime: 'node' as const,
  }));
}
