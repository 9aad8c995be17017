/** Who was here a moment ago, in an array of two: no flow is taken for another that shares its place. */
import { expect, it } from 'vitest';
import { emitDatapath } from '../../src/codegen/emit.js';
import { RECENT_CAPACITY } from '../../src/codegen/layout/state.js';
import type { Instruction, Listing } from '../../src/codegen/assembly/listing.js';
import { frame, PROTO, sctp, udp } from '../support/frames.js';
import { CLUSTER, from, send } from './case.js';
import { prepare, vmEngine } from './engines.js';
import { faultsOf, mapInstructions, withFault } from './faults.js';
import { policies, X, X6, Y, Y6 } from './world.js';

const PREPARED = prepare(
  policies(
    { pod: 'x', ingress: [], egress: [{ peers: ['0.0.0.0/0', '::/0'] }] },
    { pod: 'y', ingress: [], egress: [{ peers: ['0.0.0.0/0', '::/0'] }] },
  ),
  CLUSTER,
  'tables',
);

/** The same programs for two places: no other instruction has this number. */
function small(listing: Listing): Listing {
  const shrink = (one: Instruction): Instruction => {
    const isIndex =
      one.kind === 'alu' &&
      one.operation === 'rsh' &&
      one.width === 32 &&
      'imm' in one.src &&
      one.src.imm === 32 - Math.log2(RECENT_CAPACITY);
    return isIndex ? { ...one, src: { imm: 31 } } : one;
  };
  return mapInstructions(listing, shrink);
}

type Flow = readonly [pod: 'x' | 'y', packet: Uint8Array];

const datagram = (
  source: string,
  destination: string,
  ports: readonly [number, number],
): Uint8Array => frame(source, destination, PROTO.udp, udp(...ports));

/** Flows that differ in one word of their keys. */
const PAIRS: readonly (readonly [string, (i: number) => readonly [Flow, Flow]])[] = [
  [
    'the remote address',
    (i) => [
      ['x', datagram(X, '192.0.2.1', [1_000 + i, 53])],
      ['x', datagram(X, '192.0.2.2', [1_000 + i, 53])],
    ],
  ],
  ...[0, 4, 8, 12].map((at): (typeof PAIRS)[number] => [
    `bytes ${at} to ${at + 3} of the remote address`,
    (i) => {
      const bytes = new Array<number>(8).fill(0x2002);
      const other = bytes.map((word, half) => (half === at / 2 + 1 ? word + 1 : word));
      const text = (words: readonly number[]): string =>
        words.map((word) => word.toString(16)).join(':');
      return [
        ['x', datagram(X6, text(bytes), [1_000 + i, 53])],
        ['x', datagram(X6, text(other), [1_000 + i, 53])],
      ];
    },
  ]),
  [
    'the pod',
    (i) => [
      ['x', datagram(X, '192.0.2.1', [1_000 + i, 53])],
      ['y', datagram(Y, '192.0.2.1', [1_000 + i, 53])],
    ],
  ],
  [
    'the pod, IPv6',
    (i) => [
      ['x', datagram(X6, '2001:db8::1', [1_000 + i, 53])],
      ['y', datagram(Y6, '2001:db8::1', [1_000 + i, 53])],
    ],
  ],
  [
    'the ports',
    (i) => [
      ['x', datagram(X, '192.0.2.1', [1_000 + i, 53])],
      ['x', datagram(X, '192.0.2.1', [2_000 + i, 53])],
    ],
  ],
  [
    'the protocol',
    (i) => [
      ['x', datagram(X, '192.0.2.1', [1_000 + i, 53])],
      ['x', frame(X, '192.0.2.1', PROTO.sctp, sctp(1_000 + i, 53))],
    ],
  ],
];

/** Both flows of a pair leave state, whichever of the two places they have. */
function tellsApart(
  [, pair]: (typeof PAIRS)[number],
  change: (listing: Listing) => Listing = (listing) => listing,
): boolean {
  const engine = vmEngine((listing) => change(small(listing)));
  engine.bind(PREPARED);
  for (let i = 0; i < 12; i += 1) {
    engine.forget();
    for (const [pod, packet] of pair(i)) send(engine, PREPARED, from(pod, packet, ''));
    if (engine.connections().out !== 2) return false;
  }
  return true;
}

it.each(PAIRS)('flows are told apart by %s', (...pair) => {
  expect(tellsApart(pair)).toBe(true);
});

it('no word of the key may be left out', () => {
  const faults = faultsOf(small(emitDatapath(PREPARED.plan))).filter(({ name }) =>
    /^from_pod maybe_needs_state\+\d+: no `ne`/.test(name),
  );
  expect(faults).toHaveLength(7);
  const unnoticed = faults.filter((fault) =>
    PAIRS.every((pair) => tellsApart(pair, (listing) => withFault(listing, fault))),
  );
  expect(unnoticed.map(({ name }) => name)).toEqual([]);
});
