/** What connection state costs: packets that need some beside such that need none, and bare lookups of the same size. */
import { parseAddress } from '../src/address.js';
import { r1, r7, r10 } from '../src/codegen/assembly/assembler.js';
import { bind } from '../src/codegen/bind.js';
import type { MapDeclaration } from '../src/codegen/assembly/listing.js';
import { buildPacket } from '../src/codegen/packets.js';
import { compile } from '../src/compile.js';
import type { Outcome } from '../src/diagnostics.js';
import { lowerCluster } from '../src/ir/lower-cluster.js';
import { lowerK8sPolicies } from '../src/ir/lower-k8s.js';
import { ADMIN_TIER, BASELINE_TIER, NETWORKPOLICY_TIER } from '../src/ir/model.js';
import {
  closePod,
  closeShared,
  createSharedMaps,
  loadPod,
  type PodPrograms,
} from '../src/loader/pod-programs.js';
import { parseK8s } from '../src/parser/parse-k8s.js';
import { SourceFile } from '../src/source.js';
import { targetNamed } from '../src/target.js';
import { costRows, COST_COLUMNS } from './cost-table.js';
import { PACKETS, RECORD_BYTES } from './driver.js';
import { loadListing, measure, openDriver, type Candidate, type Loaded } from './measure.js';
import { KEY, oneLookupListing } from './one-lookup.js';
import { cidrOf, cidrRules, flowsTo, OWN_ADDRESS, recordsOf, type CidrRule } from './packets.js';
import type { Effort, Section, Table } from './section.js';

const RULES = 1000;
/** As many as the connection maps hold. */
const LRU_CAPACITY = 131_072;
const FLAGS = { syn: 0x02, ack: 0x10 } as const;
type Protocol = 'TCP' | 'UDP';

export const stateCost: Section = {
  name: 'state',
  *run(effort: Effort): Iterable<Table> {
    for (const protocol of ['TCP', 'UDP'] as const) {
      yield {
        name: `state-${protocol.toLowerCase()}`,
        title: `${protocol}, ${RULES} rules, ${PACKETS} flows: what state costs, in lookups of an LRU hash of their keys`,
        columns: [{ name: 'way', heading: 'way' }, ...COST_COLUMNS],
        rows: rowsOf(protocol, effort),
        notes: ['a forward packet comes to the pod, a reply from it'],
      };
    }
  },
};

function rowsOf(protocol: Protocol, { rounds }: Effort): Table['rows'] {
  const rules = cidrRules(RULES, 'neighbours');
  const forward = recordsOf(4, flowsTo(rules, 'allowed'));
  const replies = reversed(forward);
  const none = loadBoth(rules, protocol, false);
  const needed = loadBoth(rules, protocol, true);
  open(needed.pod, protocol, forward, replies);
  const rows = (['forward', 'reply'] as const).flatMap((way) => {
    const records = way === 'forward' ? forward : replies;
    const program = way === 'forward' ? 'to_pod' : 'from_pod';
    const units = [28, 16].map((bytes) => loadLru(bytes, records));
    const candidates: Candidate[] = [
      { name: 'one lookup, LRU hash, 28-byte keys', program: unitOf(units, 0).program },
      { name: 'one lookup, LRU hash, 16-byte keys', program: unitOf(units, 1).program },
      { name: 'no state needed', program: none.pod.programs[program] },
      { name: 'state needed', program: needed.pod.programs[program] },
    ];
    const packet = packetOf(protocol, FLAGS.ack);
    const samples = measure({ family: 4, records, packet, rounds, candidates });
    for (const unit of units) unit.close();
    return costRows({ way }, samples);
  });
  none.close();
  needed.close();
  return rows;
}

function unitOf(units: readonly Loaded[], index: number): Loaded {
  const unit = units[index];
  if (unit === undefined) throw new Error('no unit');
  return unit;
}

/** Every flow's first packet, and its answer. */
function open(
  { programs }: PodPrograms,
  protocol: Protocol,
  forward: Uint8Array,
  replies: Uint8Array,
): void {
  for (const [program, records, flags] of [
    [programs.to_pod, forward, FLAGS.syn],
    [programs.from_pod, replies, FLAGS.syn | FLAGS.ack],
  ] as const) {
    const driver = openDriver(records, 4);
    driver.pass(program, packetOf(protocol, flags), 1);
    driver.close();
  }
}

/** The other way: addresses and ports change places. */
function reversed(records: Uint8Array): Uint8Array {
  const swapped = records.slice();
  for (let at = 0; at < records.length; at += RECORD_BYTES[4]) {
    swapped.set(records.subarray(at + 4, at + 8), at);
    swapped.set(records.subarray(at, at + 4), at + 4);
    swapped.set(records.subarray(at + 10, at + 12), at + 8);
    swapped.set(records.subarray(at + 8, at + 10), at + 10);
  }
  return swapped;
}

function packetOf(protocol: Protocol, tcpFlags: number): Uint8Array {
  const payload = new Uint8Array(protocol === 'UDP' ? 12 : 0);
  return buildPacket({
    source: address('192.0.2.1'),
    destination: address(OWN_ADDRESS[4]),
    protocol,
    sourcePort: 40_000,
    destinationPort: 80,
    tcpFlags,
    payload,
  });
}

function address(text: string): NonNullable<ReturnType<typeof parseAddress>> {
  const parsed = parseAddress(text);
  if (parsed === undefined) throw new Error(`no address: ${text}`);
  return parsed;
}

/** Looks the packet's addresses and ports up, which are all there. */
function loadLru(keyBytes: number, records: Uint8Array): Loaded {
  const entries = Array.from({ length: PACKETS }, (_, i) => {
    const key = Buffer.alloc(keyBytes);
    key.set(records.subarray(i * RECORD_BYTES[4], i * RECORD_BYTES[4] + 12));
    return { key, value: Buffer.alloc(16) };
  });
  const map: MapDeclaration = {
    name: 'flows',
    type: 'lru_hash',
    keySize: keyBytes,
    valueSize: 16,
    maxEntries: LRU_CAPACITY,
    flags: 0,
  };
  const listing = oneLookupListing('lru_lookup', 4, map, (asm) => {
    for (let at = 0; at < keyBytes; at += 4) {
      asm.mov(r1, 0);
      if (at < 12) asm.load(4, r1, r7, 26 + at);
      asm.store(4, r10, KEY + at, r1);
    }
  });
  return loadListing(listing, 'lru_lookup', [{ name: map.name, entries }]);
}

interface Pod {
  readonly pod: PodPrograms;
  close(): void;
}

/** @param state whether replies need some: the pod is isolated both ways */
function loadBoth(rules: readonly CidrRule[], protocol: Protocol, state: boolean): Pod {
  const text = manifests(rules, protocol, state);
  const objects = must(parseK8s([new SourceFile('bench.json', text)]));
  const model = {
    tiers: [ADMIN_TIER, NETWORKPOLICY_TIER, BASELINE_TIER],
    policies: must(lowerK8sPolicies(objects)),
    exceptions: [],
    assertions: [],
    tests: [],
  };
  const target = targetNamed('6.1');
  if (target === undefined) throw new Error('no target 6.1');
  const { normal, plan, object } = compile(model, target, 'bench');
  const contents = bind(normal, plan, must(lowerCluster(objects)), { at: 0 });
  const [subject] = contents.subjects;
  if (subject === undefined) throw new Error('no pod');
  const shared = createSharedMaps(contents);
  const pod = loadPod(object, contents, shared, subject);
  const close = (): void => {
    closePod(pod);
    closeShared(shared);
  };
  return { pod, close };
}

function manifests(rules: readonly CidrRule[], protocol: Protocol, state: boolean): string {
  const metadata = { name: 'bench', namespace: 'default' };
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata,
      spec: { nodeName: 'node', containers: [{ name: 'c', image: 'i' }] },
      status: { phase: 'Running', podIP: OWN_ADDRESS[4], podIPs: [{ ip: OWN_ADDRESS[4] }] },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata,
      spec: {
        podSelector: {},
        policyTypes: state ? ['Ingress', 'Egress'] : ['Ingress'],
        ingress: rules.map((rule) => ({
          from: [{ ipBlock: { cidr: cidrOf(rule) } }],
          ports: [{ protocol, port: rule.port }],
        })),
      },
    },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

function must<Value>({ value, diagnostics }: Outcome<Value>): Value {
  if (value === undefined) throw new Error(diagnostics[0]?.message ?? 'nothing was read');
  return value;
}
