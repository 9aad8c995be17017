/** What a replay says: plain values that do not depend on a cluster. */
import type { JudgementReport } from '../../ir/flows.js';
import type { Direction, Verdict } from '../../ir/model.js';
import type { FlowEntry, VerdictReport } from '../report.js';

export const REPLAY_GATES = ['cut', 'open', 'disagree', 'unknown'] as const;
export type ReplayGate = (typeof REPLAY_GATES)[number];

/** RFC 3339 in UTC; null where the log has no times. */
export interface SeenTimes {
  readonly count: number;
  readonly first: string | null;
  readonly last: string | null;
  /** `path:line` of the first record. */
  readonly at: string;
}

/**
 * `cut`: it was carried, and the new policies deny it. `opened`: policies denied it, and the new ones allow
 * it. `disagrees`: the log has another verdict than the old policies.
 */
export type RowKind = 'cut' | 'opened' | 'disagrees';

export interface ReplayRow {
  readonly kind: RowKind;
  readonly from: string;
  readonly to: string;
  /** In the words of the policy language: `443/tcp`, `icmp`. */
  readonly ports: string;
  readonly seen: SeenTimes & { readonly verdict: Verdict };
  /** Addresses outside that took part; as many as were counted. */
  readonly outside: readonly string[];
  /** By the old policies, where they are given. */
  readonly was?: VerdictReport;
  readonly is: VerdictReport;
  /** The sides that the row is about. */
  readonly sides: readonly Direction[];
  readonly example: FlowEntry;
}

/** A rule that no flow of the log gave anything to do. */
export interface IdleRule extends Pick<JudgementReport, 'at'> {
  readonly rule: string;
  readonly direction: Direction;
  readonly owner?: string;
  /** Flows matched it, but other rules decided all of them. */
  readonly matched: boolean;
}

export interface UnknownRow {
  readonly why: string;
  readonly end: string;
  readonly count: number;
  readonly at: string;
}

export interface ReplayReport {
  readonly period: { readonly first: string; readonly last: string } | null;
  /** Numbers of flows, as the log counts them. */
  readonly flows: {
    readonly judged: number;
    /** Carried, and still allowed. */
    readonly kept: number;
    readonly cut: number;
    readonly opened: number;
    /** Denied, and still denied. */
    readonly denied: number;
    readonly disagreeing: number;
    readonly unknown: number;
    /** Of pods that are gone, judged by the labels in the log. */
    readonly gone: number;
  };
  readonly rows: readonly ReplayRow[];
  readonly idle: readonly IdleRule[];
  readonly unknown: readonly UnknownRow[];
}

export function failedReplayGates(
  { flows }: ReplayReport,
  gates: readonly ReplayGate[],
): readonly ReplayGate[] {
  const fails: Readonly<Record<ReplayGate, boolean>> = {
    cut: flows.cut > 0,
    open: flows.opened > 0,
    disagree: flows.disagreeing > 0,
    unknown: flows.unknown > 0,
  };
  return gates.filter((gate) => fails[gate]);
}
