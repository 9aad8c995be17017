/** From policies, and a cluster if there is one, to a report of what they cost. */
import { fullestNode, lookupsOf } from './analysis/diff/cost.js';
import { causedCosts, type CausedCosts } from './analysis/costs.js';
import { programSizes, STACK_LIMIT, type ProgramSize } from './analysis/costs/instructions.js';
import {
  findWorstPackets,
  type PacketCost,
  type WorstPacket,
} from './analysis/costs/worst-packet.js';
import { bind } from './codegen/bind.js';
import type { BoundContents } from './codegen/contents.js';
import { readElf } from './codegen/object/elf-read.js';
import { createVmRunner } from './codegen/vm-engine.js';
import { throwIfErrors } from './diagnostics.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from './ir/cluster.js';
import type { Direction } from './ir/model.js';
import { deciderName, type NormalModel } from './ir/normal-model.js';
import type { LookupPlan } from './ir/plan.js';
import { checkNode } from './loader/endpoints.js';
import { verifierStatistics, type VerifierStatistics } from './loader/verifier-statistics.js';
import { TARGETS, type KernelTarget } from './target.js';
import { representativeCluster } from './validate/representative/cluster.js';

export interface CostInput {
  readonly normal: NormalModel;
  readonly plan: LookupPlan;
  readonly object: Uint8Array;
  /** Its name, for the reader. Without one pods are made up, one for each kind that selectors tell apart. */
  readonly cluster?: { readonly name: string; readonly cluster: ClusterSnapshot };
  /** The fullest one unless told. */
  readonly node?: string;
  /** The instant at which rules with `until` are judged, in milliseconds since the epoch. */
  readonly at: number;
  /** Whether the running kernel may be asked. */
  readonly load: boolean;
  readonly onStage?: (stage: string) => void;
}

export interface TableSize {
  readonly name: string;
  readonly entries: number;
  readonly bytes: number;
}

/** Whether a kernel takes the programs and the tables. */
export interface TargetBudget {
  readonly kernel: string;
  readonly instructions: { readonly largest: number; readonly limit: number };
  readonly stack: { readonly deepest: number; readonly limit: number };
  readonly tableBytes: { readonly largest: number; readonly limit: number };
}

export interface WorstPacketReport extends Omit<WorstPacket, 'decider'> {
  /** Null where nothing decided that is the policies' own. */
  readonly decidedBy: string | null;
}

export interface CostReport {
  readonly boundTo: {
    /** Null for pods that are made up. */
    readonly cluster: string | null;
    /** Null where no node is known of. */
    readonly node: string | null;
    readonly pods: number;
  };
  readonly layout: Readonly<Record<Direction, 'code' | 'tables'>>;
  /** How addresses, rows and cells are looked up. */
  readonly lookups: string;
  readonly costs: CausedCosts;
  readonly tables: readonly TableSize[];
  readonly programs: readonly ProgramSize[];
  readonly targets: readonly TargetBudget[];
  /** What the running kernel's verifier did, or why it was not asked. */
  readonly verifier: VerifierStatistics | { readonly notMeasured: string };
  /** How many packets were tried in the VM, at how many pods. */
  readonly tried: { readonly packets: number; readonly pods: number };
  /** The worst packet of each program, the worst of all first. */
  readonly worst: readonly WorstPacketReport[];
  /** Of those that were looked at closely, the one with the most lookups; null where none ran. */
  readonly mostLookups: WorstPacketReport | null;
  /** By the model's deciders: the longest of the first packets that each decided. */
  readonly packets: ReadonlyMap<number, PacketCost>;
}

/** @throws InputError if the policies do not fit the cluster */
export function reportCosts(input: CostInput): CostReport {
  const { normal, plan, object, at, onStage } = input;
  const { cluster, node, subjects } = placeOf(input);
  onStage?.('binding');
  const budget = input.cluster === undefined ? { ...plan.budget, strict: false } : plan.budget;
  const contents = bind(normal, plan, cluster, { at, subjects, budget });
  const image = readElf(object);
  const costs = causedCosts(normal, image, contents);
  const programs = programSizes(image);
  onStage?.('trying packets');
  const runner = createVmRunner(object, contents);
  const search = findWorstPackets({ model: normal, cluster, subjects, at, contents, runner });
  onStage?.('asking the verifier');
  const verifier = input.load ? verifierStatistics(object, contents) : 'it was not asked for';
  const tables = tableSizes(contents);
  const named = ({ decider, ...packet }: WorstPacket): WorstPacketReport => {
    const found = normal.deciders[decider];
    return { ...packet, decidedBy: (found && deciderName(found)) ?? null };
  };
  return {
    boundTo: {
      cluster: input.cluster?.name ?? null,
      node: node ?? null,
      pods: subjects.length,
    },
    layout: { ingress: plan.verdict.ingress.kind, egress: plan.verdict.egress.kind },
    lookups: lookupsOf(contents),
    costs,
    tables,
    programs,
    targets: TARGETS.map((target) => targetBudget(target, programs, tables)),
    verifier: typeof verifier === 'string' ? { notMeasured: verifier } : verifier,
    tried: { packets: search.packets, pods: search.pods },
    worst: search.worst.map(named),
    mostLookups: search.mostLookups === undefined ? null : named(search.mostLookups),
    packets: search.byDecider,
  };
}

function placeOf({ normal, cluster: given, node }: CostInput): {
  readonly cluster: ClusterSnapshot;
  readonly node: string | undefined;
  readonly subjects: readonly Pod[];
} {
  if (given === undefined) {
    const cluster = representativeCluster(normal.policies);
    return { cluster, node: undefined, subjects: cluster.pods.filter(isPolicyPod) };
  }
  const { cluster } = given;
  if (node === undefined) return { cluster, ...fullestNode(cluster) };
  throwIfErrors(checkNode(cluster, node));
  const subjects = cluster.pods.filter((pod) => isPolicyPod(pod) && pod.node === node);
  return { cluster, node, subjects };
}

/** Of what belongs to a generation; connections outlive it. */
function tableSizes(contents: BoundContents): readonly TableSize[] {
  const sums = new Map<string, { entries: number; bytes: number }>();
  for (const { table, entries, bytes } of contents.shares().shares) {
    const sum = sums.get(table) ?? { entries: 0, bytes: 0 };
    sums.set(table, { entries: sum.entries + entries, bytes: sum.bytes + bytes });
  }
  return [...sums].map(([name, sum]) => ({ name, ...sum })).sort((a, b) => b.bytes - a.bytes);
}

function targetBudget(
  { name, maxInstructions, maxTableBytes }: KernelTarget,
  programs: readonly ProgramSize[],
  tables: readonly TableSize[],
): TargetBudget {
  const largest = (numbers: readonly number[]): number =>
    numbers.reduce((most, one) => Math.max(most, one), 0);
  return {
    kernel: name,
    instructions: {
      largest: largest(programs.map(({ instructions }) => instructions)),
      limit: maxInstructions,
    },
    stack: { deepest: largest(programs.map(({ stack }) => stack)), limit: STACK_LIMIT },
    tableBytes: { largest: largest(tables.map(({ bytes }) => bytes)), limit: maxTableBytes },
  };
}
