/** A small object for tests of the loader: each pod refuses packets to one port; no policy is behind it. */
import {
  Assembler,
  r0,
  r1,
  r2,
  r3,
  r4,
  r6,
  r7,
  r10,
} from '../../src/codegen/assembly/assembler.js';
import { PROGRAMS, type BoundMap, type MapContents } from '../../src/codegen/contents.js';
import { writeElf } from '../../src/codegen/object/elf.js';
import { emitExit } from '../../src/codegen/emit/frame.js';
import { emitAskOtherHalf } from '../../src/codegen/emit/gate.js';
import { GATE } from '../../src/codegen/layout.js';
import { link } from '../../src/codegen/assembly/link.js';
import type { FunctionListing, MapDeclaration } from '../../src/codegen/assembly/listing.js';
import type { Direction } from '../../src/ir/model.js';
import { address } from './netns.js';

const SEEN: MapDeclaration = {
  name: 'seen',
  type: 'hash',
  keySize: 4,
  valueSize: 8,
  maxEntries: 16,
  flags: 0,
};

/** Reads the destination port of IPv4 without options, and compares it with the tables' ports. */
function judge(direction: Direction): FunctionListing {
  const asm = new Assembler(PROGRAMS[direction], 'program');
  asm.mov(r7, 0).mov(r6, r1).mov(r2, 36).mov(r3, r10).add(r3, -4).mov(r4, 2).call('skb_load_bytes');
  asm.branch('ne', r0, 0, 'pass').load(2, r7, r10, -4).toBigEndian(r7, 16);
  asm.store(4, r10, -8, 0).loadMap(r1, 'seen').mov(r2, r10).add(r2, -8).call('map_lookup_elem');
  asm.branch('eq', r0, 0, 'compare').mov(r1, 1).atomicAdd(8, r0, 0, r1).label('compare');
  asm.loadTable(r1, 'subject').load(4, r2, r1, 0).branch('eq', r7, r2, 'drop');
  asm.loadTable(r1, 'everyone').load(4, r2, r1, 0).branch('eq', r7, r2, 'drop');
  asm.label('pass');
  emitExit(asm, 'allow', 'judged');
  asm.label('drop').mov32(r0, 2).exit();
  emitAskOtherHalf(asm, direction);
  return asm.finish();
}

export const portFilter: Uint8Array = writeElf(
  link({
    license: 'GPL',
    functions: [judge('ingress'), judge('egress')],
    tables: [
      { name: 'subject', frozen: true, initial: new Uint8Array(4) },
      { name: 'everyone', frozen: false, initial: new Uint8Array(4) },
      { name: GATE.halfTable, frozen: true, initial: new Uint8Array(4) },
    ],
    maps: [SEEN, GATE.halves],
  }),
);

/** An object that no kernel takes: it reads behind the packet. */
export const refusedObject: Uint8Array = writeElf(
  link({
    license: 'GPL',
    functions: ['to_pod', 'from_pod'].map((name) => {
      const asm = new Assembler(name, 'program');
      asm.load(4, r2, r1, 76).load(4, r0, r2, 0).loadTable(r1, 'subject').exit();
      return asm.finish();
    }),
    tables: [{ name: 'subject', frozen: true, initial: new Uint8Array(4) }],
    maps: [GATE.halves],
  }),
);

/** An object as it was compiled before there were gates. */
export const ungatedObject: Uint8Array = writeElf(
  link({
    license: 'GPL',
    functions: ['to_pod', 'from_pod'].map((name) => {
      const asm = new Assembler(name, 'program');
      asm.mov32(r0, -1).loadTable(r1, 'subject').exit();
      return asm.finish();
    }),
    tables: [{ name: 'subject', frozen: true, initial: new Uint8Array(4) }],
    maps: [],
  }),
);

/** Not even the bytes of an ARP packet that lie where a port would be. */
const NO_PORT = 0x10000;

export interface PortFilterOptions {
  /** `namespace/name` → the port that it refuses. */
  readonly pods: Readonly<Record<string, number>>;
  /** The port that all refuse. */
  readonly everyone?: number;
  /** Another shape of the map that outlives generations. */
  readonly seenEntries?: number;
}

export function portFilterContents(options: PortFilterOptions): MapContents {
  const seen: BoundMap = {
    ...SEEN,
    maxEntries: options.seenEntries ?? SEEN.maxEntries,
    count: 1,
    keys: word(0),
    values: new Uint8Array(8),
    lifetime: 'node',
  };
  return {
    variant: 'test',
    tables: [{ name: 'everyone', frozen: false, bytes: word(options.everyone ?? NO_PORT) }],
    maps: [seen],
    subjects: Object.entries(options.pods).map(([pod, port]) => {
      const [namespace = '', name = ''] = pod.split('/');
      return { namespace, name, addresses: [address('10.0.0.1')], subject: word(port) };
    }),
  };
}

/** Contents for `refusedObject` and `ungatedObject`. */
export function refusedContents(pods: readonly string[]): MapContents {
  const whole = portFilterContents({ pods: Object.fromEntries(pods.map((pod) => [pod, 0])) });
  return { ...whole, tables: [], maps: [] };
}

function word(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
