/** A flood of new connections that nobody answers pushes out none that has been answered. */
import { expect, it } from 'vitest';
import { ACK, frame, PROTO, SYN, tcp } from '../support/frames.js';
import { lacks } from '../support/requires.js';
import { CONNECTION_CAPACITY } from '../../src/codegen/layout/state.js';
import { CLUSTER, from, send, to } from './case.js';
import { kernelEngine, prepare } from './engines.js';
import { CLIENT_OF_ALL } from './policies.js';
import { X, Y } from './world.js';

const all = process.env['POLICYC_TEST_ALL'] === '1';
const LIVE = all ? 10_000 : 500;
const FLOOD = all ? 500_000 : 2 * CONNECTION_CAPACITY.pending;
const FIRST_PORT = 1024;

it.skipIf(lacks('root') !== undefined)('in the kernel', { timeout: 300_000 }, () => {
  const engine = kernelEngine();
  try {
    const prepared = prepare(CLIENT_OF_ALL, CLUSTER, 'tables');
    engine.bind(prepared);
    const open = (source: number, destination: number): string =>
      send(engine, prepared, from('x', frame(X, Y, PROTO.tcp, tcp(source, destination, SYN)), ''));
    const reply = (source: number, flags: number): string =>
      send(engine, prepared, to('x', frame(Y, X, PROTO.tcp, tcp(443, source, flags)), ''));
    for (let i = 0; i < LIVE; i += 1) {
      expect(open(FIRST_PORT + i, 443)).toMatch(/^pass/);
      expect(reply(FIRST_PORT + i, SYN | ACK)).toMatch(/^pass reply/);
    }
    const halfOpen = FIRST_PORT + LIVE;
    open(halfOpen, 443);
    for (let i = 0; i < FLOOD; i += 1) {
      open(1 + (i % 60_000), 1000 + Math.floor(i / 60_000));
    }
    const lost = Array.from({ length: LIVE }, (_, i) => reply(FIRST_PORT + i, ACK)).filter(
      (end) => !end.startsWith('pass reply'),
    );
    expect(lost).toEqual([]);
    // What was not answered is what the flood pushes out: without this, it was none.
    expect(reply(halfOpen, SYN | ACK)).toMatch(/^drop/);
  } finally {
    engine.close();
  }
});
