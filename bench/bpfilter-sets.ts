/** A layout like bpfilter's with sets: one rule, whose set is a trie of ports and addresses. */
import { addressBytes, type Family } from '../src/address.js';
import { Assembler, r1, r7, r10 } from '../src/codegen/assembly/assembler.js';
import type { CidrRule } from './packets.js';
import {
  ADDRESS_BYTES,
  emitLookup,
  emitSource,
  emitStart,
  emitVerdicts,
  NO_PREALLOC,
  OFFSET,
  prefixKey,
  TCP,
  u32,
  type Peer,
} from './peers.js';

export const BPFILTER_SETS = 'one LPM trie of sets (bpfilter-like)';
const KEY = -32;
const PORT_BYTES = 4;

/**
 * The port stands before the address, so that one lookup answers for all rules: the best that sets can
 * do. A set for each port would be a map for each, of which a program may have 64.
 */
export function bpfilterSets(rules: readonly CidrRule[], family: Family): Peer {
  const asm = new Assembler('bpfilter_sets', 'program');
  const bytes = ADDRESS_BYTES[family];
  emitStart(asm, family);
  asm.load(1, r1, r7, OFFSET[family].protocol);
  asm.branch('ne', r1, TCP, 'deny');
  asm.store(4, r10, KEY, 8 * (PORT_BYTES + bytes));
  asm.load(2, r1, r7, OFFSET[family].destinationPort);
  asm.store(4, r10, KEY + 4, r1);
  emitSource(asm, family, KEY + 4 + PORT_BYTES);
  emitLookup(asm, 'allowed', KEY, 'deny');
  asm.jump('allow');
  emitVerdicts(asm);
  const shape = { keySize: 4 + PORT_BYTES + bytes, valueSize: 4, flags: NO_PREALLOC };
  const maxEntries = Math.max(1, rules.length);
  return {
    name: BPFILTER_SETS,
    program: 'bpfilter_sets',
    listing: {
      license: 'Apache-2.0',
      functions: [asm.finish()],
      tables: [],
      maps: [{ name: 'allowed', type: 'lpm_trie', maxEntries, ...shape }],
    },
    maps: [
      {
        name: 'allowed',
        entries: rules.map(({ prefix, port }) => {
          const start = Buffer.alloc(PORT_BYTES);
          start.writeUInt16BE(port);
          const address = Buffer.concat([start, addressBytes(prefix)]);
          return { key: prefixKey(8 * PORT_BYTES + prefix.length, address), value: u32(1) };
        }),
      },
    ],
  };
}
