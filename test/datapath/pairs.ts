/** Pairs of pods, one for each family, and segments of the connections between them. */
import { frame, PROTO, tcp } from '../support/frames.js';
import { X, X6, Y, Y6, Z, Z6 } from './world.js';

/** A family's pods. */
export interface Pair {
  readonly family: string;
  readonly x: string;
  readonly y: string;
  readonly z: string;
}

export const PAIRS: readonly Pair[] = [
  { family: 'IPv4', x: X, y: Y, z: Z },
  { family: 'IPv6', x: X6, y: Y6, z: Z6 },
];

export const segment = (
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
  flags: number,
): Uint8Array => frame(source, destination, PROTO.tcp, tcp(sourcePort, destinationPort, flags));

/** A TCP connection of x's port 40000 with y's port 443. */
export const out = ({ x, y }: Pair, flags: number): Uint8Array => segment(x, 40_000, y, 443, flags);
export const back = ({ x, y }: Pair, flags: number): Uint8Array =>
  segment(y, 443, x, 40_000, flags);
/** A TCP connection of y's port 40000 with x's port 80. */
export const called = ({ x, y }: Pair, flags: number): Uint8Array =>
  segment(y, 40_000, x, 80, flags);
export const answer = ({ x, y }: Pair, flags: number): Uint8Array =>
  segment(x, 80, y, 40_000, flags);

export const ALLOWED = 'pass judged rule';
export const REPLY = 'pass reply rule t/x';
