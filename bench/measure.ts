/** Measures programs side by side in one run: nanoseconds of each over one that does nothing. */
import { link } from '../src/codegen/link.js';
import { writeElf } from '../src/codegen/elf.js';
import type { Listing } from '../src/codegen/listing.js';
import { createMap } from '../src/loader/native-calls.js';
import { nativeDoor, type ObjectHandle, type ProgramHandle } from '../src/loader/native.js';
import { testSkb } from '../src/loader/test-skb.js';
import { updateFlag } from '../src/loader/uapi.js';
import { driverListing, PACKETS } from './driver.js';
import type { PeerMap } from './peers.js';

const ROUNDS = 9;
/** How often all packets go through a program in one round. */
const PASSES = 8;
const FIRST = new Uint8Array(4);

export interface Sample {
  readonly name: string;
  /** Nanoseconds for a packet, over nothing: of the rounds the least, the middle and the most. */
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** What `close` frees is more than the garbage collector should wait for. */
export interface Loaded {
  readonly program: ProgramHandle;
  close(): void;
}

export function loadListing(listing: Listing, program: string, maps: readonly PeerMap[]): Loaded {
  const object = nativeDoor().openObject(writeElf(link(listing)), program);
  object.load(0);
  for (const { name, entries } of maps) fill(object, name, entries);
  return { program: object.program(program), close: () => object.close() };
}

function fill(object: ObjectHandle, name: string, entries: PeerMap['entries']): void {
  const map = object.map(name);
  const join = (parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts);
  map.updateBatch(
    join(entries.map(({ key }) => key)),
    join(entries.map(({ value }) => value)),
    updateFlag.any,
  );
  map.close();
}

/** Rounds go through all programs in turn, so that what disturbs one disturbs its neighbours. */
export function measure(
  records: Uint8Array,
  packet: Uint8Array,
  programs: readonly { readonly name: string; readonly program: ProgramHandle }[],
): readonly Sample[] {
  const object = nativeDoor().openObject(writeElf(link(driverListing(4))), 'driver');
  const table = createMap({
    type: 'array',
    name: 'records',
    keySize: 4,
    valueSize: records.length,
    maxEntries: 1,
  });
  try {
    table.update(FIRST, records, updateFlag.any);
    object.reuseMap('.data.records', table);
    object.load(0);
    const drive = object.program('drive');
    const target = object.map('target');
    const time = (program: ProgramHandle): number => {
      target.setProgram(FIRST, program);
      return testSkb(drive, packet, { ingressIfindex: 1 }, PACKETS * PASSES).durationNs;
    };
    const nothing = object.program('nothing');
    const rounds = programs.map((): number[] => []);
    for (let round = 0; round < ROUNDS; round += 1) {
      const zero = time(nothing);
      for (const [i, { program }] of programs.entries()) rounds[i]?.push(time(program) - zero);
    }
    return programs.map(({ name }, i) => summary(name, rounds[i] ?? []));
  } finally {
    table.close();
    object.close();
  }
}

function summary(name: string, values: readonly number[]): Sample {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return {
    name,
    min: at(0),
    median: at(Math.floor(sorted.length / 2)),
    max: at(sorted.length - 1),
  };
}
