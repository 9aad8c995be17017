/** What a packet costs on its whole way over real veths, with policyc and with others in it. */
import { Assembler, r0 } from '../src/codegen/assembly/assembler.js';
import { PASS } from '../src/codegen/layout.js';
import type { FunctionListing } from '../src/codegen/assembly/listing.js';
import { unload } from '../src/loader/deploy/status.js';
import { applyContents } from '../src/loader/deploy.js';
import { attachTcx } from '../src/loader/native-calls.js';
import { bpfilterSets } from './bpfilter-sets.js';
import { ciliumLike } from './cilium-like.js';
import { RULES_COLUMN } from './cost-table.js';
import { FIREWALLS, missing } from './firewalls.js';
import { flood } from './flood.js';
import { arrivedAt, inNetns, makeLane, endpointOf, removeLane, type Lane } from './lanes.js';
import { combine, loadListing, spreadOf, type Loaded, type Spread } from './measure.js';
import { cidrRules, flowsTo, packetOf, type CidrRule, type CidrSpread } from './packets.js';
import type { Peer } from './peers.js';
import { compileRules, loadFirstPod } from './policyc.js';
import { POLICYC } from './packet-cost.js';
import type { Column, Effort, Section, Table } from './section.js';

export const NOTHING = 'nothing';
export const HOOK_ALONE = 'a program that does nothing';
/** Slow ones send fewer frames, so that all take turns. */
const LIMIT_MS = 400;
/** Frames that all must drop. */
const CHECKED = 2048;
/** In the order of lanes: the first two let all pass. */
const JUDGES_FROM = 2;

export const veth: Section = {
  name: 'veth',
  *run(effort: Effort): Iterable<Table> {
    yield tableOf('scattered', effort);
    if (effort.full) yield tableOf('neighbours', effort);
  },
};

const COLUMNS: readonly Column[] = [
  RULES_COLUMN,
  { name: 'what', heading: 'what' },
  { name: 'nsMin', heading: 'whole way: ns min', digits: 0 },
  { name: 'nsMedian', heading: 'median', digits: 0 },
  { name: 'nsMax', heading: 'max', digits: 0 },
  { name: 'overMin', heading: 'over nothing: ns min', digits: 0 },
  { name: 'overMedian', heading: 'median', digits: 0 },
  { name: 'ratio', heading: 'of policyc, min', digits: 2 },
];

function tableOf(spread: CidrSpread, effort: Effort): Table {
  const notes = [
    'From a sender over a node that forwards to a pod, on one CPU; allowed data packets of TCP, 65,536 flows.',
    ...FIREWALLS.flatMap((one) => {
      const reason = missing(one);
      return reason === undefined ? [] : [`${one.name}: left out, ${reason}`];
    }),
  ];
  const rows = effort.counts.flatMap((count) => rowsOf(cidrRules(count, spread), effort, notes));
  return {
    name: `veth-${spread}`,
    title: `A packet's way over real veths, IPv4, ${spread} CIDRs`,
    columns: COLUMNS,
    rows,
    notes,
  };
}

/** One that stands in a lane, until it is taken away. */
interface Standing {
  readonly name: string;
  readonly lane: Lane;
  readonly takeAway: () => void;
}

function rowsOf(rules: readonly CidrRule[], effort: Effort, notes: string[]): Table['rows'] {
  const all: Standing[] = [];
  const stand = (name: string, setUp: (lane: Lane) => (() => void) | undefined): void => {
    const lane = makeLane();
    const takeDown = { now: (): void => undefined };
    all.push({
      name,
      lane,
      takeAway: () => {
        takeDown.now();
        removeLane(lane);
      },
    });
    takeDown.now = setUp(lane) ?? takeDown.now;
  };
  try {
    stand(NOTHING, () => undefined);
    stand(DOES_NOTHING.name, (lane) => attachPeer(lane, DOES_NOTHING));
    stand(POLICYC, (lane) => applyPolicyc(lane, rules));
    stand(`${POLICYC}, without gates`, (lane) => attachUngated(lane, rules));
    for (const peer of [ciliumLike(rules, 4), bpfilterSets(rules, 4)]) {
      stand(peer.name, (lane) => attachPeer(lane, peer));
    }
    for (const firewall of FIREWALLS) {
      const { name, mostRules, setUp } = firewall;
      if (missing(firewall) !== undefined || rules.length > mostRules) continue;
      try {
        stand(name, (lane) => {
          setUp(lane, rules);
          return undefined;
        });
      } catch (error) {
        all.pop()?.takeAway();
        notes.push(`${name}, ${rules.length} rules: left out, ${firstLine(error)}`);
      }
    }
    return measureLanes(rules, all, effort);
  } finally {
    for (const { takeAway } of all) takeAway();
  }
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n').find((line) => !line.startsWith('Command failed')) ?? text;
}

function measureLanes(
  rules: readonly CidrRule[],
  all: readonly Standing[],
  effort: Effort,
): Table['rows'] {
  const lanes = all.map(({ lane }) => lane);
  const framesOf = (traffic: 'allowed' | 'denied'): readonly Uint8Array[] =>
    flowsTo(rules, traffic).map((flow) => packetOf('later', flow));
  checkDenied(all.slice(JUDGES_FROM), framesOf('denied').slice(0, CHECKED));
  const before = lanes.map(arrivedAt);
  const frames = framesOf('allowed');
  const { rounds } = effort;
  const { nanoseconds, sent } = flood({
    lanes,
    frames,
    rounds,
    tries: 1,
    limitMilliseconds: LIMIT_MS,
  });
  for (const [i, { name, lane }] of all.entries()) {
    const arrived = arrivedAt(lane) - (before[i] ?? 0);
    if (arrived !== sent[i])
      throw new Error(`${name}: of ${sent[i]} allowed frames ${arrived} came`);
  }
  const spreads = nanoseconds.map(spreadOf);
  const zero = spreads[0] ?? spreadOf([]);
  const over = spreads.map((one) => combine(one, zero, (a, b) => a - b));
  const own = over[all.findIndex(({ name }) => name === POLICYC)] ?? zero;
  return all.map(({ name }, i) =>
    rowOf(rules.length, name, spreads[i] ?? zero, over[i] ?? zero, own),
  );
}

function checkDenied(judges: readonly Standing[], frames: readonly Uint8Array[]): void {
  const lanes = judges.map(({ lane }) => lane);
  const before = lanes.map(arrivedAt);
  flood({ lanes, frames, rounds: 1, tries: 1, limitMilliseconds: 10_000 });
  for (const [i, { name, lane }] of judges.entries()) {
    if (arrivedAt(lane) !== before[i]) throw new Error(`${name}: denied frames came`);
  }
}

function rowOf(
  rules: number,
  what: string,
  ns: Spread,
  over: Spread,
  own: Spread,
): Table['rows'][number] {
  return {
    rules,
    what,
    nsMin: ns.min,
    nsMedian: ns.median,
    nsMax: ns.max,
    overMin: over.min,
    overMedian: over.median,
    ratio: what === NOTHING ? undefined : over.min / own.min,
  };
}

const DOES_NOTHING: Peer = {
  name: HOOK_ALONE,
  program: 'nothing',
  listing: { license: 'Apache-2.0', functions: [emitNothing()], tables: [], maps: [] },
  maps: [],
};

function emitNothing(): FunctionListing {
  const asm = new Assembler('nothing', 'program');
  asm.mov(r0, PASS);
  asm.exit();
  return asm.finish();
}

function attachPeer(lane: Lane, { listing, program, maps }: Peer): () => void {
  return attach(lane, loadListing(listing, program, maps));
}

function attachUngated(lane: Lane, rules: readonly CidrRule[]): () => void {
  return attach(lane, loadFirstPod(compileRules(rules)));
}

function attach({ node }: Lane, loaded: Loaded): () => void {
  const link = inNetns(node, () =>
    attachTcx({
      program: loaded.program,
      interfaceIndex: endpointOf().interfaceIndex,
      direction: 'egress',
    }),
  );
  return () => {
    link.close();
    loaded.close();
  };
}

/** As `policyc apply` does: gates, and behind them the programs of both directions. */
function applyPolicyc({ node }: Lane, rules: readonly CidrRule[]): () => void {
  const root = `/sys/fs/bpf/policyc_bench_${process.pid}`;
  const { object, contents } = compileRules(rules);
  inNetns(node, () => {
    const endpoints = [endpointOf()];
    const digest = 'bench';
    applyContents({ root, object, contents, endpoints, node: 'node', digest, now: Date.now() });
  });
  return () => {
    inNetns(node, () => unload(root));
  };
}
