/** Gathers judged flows into rows by workload and port: few enough to read, and nothing left out. */
import type { Direction, Verdict } from '../../ir/model.js';
import { compareText } from '../../ir/normalize.js';
import type { FlowEntry, VerdictReport } from '../report.js';
import type { ReplayRow, RowKind, SeenTimes } from './report.js';
import { uniteSightings, type Sightings, type TallyEntry } from './tally.js';
import { partyKey, type Who } from './who.js';

export interface JudgedFlow {
  readonly kind: RowKind;
  readonly entry: TallyEntry;
  readonly verdict: Verdict;
  readonly seen: Sightings;
  readonly was?: VerdictReport;
  readonly is: VerdictReport;
  readonly sides: readonly Direction[];
  readonly example: FlowEntry;
}

/** Ports between two workloads, decided alike, that each get a row; more of them share one. */
const MOST_PORT_ROWS = 5;

export function gatherRows(flows: readonly JudgedFlow[]): readonly ReplayRow[] {
  const pairs = groupBy(flows, pairKey);
  const rows = [...pairs.values()].flatMap((pair) => {
    const byPort = groupBy(pair, ({ entry }) => portKey(entry));
    return byPort.size > MOST_PORT_ROWS ? [pair] : [...byPort.values()];
  });
  return rows
    .flatMap(rowOf)
    .sort(
      (a, b) =>
        compareText(a.kind, b.kind) ||
        compareText(a.from, b.from) ||
        compareText(a.to, b.to) ||
        compareText(a.ports, b.ports),
    );
}

function rowOf(flows: readonly JudgedFlow[]): readonly ReplayRow[] {
  const [first] = flows;
  const seen = uniteSightings(flows.map((one) => one.seen));
  if (first === undefined || seen === undefined) return [];
  const outside = [...new Set(flows.flatMap(({ entry }) => [...entry.outside]))].sort(compareText);
  const { kind, entry, was, is, sides, example, verdict } = first;
  return [
    {
      kind,
      from: whoText(entry.from.who, outside),
      to: whoText(entry.to.who, outside),
      ports: portsText(flows.map((one) => one.entry)),
      seen: { ...timesOf(seen), verdict },
      outside,
      ...(was === undefined ? {} : { was }),
      is,
      sides,
      example,
    },
  ];
}

/** Flows between the same two, decided by the same rules. */
function pairKey({ kind, entry, verdict, was, is, sides }: JudgedFlow): string {
  const decided = (report: VerdictReport | undefined): unknown =>
    report === undefined
      ? null
      : [report.egress, report.ingress].map((side) => side?.at ?? side?.reason);
  return JSON.stringify([
    kind,
    verdict,
    partyKey(entry.from.who),
    partyKey(entry.to.who),
    decided(was),
    decided(is),
    sides,
  ]);
}

function portKey({ protocol, port }: TallyEntry): string {
  return `${protocol} ${port}`;
}

export function timesOf({ count, first, last, at }: Sightings): SeenTimes {
  const text = (time: number | undefined): string | null =>
    time === undefined ? null : new Date(time).toISOString();
  return { count, first: text(first), last: text(last), at: `${at.path}:${at.line}` };
}

/** `shop/web`, `node n1`, `outside (203.0.113.9 and 3 others)`. */
export function whoText(who: Who, outside: readonly string[]): string {
  switch (who.kind) {
    case 'pods':
      return `${who.namespace}/${who.workload}${who.gone ? ' (gone)' : ''}`;
    case 'node':
      return who.name === 'another node' ? who.name : `node ${who.name}`;
    case 'service':
      return `service ${who.namespace}/${who.name}`;
    case 'unused':
      return 'unused pod addresses';
    case 'outside': {
      const [first] = outside;
      if (first === undefined) return 'outside';
      if (outside.length === 1) return `outside ${first}`;
      return `outside (${outside.length} addresses, such as ${first})`;
    }
  }
}

/** `80, 443/tcp, 53/udp`: ascending, neighbours as ranges. */
export function portsText(ports: readonly Pick<TallyEntry, 'protocol' | 'port'>[]): string {
  const byProtocol = groupBy(ports, ({ protocol }) => protocol);
  return [...byProtocol]
    .sort(([a], [b]) => compareText(a, b))
    .map(([protocol, list]) => {
      const name = protocol.toLowerCase();
      if (protocol === 'ICMP' || protocol === 'ICMPv6') return name;
      const ranges = rangesOf(list.map(({ port }) => port));
      return ranges.map(([a, b]) => `${a === b ? a : `${a}-${b}`}/${name}`).join(', ');
    })
    .join(', ');
}

export function rangesOf(ports: readonly number[]): readonly (readonly [number, number])[] {
  const ranges: [number, number][] = [];
  for (const port of [...new Set(ports)].sort((a, b) => a - b)) {
    const open = ranges.at(-1);
    if (open !== undefined && port === open[1] + 1) open[1] = port;
    else ranges.push([port, port]);
  }
  return ranges;
}

export function groupBy<Item>(
  items: Iterable<Item>,
  keyOf: (item: Item) => string,
): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
