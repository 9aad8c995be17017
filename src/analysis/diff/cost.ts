/** What policies cost: the instructions of their programs, how they look things up, and what tables take. */
import { bind } from '../../codegen/bind.js';
import type { MapContents } from '../../codegen/contents.js';
import { emitDatapath } from '../../codegen/emit.js';
import { SHAPE, SHAPE_FLAG, TABLES } from '../../codegen/layout.js';
import { link, slotCount } from '../../codegen/assembly/link.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../../ir/cluster.js';
import type { Direction } from '../../ir/model.js';
import type { NormalModel } from '../../ir/normal-model.js';
import { compareText } from '../../ir/normalize.js';
import { planLookups, type LookupPlan } from '../../ir/plan.js';

/** The same in every cluster. */
export interface ProgramCost {
  readonly instructions: number;
  readonly layout: Readonly<Record<Direction, 'code' | 'tables'>>;
}

/** On one node of a cluster: the one with the most pods. */
export interface BoundCost {
  /** Undefined for pods that no node is known of. */
  readonly node?: string;
  /** Of all maps. */
  readonly entries: number;
  /** Of all tables and map entries of the policies. */
  readonly bytes: number;
  /** How addresses, rows and cells are looked up. */
  readonly lookups: string;
}

export function programCost(model: NormalModel): ProgramCost & { readonly plan: LookupPlan } {
  const plan = planLookups(model);
  const { functions } = link(emitDatapath(plan));
  return {
    plan,
    instructions: functions.reduce((sum, one) => sum + slotCount(one), 0),
    layout: { ingress: plan.verdict.ingress.kind, egress: plan.verdict.egress.kind },
  };
}

/** @throws InputError if the policies do not fit the cluster */
export function boundCost(
  model: NormalModel,
  plan: LookupPlan,
  cluster: ClusterSnapshot,
  at: number,
): BoundCost {
  const { node, subjects } = fullestNode(cluster);
  const contents = bind(model, plan, cluster, { at, subjects });
  const maps = contents.maps.filter(({ lifetime }) => lifetime === 'generation');
  const tableBytes = contents.tables.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return {
    ...(node === undefined ? {} : { node }),
    entries: maps.reduce((sum, { count }) => sum + count, 0),
    bytes: maps.reduce((sum, { keys, values }) => sum + keys.length + values.length, tableBytes),
    lookups: lookupsOf(contents),
  };
}

/** Every node binds its own pods alone; of nodes with as many pods the first by name is taken. */
export function fullestNode(cluster: ClusterSnapshot): {
  readonly node: string | undefined;
  readonly subjects: readonly Pod[];
} {
  const byNode = new Map<string | undefined, Pod[]>();
  for (const pod of cluster.pods.filter(isPolicyPod)) {
    const pods = byNode.get(pod.node);
    if (pods === undefined) byNode.set(pod.node, [pod]);
    else pods.push(pod);
  }
  const [fullest] = [...byNode].sort(
    ([a, left], [b, right]) => right.length - left.length || compareText(a ?? '', b ?? ''),
  );
  return { node: fullest?.[0], subjects: fullest?.[1] ?? [] };
}

const LOOKUPS: readonly (readonly [flag: number, name: string])[] = [
  [SHAPE_FLAG.trie4, 'IPv4 trie'],
  [SHAPE_FLAG.hash4, 'IPv4 hash'],
  [SHAPE_FLAG.lpm4, 'IPv4 LPM'],
  [SHAPE_FLAG.hash6, 'IPv6 hash'],
  [SHAPE_FLAG.lpm6, 'IPv6 LPM'],
  [SHAPE_FLAG.rowsHash, 'rows in a hash'],
  [SHAPE_FLAG.cellsHash, 'cells in a hash'],
];

/** Such as `IPv4 trie, cells in a hash`. */
export function lookupsOf({ tables }: MapContents): string {
  const shape =
    tables.find(({ name }) => name === TABLES.shape)?.bytes ?? new Uint8Array(SHAPE.size);
  const view = new DataView(shape.buffer, shape.byteOffset, shape.byteLength);
  const flags = view.getUint32(SHAPE.flags, true);
  return LOOKUPS.filter(([flag]) => (flags & flag) !== 0)
    .map(([, name]) => name)
    .join(', ');
}
