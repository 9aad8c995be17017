/** The engines that run the packet path's cases: bound bytecode in the VM and in the kernel. */
import { bind } from '../../src/codegen/bind.js';
import { PROGRAMS, SUBJECT_TABLE, type MapContents } from '../../src/codegen/contents.js';
import { writeElf } from '../../src/codegen/object/elf.js';
import { emitDatapath } from '../../src/codegen/emit.js';
import { CONNECTION_MAPS, MEMORY_MAPS, STATE_MAPS } from '../../src/codegen/layout/state.js';
import { link, type LinkedObject } from '../../src/codegen/assembly/link.js';
import type { Listing } from '../../src/codegen/assembly/listing.js';
import { createVm, type Vm } from '../../src/codegen/vm.js';
import type { PacketContext } from '../../src/codegen/vm/context.js';
import { mapsOf, type VmMap } from '../../src/codegen/vm/maps.js';
import type { Direction } from '../../src/ir/model.js';
import { normalize } from '../../src/ir/normalize.js';
import type { NormalModel } from '../../src/ir/normal-model.js';
import { planLookups, type LookupPlan } from '../../src/ir/plan.js';
import type { MapHandle } from '../../src/loader/native.js';
import { updateFlag } from '../../src/loader/uapi.js';
import {
  closePod,
  closeShared,
  createSharedMaps,
  loadPod,
  type PodPrograms,
  type SharedMaps,
} from '../../src/loader/pod-programs.js';
import { testRuns } from '../../src/loader/test-run-object.js';
import { testSkb } from '../../src/loader/test-skb.js';
import { readCluster, readPolicies } from '../oracle/world-model.js';
import { clusterFile, policyFile } from './world.js';

export const LAYOUTS = ['code', 'tables', 'hashes'] as const;
export type Layout = (typeof LAYOUTS)[number];

/** Policies and a cluster, up to what an engine loads. */
export interface Prepared {
  readonly normal: NormalModel;
  readonly plan: LookupPlan;
  readonly contents: MapContents;
}

/**
 * The idle limits are tested in the kernel by ageing entries. With a rate far above its own, the time
 * that passes meanwhile does not count.
 */
export const JIFFIES_PER_SECOND = 100_000;

const prepared = new Map<string, Prepared>();

export function prepare(policies: string, cluster: string, layout: Layout): Prepared {
  const key = JSON.stringify([policies, cluster, layout]);
  const known = prepared.get(key);
  if (known !== undefined) return known;
  const normal = normalize(readPolicies(policyFile(policies)));
  const snapshot = readCluster(clusterFile(cluster));
  const byTables = { kind: 'tables', why: 'the test says so' } as const;
  const planned = planLookups(normal);
  const plan: LookupPlan =
    layout === 'code' ? planned : { ...planned, verdict: { ingress: byTables, egress: byTables } };
  const contents = bind(normal, plan, snapshot, {
    at: 0,
    jiffiesPerSecond: JIFFIES_PER_SECOND,
    ...(layout === 'hashes' ? { inMaps: true } : {}),
  });
  const made = { normal, plan, contents };
  prepared.set(key, made);
  return made;
}

/** What a run left: the program's result and skb->cb. */
export interface PacketEnd {
  readonly result: number;
  readonly cb: readonly number[];
}

export interface ConnectionCount {
  readonly out: number;
  readonly in: number;
  /** Those of both that have been answered. */
  readonly live: number;
}

export interface MapEntry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Connection maps outlive `bind`, as they outlive generations on a node. */
export interface Engine {
  /** Bytes of the largest packet that it runs. */
  readonly largest: number;
  bind(prepared: Prepared): void;
  run(subject: number, direction: Direction, packet: Uint8Array, context: PacketContext): PacketEnd;
  /** Lets seconds pass; negative ones too, as another CPU's clock may be ahead. */
  age(seconds: number): void;
  connections(): ConnectionCount;
  /** What a map holds. */
  entries(map: string): readonly MapEntry[];
  /** An element of an array. */
  element(map: string, index: number): Buffer;
  forget(): void;
  close(): void;
}

const CONNECTIONS = {
  out: ['pending_out', 'live_out'],
  in: ['pending_in', 'live_in'],
} as const;
const COUNTED_MAPS = Object.values(CONNECTIONS).flat();
/** Those whose values begin with when something was seen. */
const TIMED_MAPS = [...COUNTED_MAPS, CONNECTION_MAPS.fragments.name];

function countConnections(entries: (map: string) => number): ConnectionCount {
  const count = (names: readonly string[]): number =>
    names.reduce((sum, name) => sum + entries(name), 0);
  const live = COUNTED_MAPS.filter((name) => name.startsWith('live'));
  return { out: count(CONNECTIONS.out), in: count(CONNECTIONS.in), live: count(live) };
}

const STEP_LIMIT = 20_000;

/** @param change what to do to the listing before it is linked, to see whether tests notice */
export function vmEngine(change: (listing: Listing) => Listing = (listing) => listing): Engine {
  let jiffies = 0x2_0000_0000n;
  let image: LinkedObject;
  let contents: MapContents;
  let maps: ReadonlyMap<string, VmMap> | undefined;
  let vms = new Map<number, Vm>();
  const mapOf = (name: string): VmMap => present(maps?.get(name), name);
  return {
    largest: Infinity,
    bind: (next) => {
      const fresh = new Map(mapsOf(next.contents));
      for (const { name } of STATE_MAPS) {
        const kept = maps?.get(name);
        if (kept !== undefined) fresh.set(name, kept);
      }
      maps = fresh;
      contents = next.contents;
      image = link(change(emitDatapath(next.plan)));
      vms = new Map();
    },
    run: (subject, direction, packet, context) => {
      let vm = vms.get(subject);
      if (vm === undefined) {
        const own = present(contents.subjects[subject], 'the subject').subject;
        const shared = contents.tables.map(({ name, bytes }) => [name, bytes] as const);
        const tables = new Map([...shared, [SUBJECT_TABLE, own]]);
        const clock = (): { jiffies: bigint; nanoseconds: bigint } => ({
          jiffies,
          nanoseconds: 0n,
        });
        vm = createVm(image, maps === undefined ? { tables } : { tables, maps }, {
          clock,
          stepLimit: STEP_LIMIT,
        });
        vms.set(subject, vm);
      }
      return vm.run(PROGRAMS[direction], packet, context);
    },
    age: (seconds) => {
      jiffies += BigInt(seconds * JIFFIES_PER_SECOND);
    },
    connections: () => countConnections((name) => mapOf(name).entries().length),
    entries: (name) =>
      mapOf(name)
        .entries()
        .map(([key, value]) => ({ key: Buffer.from(key), value: Buffer.from(value) })),
    element: (name, index) =>
      Buffer.from(present(mapOf(name).lookup(indexKey(index)), `element ${index}`)),
    forget: () => {
      for (const name of MEMORY_MAPS) {
        const map = mapOf(name);
        for (const [key] of map.entries()) map.delete(key);
      }
      // What was noted a moment ago is so no more.
      jiffies += BigInt(2 * JIFFIES_PER_SECOND);
    },
    close: () => undefined,
  };
}

/** BPF_PROG_TEST_RUN builds packets within a page, beside headroom and struct skb_shared_info. */
const LARGEST_IN_KERNEL = 3_400;

export function kernelEngine(): Engine {
  let now: Prepared | undefined;
  let object: Uint8Array = new Uint8Array();
  let shared: SharedMaps | undefined;
  let pods = new Map<number, PodPrograms>();
  const unload = (): void => {
    for (const pod of pods.values()) closePod(pod);
    pods = new Map();
  };
  const mapOf = (name: string): MapHandle => present(shared?.maps.get(name), name);
  return {
    largest: LARGEST_IN_KERNEL,
    bind: (next) => {
      unload();
      const old = shared;
      const kept = new Set<string>();
      shared = createSharedMaps(next.contents, ({ name, lifetime }) => {
        if (lifetime !== 'node') return undefined;
        const map = old?.maps.get(name);
        if (map !== undefined) kept.add(name);
        return map;
      });
      if (old !== undefined) {
        const maps = new Map([...old.maps].filter(([name]) => !kept.has(name)));
        closeShared({ tables: old.tables, maps });
      }
      now = next;
      object = testRuns().object(writeElf(link(emitDatapath(next.plan))));
    },
    run: (index, direction, packet, context) => {
      let pod = pods.get(index);
      if (pod === undefined) {
        const { contents } = present(now, 'what to load');
        const subject = present(contents.subjects[index], 'the subject');
        pod = loadPod(object, contents, present(shared, 'maps'), subject);
        pods.set(index, pod);
      }
      const { ingressIfindex = 0 } = context;
      const ran = testSkb(
        pod.programs[PROGRAMS[direction]],
        packet,
        testRuns().fields({ ingressIfindex }),
      );
      return { result: ran.action, cb: ran.cb };
    },
    age: (seconds) => {
      for (const name of TIMED_MAPS) {
        const map = mapOf(name);
        for (const { key, value } of entriesOf(map)) {
          const seen = value.readBigUInt64LE(0) - BigInt(seconds * JIFFIES_PER_SECOND);
          value.writeBigUInt64LE(BigInt.asUintN(64, seen), 0);
          map.update(key, value, updateFlag.any);
        }
      }
      if (seconds >= 1) clearArray(mapOf(CONNECTION_MAPS.recent.name));
    },
    connections: () => countConnections((name) => entriesOf(mapOf(name)).length),
    entries: (name) => entriesOf(mapOf(name)),
    element: (name, index) => present(mapOf(name).lookup(indexKey(index)), `element ${index}`),
    forget: () => {
      for (const name of MEMORY_MAPS) {
        const map = mapOf(name);
        for (const { key } of entriesOf(map)) map.delete(key);
      }
      clearArray(mapOf(CONNECTION_MAPS.recent.name));
    },
    close: () => {
      unload();
      if (shared !== undefined) closeShared(shared);
    },
  };
}

function indexKey(index: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(index);
  return key;
}

/** Few of its values are not zero. */
function clearArray(map: MapHandle): void {
  const { keys, values } = map.dump();
  const { keySize, valueSize } = map.shape();
  const zeros = new Uint8Array(valueSize);
  for (let i = 0; i * keySize < keys.length; i += 1) {
    const value = values.subarray(i * valueSize, (i + 1) * valueSize);
    if (value.equals(zeros)) continue;
    map.update(keys.subarray(i * keySize, (i + 1) * keySize), zeros, updateFlag.any);
  }
}

function entriesOf(map: MapHandle): readonly MapEntry[] {
  const entries: MapEntry[] = [];
  for (let key = map.nextKey(); key !== undefined; key = map.nextKey(key)) {
    const value = map.lookup(key);
    if (value !== undefined) entries.push({ key, value: Buffer.from(value) });
  }
  return entries;
}

function present<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Error(`no ${what}`);
  return value;
}
