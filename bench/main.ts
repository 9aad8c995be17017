/** `npm run bench`: what a packet costs, by number and spread of rules, beside other layouts; and each stage's time. */
import { writeFileSync } from 'node:fs';
import { parseAddress } from '../src/address.js';
import { buildPacket } from '../src/codegen/packets.js';
import { drawChart, type Line } from './chart.js';
import { HASH_ENTRIES, hashLookupListing } from './hash-lookup.js';
import { loadListing, measure, type Loaded, type Sample } from './measure.js';
import { cidrRules, OWN_ADDRESS, packetRecords, type Spread, type Traffic } from './packets.js';
import { linear, twoTries } from './peers.js';
import { loadPolicyc, type Stages } from './policyc.js';

const COUNTS = [10, 1000, 10_000, 100_000];
/** Past these, the verifier takes minutes. */
const MOST_COMPARES = 1000;
const CHART = 'docs/packet-cost.svg';

interface Row {
  readonly spread: Spread;
  readonly count: number;
  readonly traffic: Traffic;
  readonly samples: readonly Sample[];
}

const acknowledgement = 0x10;

function run(): void {
  const rows: Row[] = [];
  const unit = loadUnit();
  print(['rules', 'CIDRs', 'packets', 'what', 'ns: min', 'median', 'max', 'hash lookups'], WIDTHS);
  for (const spread of ['neighbours', 'scattered'] as const) {
    for (const count of COUNTS) rows.push(...runCount(spread, count, unit));
  }
  unit.close();
  const lines = linesOf(rows);
  writeFileSync(CHART, drawChart('allowed packets, scattered CIDRs', 'hash lookups', lines));
  process.stdout.write(`\nwritten: ${CHART}\n`);
}

function runCount(spread: Spread, count: number, unit: Loaded): readonly Row[] {
  const rules = cidrRules(count, spread);
  const plain = loadPolicyc(rules, false);
  const isolated = loadPolicyc(rules, true);
  const others = [twoTries(rules), ...(count <= MOST_COMPARES ? [linear(rules)] : [])].map(
    (peer) => ({ name: peer.name, loaded: loadListing(peer.listing, peer.program, peer.maps) }),
  );
  const programs = [
    { name: 'one hash lookup', program: unit.program },
    { name: 'policyc', program: plain.loaded.program },
    { name: 'policyc, isolated both ways', program: isolated.loaded.program },
    ...others.map(({ name, loaded }) => ({ name, program: loaded.program })),
  ];
  const rows = (['allowed', 'denied'] as const).map((traffic): Row => {
    const samples = measure(packetRecords(rules, traffic), PACKET, programs);
    return { spread, count, traffic, samples };
  });
  for (const row of rows) printRow(row);
  printStages(plain.stages, plain.bytes);
  for (const { loaded } of [plain, isolated, ...others]) loaded.close();
  return rows;
}

const PACKET = buildPacket({
  source: address('192.0.2.1'),
  destination: address(OWN_ADDRESS),
  protocol: 'TCP',
  sourcePort: 40_000,
  destinationPort: 80,
  tcpFlags: acknowledgement,
});

function address(text: string): NonNullable<ReturnType<typeof parseAddress>> {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}

function loadUnit(): Loaded {
  const entries = Array.from({ length: HASH_ENTRIES }, (_, i) => {
    const key = Buffer.alloc(16);
    key.writeUInt16LE(i);
    return { key, value: Buffer.alloc(4) };
  });
  return loadListing(hashLookupListing(), 'hash_lookup', [{ name: 'unit', entries }]);
}

const WIDTHS = [8, 11, 8, 33, 8, 7, 7, 12];

function printRow({ spread, count, traffic, samples }: Row): void {
  const lookup = samples[0]?.median ?? 1;
  for (const { name, min, median, max } of samples) {
    const figures = [min, median, max].map((one) => one.toFixed(0));
    const cells = [count.toLocaleString('en'), spread, traffic, name, ...figures];
    print([...cells, (median / lookup).toFixed(2)], WIDTHS);
  }
}

function printStages({ read, compile, bind, load }: Stages, bytes: number): void {
  const times = [
    ['read', read],
    ['compile', compile],
    ['bind', bind],
    ['load', load],
  ] as const;
  const text = times.map(([name, ms]) => `${name} ${ms.toFixed(0)} ms`).join(', ');
  process.stdout.write(`         ${text}; tables ${(bytes / 2 ** 20).toFixed(2)} MiB\n`);
}

function print(cells: readonly string[], widths: readonly number[]): void {
  const line = cells.map((cell, i) => {
    const width = widths[i] ?? 0;
    return i < 4 ? cell.padEnd(width) : cell.padStart(width);
  });
  process.stdout.write(`${line.join(' ').trimEnd()}\n`);
}

function linesOf(rows: readonly Row[]): readonly Line[] {
  const wanted = rows.filter(
    ({ spread, traffic }) => spread === 'scattered' && traffic === 'allowed',
  );
  const names = [...new Set(wanted.flatMap(({ samples }) => samples.map(({ name }) => name)))];
  return names.map((name) => ({
    name,
    points: wanted.flatMap(({ count, samples }) => {
      const lookup = samples[0]?.median ?? 1;
      const sample = samples.find((one) => one.name === name);
      return sample === undefined ? [] : [{ x: count, y: Math.max(0.01, sample.median / lookup) }];
    }),
  }));
}

run();
