/** The tables come first: what nobody may have opened never reaches the maps of connections. */
import { describe, expect, it } from 'vitest';
import { CONNECTION_MAPS } from '../../src/codegen/layout/state.js';
import type { Instruction, Listing, ListingItem } from '../../src/codegen/assembly/listing.js';
import { ACK, frame, icmp, PROTO, SYN, tcp, udp } from '../support/frames.js';
import { CLUSTER, from, send, to, type SendStep } from './case.js';
import { LAYOUTS, prepare, vmEngine } from './engines.js';
import { CLIENT, ISOLATED } from './policies.js';
import { X, X6, Y, Y6, Z } from './world.js';

const { pendingOut, liveOut, fragments } = CONNECTION_MAPS;
/** What the pod has opened. */
const OPENED: readonly string[] = [pendingOut, liveOut, fragments].map(({ name }) => name);
const ALL = Object.values(CONNECTION_MAPS).map(({ name }): string => name);

/** Reads above the frame: the VM stops a program that does. */
const TRAP: Instruction = { kind: 'load', size: 8, dst: 1, base: 10, offset: 8 };

/** Programs that stop where they take up one of the maps. */
function watched(
  listing: Listing,
  names: readonly string[],
  functions: readonly string[],
): Listing {
  return {
    ...listing,
    functions: listing.functions.map((one) =>
      functions.includes(one.name) ? { ...one, items: one.items.map(trap(names)) } : one,
    ),
  };
}

function trap(names: readonly string[]): (item: ListingItem) => ListingItem {
  return (item) => {
    if (item.kind === 'label' || item.instruction.kind !== 'load-map') return item;
    return names.includes(item.instruction.map) ? { ...item, instruction: TRAP } : item;
  };
}

const DENIED: readonly (readonly [string, SendStep])[] = [
  ['another port', to('x', frame(Y, X, PROTO.tcp, tcp(444, 40_000, ACK)), ISOLATED)],
  ['another port, SYN', to('x', frame(Y, X, PROTO.tcp, tcp(444, 40_000, SYN)), ISOLATED)],
  ['another peer', to('x', frame(Z, X, PROTO.tcp, tcp(443, 40_000, ACK)), ISOLATED)],
  ['another protocol', to('x', frame(Y, X, PROTO.udp, udp(443, 40_000)), ISOLATED)],
  ['another port, IPv6', to('x', frame(Y6, X6, PROTO.tcp, tcp(444, 40_000, ACK)), ISOLATED)],
  ['an echo reply', to('x', frame(Y, X, PROTO.icmp, icmp(0)), ISOLATED)],
  ['a fragment', to('x', frame(Z, X, PROTO.udp, udp(53, 5_000), { offset: 185 }), ISOLATED)],
];
const MAYBE: readonly (readonly [string, SendStep])[] = [
  ['the port', to('x', frame(Y, X, PROTO.tcp, tcp(443, 40_000, ACK)), ISOLATED)],
  ['the port, IPv6', to('x', frame(Y6, X6, PROTO.tcp, tcp(443, 40_000, ACK)), ISOLATED)],
  ['a fragment', to('x', frame(Y, X, PROTO.udp, udp(53, 5_000), { offset: 185 }), ISOLATED)],
];

describe.each(LAYOUTS)('with %s', (layout) => {
  const prepared = prepare(CLIENT, CLUSTER, layout);
  const run = (step: SendStep): string => {
    const engine = vmEngine((listing) => watched(listing, OPENED, ['to_pod']));
    engine.bind(prepared);
    return send(engine, prepared, step);
  };

  it.each(DENIED)('%s is denied without a look', (_, step) => {
    expect(run(step)).toBe(step.expected);
  });

  it.each(MAYBE)('%s is looked for, so that the watch is one', (_, step) => {
    expect(() => run(step)).toThrow();
  });

  it('data that goes forward looks at nothing', () => {
    const engine = vmEngine((listing) => watched(listing, ALL, ['to_pod', 'from_pod']));
    engine.bind(prepared);
    const data = from('x', frame(X, Y, PROTO.tcp, tcp(40_000, 443, ACK)), '');
    expect(send(engine, prepared, data)).toBe('pass judged rule t/x egress[0]');
    const opening = from('x', frame(X, Y, PROTO.tcp, tcp(40_000, 443, SYN)), '');
    expect(() => send(engine, prepared, opening)).toThrow();
  });
});
