/** Measures programs side by side in one run: nanoseconds of each over one that does nothing. */
import type { Family } from '../src/address.js';
import { link } from '../src/codegen/assembly/link.js';
import { writeElf } from '../src/codegen/object/elf.js';
import type { Listing } from '../src/codegen/assembly/listing.js';
import { createMap } from '../src/loader/native-calls.js';
import { nativeDoor, type ObjectHandle, type ProgramHandle } from '../src/loader/native.js';
import { testSkb } from '../src/loader/test-skb.js';
import { updateFlag } from '../src/loader/uapi.js';
import { driverListing, PACKETS } from './driver.js';
import type { PeerMap } from './peers.js';

/** Of so many runs right after each other the fastest counts: what else the machine does only adds. */
const TRIES = 3;
const FIRST = new Uint8Array(4);

/** Of all rounds the least, the middle and the most. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

export interface Sample {
  readonly name: string;
  /** Nanoseconds for a packet, over nothing. */
  readonly ns: Spread;
  /** The same over what the unit takes. */
  readonly units: Spread;
}

export interface Candidate {
  readonly name: string;
  readonly program: ProgramHandle;
  /** Done before all packets go through it once, untimed. */
  readonly before?: () => void;
}

/** What `close` frees is more than the garbage collector should wait for. */
export interface Loaded {
  readonly program: ProgramHandle;
  readonly close: () => void;
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

/** Sends all records through a program, each as one packet. */
export interface Driver {
  /** @returns nanoseconds for a packet, with all that driving costs */
  pass(program: ProgramHandle, packet: Uint8Array, passes: number): number;
  /** A program that does nothing: the zero of the scale. */
  readonly nothing: ProgramHandle;
  close(): void;
}

export function openDriver(records: Uint8Array, family: Family): Driver {
  const object = nativeDoor().openObject(writeElf(link(driverListing(family))), 'driver');
  const table = createMap({
    type: 'array',
    name: 'records',
    keySize: 4,
    valueSize: records.length,
    maxEntries: 1,
  });
  table.update(FIRST, records, updateFlag.any);
  object.reuseMap('.data.records', table);
  object.load(0);
  const drive = object.program('drive');
  const target = object.map('target');
  const pass = (program: ProgramHandle, packet: Uint8Array, passes: number): number => {
    target.setProgram(FIRST, program);
    // The kernel's own figure is in whole nanoseconds, and others who want the CPU count in it.
    const start = process.cpuUsage();
    testSkb(drive, packet, { ingressIfindex: 1 }, PACKETS * passes);
    const { user, system } = process.cpuUsage(start);
    return ((user + system) * 1e3) / (PACKETS * passes);
  };
  const nothing = object.program('nothing');
  return {
    pass,
    nothing,
    close: () => {
      table.close();
      object.close();
    },
  };
}

export interface Measurement {
  readonly family: Family;
  /** What the driver writes into the packet, one after the other. */
  readonly records: Uint8Array;
  readonly packet: Uint8Array;
  readonly rounds: number;
  /** The first one is the unit. */
  readonly candidates: readonly Candidate[];
}

/**
 * Rounds go through all candidates in turn, so that what disturbs one disturbs its neighbours. Least
 * is compared with least, middle with middle, most with most.
 */
export function measure(measurement: Measurement): readonly Sample[] {
  const { records, family, packet, rounds, candidates } = measurement;
  const driver = openDriver(records, family);
  const fastest = (program: ProgramHandle, before?: () => void): number =>
    Math.min(
      ...Array.from({ length: TRIES }, () => {
        before?.();
        return driver.pass(program, packet, 1);
      }),
    );
  try {
    const zeros: number[] = [];
    const taken = candidates.map((): number[] => []);
    for (let round = 0; round < rounds; round += 1) {
      zeros.push(fastest(driver.nothing));
      for (const [i, { program, before }] of candidates.entries()) {
        taken[i]?.push(fastest(program, before));
      }
      zeros.push(fastest(driver.nothing));
    }
    const zero = spreadOf(zeros);
    const ns = taken.map((values) => combine(spreadOf(values), zero, (one, other) => one - other));
    return candidates.map(({ name }, i) => {
      const own = ns[i] ?? zero;
      return { name, ns: own, units: combine(own, ns[0] ?? own, (one, unit) => one / unit) };
    });
  } finally {
    driver.close();
  }
}

export function combine(
  one: Spread,
  other: Spread,
  how: (one: number, other: number) => number,
): Spread {
  return {
    min: how(one.min, other.min),
    median: how(one.median, other.median),
    max: how(one.max, other.max),
  };
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return { min: at(0), median: at(Math.floor(sorted.length / 2)), max: at(sorted.length - 1) };
}
