/** What a packet costs by number and spread of rules, beside other layouts. */
import { parseAddress } from '../src/address.js';
import { buildPacket } from '../src/codegen/packets.js';
import { costRows, COST_COLUMNS, RULES_COLUMN } from './cost-table.js';
import { loadUnit, UNIT } from './hash-lookup.js';
import { loadListing, measure } from './measure.js';
import { cidrRules, OWN_ADDRESS, packetRecords, type CidrSpread } from './packets.js';
import { linear, twoTries } from './peers.js';
import { loadPolicyc } from './policyc.js';
import type { Effort, Section, Table } from './section.js';

/** Past these, the verifier takes minutes. */
const MOST_COMPARES = 1000;
const ACKNOWLEDGEMENT = 0x10;

export const packetCost: Section = {
  name: 'packets',
  *run(effort: Effort): Iterable<Table> {
    const unit = loadUnit(4);
    for (const spread of ['neighbours', 'scattered'] as const) {
      yield {
        name: `packets-${spread}`,
        title: `A packet's cost over nothing, ${spread} CIDRs`,
        columns: [RULES_COLUMN, { name: 'packets', heading: 'packets' }, ...COST_COLUMNS],
        rows: effort.counts.flatMap((count) => rowsOf(spread, count, effort, unit)),
        notes: [],
      };
    }
    unit.close();
  },
};

function rowsOf(
  spread: CidrSpread,
  count: number,
  effort: Effort,
  unit: ReturnType<typeof loadUnit>,
): Table['rows'] {
  const rules = cidrRules(count, spread);
  const plain = loadPolicyc(rules, false);
  const isolated = loadPolicyc(rules, true);
  const others = [twoTries(rules), ...(count <= MOST_COMPARES ? [linear(rules)] : [])].map(
    (peer) => ({ name: peer.name, loaded: loadListing(peer.listing, peer.program, peer.maps) }),
  );
  const candidates = [
    { name: UNIT, program: unit.program },
    { name: 'policyc', program: plain.loaded.program },
    { name: 'policyc, isolated both ways', program: isolated.loaded.program },
    ...others.map(({ name, loaded }) => ({ name, program: loaded.program })),
  ];
  const rows = (['allowed', 'denied'] as const).flatMap((packets) => {
    const records = packetRecords(rules, packets);
    const samples = measure({
      family: 4,
      records,
      packet: PACKET,
      rounds: effort.rounds,
      candidates,
    });
    return costRows({ rules: count, packets }, samples);
  });
  for (const { loaded } of [plain, isolated, ...others]) loaded.close();
  return rows;
}

const PACKET = buildPacket({
  source: address('192.0.2.1'),
  destination: address(OWN_ADDRESS),
  protocol: 'TCP',
  sourcePort: 40_000,
  destinationPort: 80,
  tcpFlags: ACKNOWLEDGEMENT,
});

function address(text: string): NonNullable<ReturnType<typeof parseAddress>> {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}
