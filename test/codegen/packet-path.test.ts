/** The path of a packet: what the programs looked up leads to the verdict that they gave, in every layout. */
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../src/address.js';
import { bind } from '../../src/codegen/bind.js';
import { CELL, decodeCell } from '../../src/codegen/layout.js';
import { createPathTracer, type PacketPath } from '../../src/codegen/packet-path.js';
import { compile } from '../../src/compile.js';
import { isPolicyPod } from '../../src/ir/cluster.js';
import { createInterpreter, type Protocol } from '../../src/ir/interpret.js';
import { SourceFile } from '../../src/source.js';
import { DEFAULT_TARGET, targetNamed } from '../../src/target.js';
import { readCluster, readPolicies } from '../oracle/world-model.js';

const POLICIES = new SourceFile(
  'p.yaml',
  `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: b, namespace: default}
spec:
  podSelector: {matchLabels: {app: b}}
  ingress:
    - from: [{podSelector: {matchLabels: {app: a}}}]
      ports: [{port: 80}, {port: 53, protocol: UDP}]
    - from: [{ipBlock: {cidr: '2001:db8::/32'}}]
`,
);

const CLUSTER = new SourceFile(
  'c.yaml',
  ['a', 'b', 'c']
    .map(
      (name, i) => `apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: default, labels: {app: ${name}}}
spec: {containers: [{name: c, image: x}]}
status: {phase: Running, podIPs: [{ip: 10.0.0.${i + 1}}, {ip: 'fd00::${i + 1}'}]}
`,
    )
    .join('---\n'),
);

const PACKETS: readonly (readonly [Protocol, number])[] = [
  ['TCP', 80],
  ['TCP', 81],
  ['UDP', 53],
  ['SCTP', 80],
];

describe.each([
  ['in arrays', false],
  ['in maps', true],
])('%s', (_, inMaps) => {
  const cluster = readCluster(CLUSTER);
  const target = targetNamed(DEFAULT_TARGET);
  if (target === undefined) throw new Error('no target');
  const { normal, plan, object } = compile(readPolicies(POLICIES), target, 'test');
  const tracer = createPathTracer(object, bind(normal, plan, cluster, { at: 0, inMaps }));
  const { judge } = createInterpreter(normal, cluster, 0);

  const everyPath = function* (): Generator<PacketPath> {
    for (const subject of cluster.pods.filter(isPolicyPod)) {
      for (const remote of cluster.pods) {
        if (remote === subject) continue;
        for (const address of remote.addresses) {
          for (const direction of ['ingress', 'egress'] as const) {
            for (const [protocol, port] of PACKETS) {
              const asked = [
                subject,
                direction,
                address,
                protocol,
                port,
                { localOrigin: false },
              ] as const;
              const path = tracer(...asked);
              expect(path.judgement, formatAddress(address)).toEqual(judge(...asked));
              yield path;
            }
          }
        }
      }
    }
  };

  it('ends in the cell that the verdict came from', () => {
    let cells = 0;
    for (const { lookups, judgement, program } of everyPath()) {
      const own = lookups.filter((one) => one.function === program);
      const cell = own.find(({ stage }) => stage === 'cell');
      // A direction of few rules is code: then the predicates of the address are looked up instead.
      if (cell === undefined) {
        expect(own.map(({ stage }) => stage)).toContain('predicates');
        continue;
      }
      cells += 1;
      const word = Number(cell.value);
      const { verdict, reason, decider } = decodeCell(word);
      const row = own.findLast(({ stage, slot }) => stage === 'row' && slot < cell.slot);
      const base = Number(BigInt(row?.value ?? 0) & BigInt((1 << CELL.deciderBits) - 1));
      const relative = (word & (1 << CELL.relativeBit)) !== 0;
      expect({ verdict, reason, decider: decider + (relative ? base : 0) }).toEqual(judgement);
    }
    if (!inMaps) expect(cells).toBeGreaterThan(0);
  });

  it('says which maps were asked for the address, and of which class it is', () => {
    const classes = new Set<number>();
    for (const { lookups, addressClass, ranges, instructions } of everyPath()) {
      expect(addressClass?.flavour).toBe('pod');
      classes.add(addressClass?.id ?? -1);
      const tables = lookups.filter(({ stage }) => stage === 'address').map(({ table }) => table);
      expect(tables.length).toBeGreaterThan(0);
      expect(tables.every((table) => table.startsWith(inMaps ? 'addr' : 'trie'))).toBe(true);
      const slots = ranges.flatMap((one) => one.ranges.map(([first, last]) => last - first + 1));
      expect(slots.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(20);
      expect(instructions).toBeGreaterThan(20);
    }
    // `a` is told apart from the others, and nothing tells those apart.
    expect(classes.size).toBe(2);
  });
});
