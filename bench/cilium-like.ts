/** A layout like Cilium's: an LPM trie gives the address's identity, another one the verdict. */
import { addressBytes, type Family } from '../src/address.js';
import { Assembler, r0, r1, r7, r8, r10 } from '../src/codegen/assembly/assembler.js';
import type { MapDeclaration } from '../src/codegen/assembly/listing.js';
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

export const CILIUM_LIKE = 'two LPM tries (Cilium-like)';
const KEY = -32;
/** u32 identity, u16 protocol, u16 port. */
const POLICY_KEY_BITS = 64;

/**
 * What is looked up for a packet without an entry in the connection table: identity by address, then
 * the verdict by identity, protocol and port. The second lookup of real ones, for any identity, is
 * left out, and so are Services and connections: this is less than they do.
 */
export function ciliumLike(rules: readonly CidrRule[], family: Family): Peer {
  const asm = new Assembler('two_tries', 'program');
  const bytes = ADDRESS_BYTES[family];
  emitStart(asm, family);
  asm.store(4, r10, KEY, 8 * bytes);
  emitSource(asm, family, KEY + 4);
  emitLookup(asm, 'identities', KEY, 'deny');
  asm.load(4, r8, r0, 0);
  asm.store(4, r10, KEY, POLICY_KEY_BITS);
  asm.store(4, r10, KEY + 4, r8);
  asm.load(2, r1, r7, OFFSET[family].destinationPort);
  asm.store(2, r10, KEY + 8, TCP);
  asm.store(2, r10, KEY + 10, r1);
  emitLookup(asm, 'policy', KEY, 'deny');
  asm.jump('allow');
  emitVerdicts(asm);
  const trie = (name: string, keySize: number): MapDeclaration => {
    const maxEntries = Math.max(1, rules.length);
    return { name, type: 'lpm_trie', keySize, valueSize: 4, maxEntries, flags: NO_PREALLOC };
  };
  return {
    name: CILIUM_LIKE,
    program: 'two_tries',
    listing: {
      license: 'Apache-2.0',
      functions: [asm.finish()],
      tables: [],
      maps: [trie('identities', 4 + bytes), trie('policy', 12)],
    },
    maps: [
      {
        name: 'identities',
        entries: rules.map(({ prefix }, i) => ({
          key: prefixKey(prefix.length, addressBytes(prefix)),
          value: u32(i + 1),
        })),
      },
      {
        name: 'policy',
        entries: rules.map(({ port }, i) => {
          const key = Buffer.alloc(8);
          key.writeUInt32LE(i + 1, 0);
          key.writeUInt16LE(TCP, 4);
          key.writeUInt16BE(port, 6);
          return { key: prefixKey(POLICY_KEY_BITS, key), value: u32(1) };
        }),
      },
    ],
  };
}
