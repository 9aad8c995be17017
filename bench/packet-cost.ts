/** What a packet costs by number and spread of rules, beside other layouts, in both families. */
import type { Family } from '../src/address.js';
import { bpfilterSets } from './bpfilter-sets.js';
import { ciliumLike } from './cilium-like.js';
import { costRows, COST_COLUMNS, RULES_COLUMN } from './cost-table.js';
import { loadUnit, UNIT } from './hash-lookup.js';
import { bpfilterLinear, calicoLike } from './linear.js';
import { loadListing, measure, type Candidate, type Loaded } from './measure.js';
import {
  cidrRules,
  flowsTo,
  recordsOf,
  templateOf,
  type CidrRule,
  type CidrSpread,
  type FlowPart,
  type Traffic,
} from './packets.js';
import type { Peer } from './peers.js';
import { compileRules, loadFirstPod } from './policyc.js';
import type { Effort, Section, Table } from './section.js';
import { checkVerdicts } from './verdicts.js';

export const POLICYC = 'policyc';
export const POLICYC_STATE = 'policyc, isolated both ways';
/** Past these, the verifier takes minutes. */
const MOST_COMPARES = 1000;
const FLOW_PARTS: readonly (readonly [Traffic, FlowPart])[] = [
  ['allowed', 'later'],
  ['allowed', 'first'],
  ['denied', 'later'],
  ['denied', 'first'],
];

export const packetCost: Section = {
  name: 'packets',
  *run(effort: Effort): Iterable<Table> {
    yield tableOf(4, 'scattered', effort, FLOW_PARTS);
    if (effort.full) yield tableOf(4, 'neighbours', effort, FLOW_PARTS);
  },
};

export const packetCost6: Section = {
  name: 'packets-ipv6',
  *run(effort: Effort): Iterable<Table> {
    const parts = FLOW_PARTS.filter(([, part]) => effort.full || part === 'later');
    yield tableOf(6, 'scattered', effort, parts);
    if (effort.full) yield tableOf(6, 'neighbours', effort, parts);
  },
};

function tableOf(
  family: Family,
  spread: CidrSpread,
  effort: Effort,
  parts: typeof FLOW_PARTS,
): Table {
  const unit = loadUnit(family);
  try {
    return {
      name: `packets${family === 6 ? '-ipv6' : ''}-${spread}`,
      title: `A packet's cost over a program that does nothing, IPv${family}, ${spread} CIDRs`,
      columns: [
        RULES_COLUMN,
        { name: 'traffic', heading: 'packets' },
        { name: 'part', heading: 'of a flow' },
        ...COST_COLUMNS,
      ],
      rows: effort.counts.flatMap((count) => {
        const rules = cidrRules(count, spread, family);
        return rowsOf(family, rules, effort, unit, parts);
      }),
      notes: [
        'first: a SYN, later: data. Isolated both ways, replies need state: a first packet makes an entry.',
        `rule after rule: up to ${MOST_COMPARES} rules, since the verifier takes minutes for more.`,
      ],
    };
  } finally {
    unit.close();
  }
}

function peersOf(family: Family, rules: readonly CidrRule[]): readonly Peer[] {
  const linear = family === 4 && rules.length <= MOST_COMPARES;
  return [
    ciliumLike(rules, family),
    bpfilterSets(rules, family),
    ...(linear ? [calicoLike(rules), bpfilterLinear(rules)] : []),
  ];
}

function rowsOf(
  family: Family,
  rules: readonly CidrRule[],
  effort: Effort,
  unit: Loaded,
  parts: typeof FLOW_PARTS,
): Table['rows'] {
  const plain = loadFirstPod(compileRules(rules));
  const isolated = loadFirstPod(compileRules(rules, { state: true }));
  const others = peersOf(family, rules).map((peer) => ({
    name: peer.name,
    loaded: loadListing(peer.listing, peer.program, peer.maps),
  }));
  const judges = [
    { name: POLICYC, program: plain.program },
    { name: POLICYC_STATE, program: isolated.program },
    ...others.map(({ name, loaded }) => ({ name, program: loaded.program })),
  ];
  try {
    return parts.flatMap(([traffic, part]) => {
      const flows = flowsTo(rules, traffic);
      for (const judge of judges) checkVerdicts(judge, flows, part, traffic);
      const candidates = [{ name: UNIT, program: unit.program }, ...judges].map(
        (one): Candidate => {
          const makesEntries = one.name === POLICYC_STATE && part === 'first';
          return makesEntries ? { ...one, before: isolated.forget } : one;
        },
      );
      const records = recordsOf(family, flows);
      const packet = templateOf(family, part);
      // Others look at no flags: their first packets cost what later ones do.
      const known = part === 'later' ? candidates : candidates.slice(0, 3);
      const { rounds } = effort;
      const samples = measure({ family, records, packet, rounds, candidates: known });
      return costRows({ rules: rules.length, traffic, part }, samples);
    });
  } finally {
    for (const { close } of [plain, isolated, ...others.map(({ loaded }) => loaded)]) close();
  }
}
