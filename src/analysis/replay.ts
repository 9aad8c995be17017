/** Replays logged flows through policies: what a change would cut, what it would allow, which rules are idle. */
import { formatAddress } from '../address.js';
import type { ClusterSnapshot } from '../ir/cluster.js';
import type { FlowJudgement } from '../ir/flows.js';
import { hasPorts } from '../ir/interpret.js';
import type { Direction } from '../ir/model.js';
import {
  deciderName,
  deciderOrigin,
  type DeciderId,
  type NormalModel,
} from '../ir/normal-model.js';
import { compareText } from '../ir/normalize.js';
import type { SeenFlow } from '../parser/flow-log/record.js';
import { formatPlace } from '../source.js';
import { reportSide } from './diff/verdicts.js';
import { EntryJudge } from './replay/judge.js';
import type { IdleRule, ReplayReport, ReplayRow, RowKind } from './replay/report.js';
import { gatherRows, type JudgedFlow } from './replay/rows.js';
import {
  FlowTally,
  outcomeOf,
  type SeenAt,
  type Sightings,
  type TallyEntry,
} from './replay/tally.js';
import { UNKNOWN_ENDS } from './replay/who.js';
import type { FlowEntry, VerdictReport } from './report.js';

export interface ReplayOptions {
  readonly cluster: ClusterSnapshot;
  readonly new: NormalModel;
  /** The policies under which the log was written. */
  readonly old?: NormalModel;
  /** The instant at which rules with `until` are judged, in milliseconds since the epoch. */
  readonly at: number;
}

/** Takes flows one by one, in any order, and judges them when all are there. */
export class Replay {
  readonly #tally: FlowTally;

  constructor(private readonly options: ReplayOptions) {
    const models = [options.new, ...(options.old === undefined ? [] : [options.old])];
    this.#tally = new FlowTally(options.cluster, models, { everyAddress: false });
  }

  add(flow: SeenFlow, at: SeenAt): void {
    this.#tally.add(flow, at);
  }

  report(): ReplayReport {
    const { cluster, at, old } = this.options;
    const withGone = this.#tally.directory.clusterWithGone();
    const next = new EntryJudge(this.options.new, cluster, withGone, at);
    const was = old === undefined ? undefined : new EntryJudge(old, cluster, withGone, at);
    return new Replayer(this.#tally, next, was, at).report();
  }
}

class Replayer {
  readonly #flows = { judged: 0, kept: 0, cut: 0, opened: 0, denied: 0, disagreeing: 0, gone: 0 };
  readonly #judged: JudgedFlow[] = [];
  readonly #deciders = new Set<DeciderId>();
  readonly #depends: { why: string; end: string; count: number; at: SeenAt }[] = [];

  constructor(
    private readonly tally: FlowTally,
    private readonly next: EntryJudge,
    private readonly was: EntryJudge | undefined,
    private readonly at: number,
  ) {}

  report(): ReplayReport {
    for (const entry of this.tally.entries) this.#take(entry);
    const { period } = this.tally;
    const unknown = [...this.tally.unknown, ...this.#depends];
    return {
      period:
        period === undefined
          ? null
          : { first: timeText(period.first), last: timeText(period.last) },
      flows: { ...this.#flows, unknown: unknown.reduce((sum, { count }) => sum + count, 0) },
      rows: gatherRows(this.#judged),
      idle: this.#idleRules(),
      unknown: unknown.map((one) => ({ ...one, at: placeText(one.at) })),
    };
  }

  #take(entry: TallyEntry): void {
    const { carried, denied } = outcomeOf(entry);
    const total = (carried?.count ?? 0) + (denied?.count ?? 0);
    const is = this.next.judge(entry);
    const was = this.was?.judge(entry);
    if (is === undefined || (this.was !== undefined && was === undefined)) {
      const end = entry.from.candidates === undefined ? 'to' : 'from';
      const text = `${end} ${entry[end].choice ?? 'outside'}`;
      const at = (carried ?? denied)?.at ?? { path: '', line: 0 };
      this.#depends.push({ why: UNKNOWN_ENDS.depends, end: text, count: total, at });
      return;
    }
    this.#flows.judged += total;
    if (entry.from.gone || entry.to.gone) this.#flows.gone += total;
    this.#note(entry, is);
    if (carried !== undefined) this.#carried(entry, carried, is, was);
    if (denied !== undefined) this.#denied(entry, denied, is, was);
  }

  #carried(
    entry: TallyEntry,
    seen: Sightings,
    is: FlowJudgement,
    was: FlowJudgement | undefined,
  ): void {
    if (was?.verdict === 'deny') {
      this.#flows.disagreeing += seen.count;
      this.#row('disagrees', entry, 'allow', seen, is, was);
    } else if (is.verdict === 'deny') {
      this.#flows.cut += seen.count;
      this.#row('cut', entry, 'allow', seen, is, was);
    } else this.#flows.kept += seen.count;
  }

  #denied(
    entry: TallyEntry,
    seen: Sightings,
    is: FlowJudgement,
    was: FlowJudgement | undefined,
  ): void {
    if (was?.verdict === 'allow') {
      this.#flows.disagreeing += seen.count;
      this.#row('disagrees', entry, 'deny', seen, is, was);
    } else if (is.verdict === 'allow') {
      this.#flows.opened += seen.count;
      this.#row('opened', entry, 'deny', seen, is, was);
    } else this.#flows.denied += seen.count;
  }

  #row(
    kind: RowKind,
    entry: TallyEntry,
    verdict: 'allow' | 'deny',
    seen: Sightings,
    is: FlowJudgement,
    was: FlowJudgement | undefined,
  ): void {
    const oldReport = this.was && was && verdictReport(this.was.model, was);
    this.#judged.push({
      kind,
      entry,
      verdict,
      seen,
      is: verdictReport(this.next.model, is),
      ...(oldReport === undefined ? {} : { was: oldReport }),
      sides: sidesOf(kind, is, was),
      example: exampleOf(entry),
    });
  }

  #note(entry: TallyEntry, { egress, ingress }: FlowJudgement): void {
    for (const side of [egress, ingress]) if (side !== undefined) this.#deciders.add(side.decider);
    this.next.match(entry);
  }

  /** Those that are past do not count: nothing can hit them. */
  #idleRules(): readonly IdleRule[] {
    return this.next.model.deciders.flatMap((decider): readonly IdleRule[] => {
      if (decider.kind !== 'rule') return [];
      const { rule, policy } = decider;
      if (this.#deciders.has(rule.id)) return [];
      if (rule.until !== undefined && rule.until <= this.at) return [];
      const origin = deciderOrigin(decider);
      return [
        {
          rule: deciderName(decider) ?? rule.name,
          direction: rule.direction,
          at: origin === undefined ? null : formatPlace(origin),
          ...(policy.owner === undefined ? {} : { owner: policy.owner }),
          matched: this.next.matched.has(rule.id),
        },
      ];
    });
  }
}

function verdictReport(model: NormalModel, judged: FlowJudgement): VerdictReport {
  const { verdict, egress, ingress } = judged;
  return {
    verdict,
    ...(egress === undefined ? {} : { egress: reportSide(model, egress) }),
    ...(ingress === undefined ? {} : { ingress: reportSide(model, ingress) }),
  };
}

/** What is denied by one side alone is about that side. */
function sidesOf(
  kind: RowKind,
  is: FlowJudgement,
  was: FlowJudgement | undefined,
): readonly Direction[] {
  const with_ = (judged: FlowJudgement, verdict: 'allow' | 'deny'): readonly Direction[] =>
    (['egress', 'ingress'] as const).filter((side) => judged[side]?.verdict === verdict);
  if (kind === 'cut') return with_(is, 'deny');
  if (was !== undefined) return with_(was, was.verdict);
  return with_(is, 'allow');
}

/** By names, as `eval` takes them; by addresses where names would mean another family. */
function exampleOf({ from, to, fromAddress, toAddress, protocol, port }: TallyEntry): FlowEntry {
  const name = (party: TallyEntry['from'], address: TallyEntry['fromAddress']): string => {
    const { who, pod, gone } = party;
    if (address.family === 6 || gone) return formatAddress(address);
    if (who.kind === 'service') return `service ${who.namespace}/${who.name}`;
    return pod === undefined ? formatAddress(address) : `${pod.namespace}/${pod.name}`;
  };
  return {
    from: name(from, fromAddress),
    to: name(to, toAddress),
    protocol,
    ...(hasPorts(protocol) ? { port } : {}),
  };
}

function timeText(time: number): string {
  return new Date(time).toISOString();
}

function placeText({ path, line }: SeenAt): string {
  return `${path}:${line}`;
}

/** Rows of one kind, those with the most flows first. */
export function rowsOf({ rows }: ReplayReport, kind: RowKind): readonly ReplayRow[] {
  return rows
    .filter((row) => row.kind === kind)
    .sort(
      (a, b) =>
        b.seen.count - a.seen.count || compareText(a.from, b.from) || compareText(a.to, b.to),
    );
}
