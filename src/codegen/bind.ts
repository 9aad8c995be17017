/** Bind: (policies, plan, cluster) → the contents of every table and map, for some of its pods. */
import { bug } from '../diagnostics.js';
import { TABLE_BYTES } from '../target.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../ir/cluster.js';
import type { Direction } from '../ir/model.js';
import type { NormalModel } from '../ir/normal-model.js';
import { logsAnything, type LookupPlan, type MemoryBudget } from '../ir/plan.js';
import { planAddresses } from './bind/address-maps.js';
import { AtomTable } from './bind/atoms.js';
import { classifyAddresses } from './bind/classes.js';
import {
  boundMap,
  cellCandidates,
  cellImages,
  classifyPorts,
  portCandidates,
  portImage,
  portStride,
  table,
} from './bind/images.js';
import { LookIndex } from './bind/looks.js';
import { bitsImage, planAtoms } from './bind/predicates.js';
import { rowCandidates, rowImages, RowSets } from './bind/row-images.js';
import { RowTable } from './bind/rows.js';
import { shareTables } from './bind/shares.js';
import { bindSubjects } from './bind/subjects.js';
import { createSubjectViews, type SubjectView } from './bind/views.js';
import { BITS_WORD } from './emit/code-verdict.js';
import { chooseLayouts, type LogicalTable } from './layout/choose-layouts.js';
import type { BoundContents, BoundMap } from './contents.js';
import { DATAPATH_VARIANT } from './emit.js';
import { fingerprintOf, loggingDeciders } from './event/deciders.js';
import { notesMap } from './event/notes.js';
import type { MapDeclaration } from './assembly/listing.js';
import { stateNeedOf } from './layout/state-needs.js';
import { EVENT_MAPS, ROW_BYTES, SHAPE, SHAPE_FLAG, TABLES } from './layout.js';
import { CONNECTION_MAPS, STATE_MAPS } from './layout/state.js';

export interface BindOptions {
  /** The instant at which rules with `until` are judged, in milliseconds since the epoch. */
  readonly at: number;
  /** The pods to make programs for; policy pods alone. All of them unless told. */
  readonly subjects?: readonly Pod[];
  /** CONFIG_HZ of the kernel. */
  readonly jiffiesPerSecond?: number;
  /** The plan's unless told. */
  readonly budget?: MemoryBudget;
  /** Maps of the kernel wherever they are a choice, whatever they cost a packet. */
  readonly inMaps?: boolean;
  /** Bytes that one array of the kernel takes; as many as of a new one unless told. */
  readonly maxTableBytes?: number;
}

const DEFAULT_JIFFIES_PER_SECOND = 250;

/** @throws InputError if something does not fit; the diagnostic has the numbers */
export function bind(
  model: NormalModel,
  plan: LookupPlan,
  cluster: ClusterSnapshot,
  options: BindOptions,
): BoundContents {
  const { budget = plan.budget, inMaps = false } = options;
  const maxTableBytes = options.maxTableBytes ?? TABLE_BYTES.large;
  const pods = cluster.pods.filter(isPolicyPod);
  const subjects = options.subjects ?? pods;
  const looks = new LookIndex(cluster, pods);
  const atoms = new AtomTable(cluster, looks);
  const views = createSubjectViews(model, options.at, looks, atoms);
  const viewsOf = (pod: Pod): Record<Direction, SubjectView> => ({
    ingress: views.viewOf(pod, 'ingress'),
    egress: views.viewOf(pod, 'egress'),
  });
  subjects.forEach(viewsOf);
  const predicates = {
    ingress: planAtoms(plan, 'ingress', atoms),
    egress: planAtoms(plan, 'egress', atoms),
  };
  // INVARIANT: every atom is known before addresses are put into classes.
  const addresses = classifyAddresses(cluster, atoms, looks);
  const rowTable = new RowTable(addresses);
  const rowSets = new RowSets(rowTable);
  const setIds = subjects.map((pod) => rowSets.idOf(viewsOf(pod)));
  const ports = classifyPorts(rowTable.shapes);
  const addressPlan = planAddresses(addresses, inMaps ? 0 : Math.min(budget.bytes, maxTableBytes));
  const layouts = chooseLayouts(
    [
      ...addressPlan.tables,
      portCandidates(ports),
      rowCandidates(rowSets, addresses, maxTableBytes),
      cellCandidates(rowTable.shapes, ports, maxTableBytes),
    ],
    { budget, inMaps },
  );
  const layoutOf = (table: LogicalTable): string =>
    layouts.tables.find((one) => one.table === table)?.layout ?? bug(`no layout of ${table}`);
  const cells = cellImages(rowTable.shapes, ports, layoutOf('cells') === 'array');
  const cellStride = cells.dense ? portStride(ports) : 1;
  const dense = layoutOf('rows') === 'array';
  const rows = rowImages(rowSets, rowTable, cellStride, addresses, dense);
  const byAddress = addressPlan.make(layoutOf);

  const shape = new Uint8Array(SHAPE.size);
  const view = new DataView(shape.buffer);
  const set = (field: number, value: number): void => view.setUint32(field, value, true);
  const sparse = (rows.dense ? 0 : SHAPE_FLAG.rowsHash) | (cells.dense ? 0 : SHAPE_FLAG.cellsHash);
  const bits = bitsImage(addresses, predicates);
  const portTable = portImage(ports);
  set(SHAPE.flags, byAddress.flags | sparse);
  set(SHAPE.rowCount, rows.rows.bytes.length / ROW_BYTES);
  set(SHAPE.portCount, portTable.bytes.length / 2);
  set(SHAPE.cellCount, cells.cells.bytes.length / 4);
  set(SHAPE.trieCount, byAddress.trie4.length);
  set(SHAPE.trie6Count, byAddress.trie6.length);
  set(SHAPE.defaultCount, rows.defaults.bytes.length / ROW_BYTES);
  set(SHAPE.rowCellCount, cells.rowCells.bytes.length / 4);
  set(SHAPE.bitsCount, bits.bytes.length / BITS_WORD.size);
  set(SHAPE.fingerprint, fingerprintOf(loggingDeciders(model)));
  set(SHAPE.jiffiesPerSecond, options.jiffiesPerSecond ?? DEFAULT_JIFFIES_PER_SECOND);
  for (const [group, base] of ports.bases.entries()) set(SHAPE.portBase + 4 * group, base);

  const stride = rows.dense ? addresses.classes.length : 1;
  const placed = subjects.map((pod, i) => {
    const ingress = 2 * (setIds[i] ?? 0) * stride;
    return { pod, views: viewsOf(pod), rowBase: { ingress, egress: ingress + stride } };
  });
  const bound = bindSubjects(placed, plan, addresses.classes);
  const tables = [
    table(TABLES.shape, shape, true),
    rows.rows,
    rows.defaults,
    cells.cells,
    cells.rowCells,
    portTable,
    bits,
    table(TABLES.trie4, byAddress.trie4),
    table(TABLES.trie6, byAddress.trie6),
  ];
  const maps = [
    ...byAddress.maps,
    rows.map,
    cells.map,
    emptyMap(CONNECTION_MAPS.recent, 'generation'),
    ...nodeMaps(plan),
    ...(logsAnything(plan) ? [notesMap(model, cluster, bound)] : []),
  ];
  return {
    variant: DATAPATH_VARIANT,
    tables,
    maps,
    subjects: bound,
    layouts,
    shares: () => {
      const seen = subjects.map(viewsOf).flatMap(({ ingress, egress }) => [ingress, egress]);
      const views = new Set(seen);
      const parts = { addresses, views, predicates, rowSets, rowTable, ports };
      return shareTables({ model, ...parts, tables, maps });
    },
    stateNeeds: () => {
      const needs = rowSets.sets.map((set) => stateNeedOf(set, rowTable, addresses.classes));
      return setIds.map((id) => needs[id] ?? bug(`no row set ${id}`));
    },
  };
}

/** Connections and events outlive generations. */
function nodeMaps(plan: LookupPlan): readonly BoundMap[] {
  const events = logsAnything(plan) ? Object.values(EVENT_MAPS) : [];
  return [...STATE_MAPS, ...events].map((declaration) => emptyMap(declaration, 'node'));
}

/** As large as it is declared. */
function emptyMap(declaration: MapDeclaration, lifetime: BoundMap['lifetime']): BoundMap {
  const none = new Uint8Array();
  const { maxEntries } = declaration;
  return { ...boundMap(declaration, 0, none, none), maxEntries, lifetime };
}
