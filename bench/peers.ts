/** Programs laid out as others lay theirs out, to compare with: from descriptions, not from their code. */
import { Assembler, r0, r1, r2, r3, r6, r7, r8, r10 } from '../src/codegen/assembler.js';
import type { Listing, MapDeclaration } from '../src/codegen/listing.js';
import { SKB } from './driver.js';
import type { CidrRule } from './packets.js';

const SOURCE = 26;
const DESTINATION_PORT = 36;
const NO_PREALLOC = 1;
const PASS = -1;
const DROP = 2;

/** Keys and values of a map, to be filled before the program runs. */
export interface PeerMap {
  readonly name: string;
  readonly entries: readonly { readonly key: Uint8Array; readonly value: Uint8Array }[];
}

export interface Peer {
  readonly name: string;
  readonly program: string;
  readonly listing: Listing;
  readonly maps: readonly PeerMap[];
}

/**
 * LPM for the address's identity, LPM for (identity, protocol, port): what a Cilium-like layout looks
 * up for the first packet of a flow.
 */
export function twoTries(rules: readonly CidrRule[]): Peer {
  const asm = new Assembler('two_tries', 'program');
  emitStart(asm);
  asm.store(4, r10, -16, 32);
  asm.load(4, r1, r7, SOURCE);
  asm.store(4, r10, -12, r1);
  emitLookup(asm, 'identities', -16);
  asm.load(4, r8, r0, 0);
  asm.store(4, r10, -16, 64);
  asm.store(4, r10, -12, r8);
  asm.load(2, r1, r7, DESTINATION_PORT);
  asm.store(2, r10, -8, 6);
  asm.store(2, r10, -6, r1);
  emitLookup(asm, 'policy', -16);
  emitEnd(asm);
  const size = Math.max(1, rules.length);
  const trie = (name: string, keySize: number): MapDeclaration => ({
    name,
    type: 'lpm_trie',
    keySize,
    valueSize: 4,
    maxEntries: size,
    flags: NO_PREALLOC,
  });
  return {
    name: 'two LPM tries (Cilium-like)',
    program: 'two_tries',
    listing: {
      license: 'Apache-2.0',
      functions: [asm.finish()],
      tables: [],
      maps: [trie('identities', 8), trie('policy', 12)],
    },
    maps: [
      {
        name: 'identities',
        entries: rules.map(({ base, length }, i) => {
          const key = Buffer.alloc(8);
          key.writeUInt32LE(length, 0);
          key.writeUInt32BE(base, 4);
          return { key, value: u32(i + 1) };
        }),
      },
      {
        name: 'policy',
        entries: rules.map(({ port }, i) => {
          const key = Buffer.alloc(12);
          key.writeUInt32LE(64, 0);
          key.writeUInt32LE(i + 1, 4);
          key.writeUInt16LE(6, 8);
          key.writeUInt16BE(port, 10);
          return { key, value: u32(1) };
        }),
      },
    ],
  };
}

/** A compare and a jump for each rule, as a Calico-like program has them. */
export function linear(rules: readonly CidrRule[]): Peer {
  const asm = new Assembler('linear', 'program');
  emitStart(asm);
  asm.load(4, r1, r7, SOURCE);
  asm.toBigEndian(r1, 32);
  asm.load(2, r2, r7, DESTINATION_PORT);
  asm.toBigEndian(r2, 16);
  for (const [i, { base, length, port }] of rules.entries()) {
    const next = `rule_${i + 1}`;
    asm.mov32(r3, r1);
    if (length < 32) asm.rsh32(r3, 32 - length);
    asm.branch('ne', r3, (length < 32 ? base >>> (32 - length) : base) | 0, next, { width: 32 });
    asm.branch('eq', r2, port, 'allow');
    asm.label(next);
  }
  asm.jump('deny');
  emitVerdicts(asm);
  return {
    name: 'compares in a row (Calico-like)',
    program: 'linear',
    listing: { license: 'Apache-2.0', functions: [asm.finish()], tables: [], maps: [] },
    maps: [],
  };
}

/** r6 = context, r7 = packet: a plain TCP packet, since the bench sends no other. */
function emitStart(asm: Assembler): void {
  asm.mov(r6, r1);
  asm.load(4, r7, r6, SKB.data);
  asm.load(4, r2, r6, SKB.dataEnd);
  asm.mov(r3, r7);
  asm.add(r3, 54);
  asm.branch('gt', r3, r2, 'deny');
}

function emitLookup(asm: Assembler, map: string, key: number): void {
  asm.loadMap(r1, map);
  asm.mov(r2, r10);
  asm.add(r2, key);
  asm.call('map_lookup_elem');
  asm.branch('eq', r0, 0, 'deny');
}

function emitEnd(asm: Assembler): void {
  asm.jump('allow');
  emitVerdicts(asm);
}

function emitVerdicts(asm: Assembler): void {
  asm.label('allow');
  asm.mov(r0, PASS);
  asm.exit();
  asm.label('deny');
  asm.mov(r0, DROP);
  asm.exit();
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
