/** The wasm engine: bound programs translated to WebAssembly, for packets by the hundred thousand. */
import { bug } from '../diagnostics.js';
import { PROGRAMS, SUBJECT_TABLE, withoutRecent, type MapContents } from './contents.js';
import { readElf } from './object/elf-read.js';
import type { Direction } from '../ir/model.js';
import { MEMORY_MAPS } from './layout/state.js';
import type { ObjectImage } from './object/object-image.js';
import type { PacketRunner, PacketVerdict } from './packet-judge.js';
import { createVmRunner, FORGETTING_JIFFIES } from './vm-engine.js';
import { csumDiff } from './vm/packet-calls.js';
import { ERRNO } from './vm/maps.js';
import { wasmHost } from './wasm/host.js';
import { createWasmMap, valueBytes, type WasmMap } from './wasm/maps.js';
import {
  canTranslate,
  mapOfHandle,
  PLACE,
  tableImport,
  translateObject,
  type WasmHelper,
} from './wasm/module.js';

export interface WasmRunner extends PacketRunner {
  readonly run: (...args: Parameters<PacketRunner['run']>) => PacketVerdict;
  /** The packet as the last run left it. */
  readonly packet: () => Uint8Array;
  /** Sets the clocks; they are 0 unless told. */
  readonly setClock: (jiffies: bigint, nanoseconds: bigint) => void;
}

/** Offsets in struct __sk_buff (include/uapi/linux/bpf.h). */
const SKB = {
  length: 0,
  mark: 8,
  protocol: 16,
  ingressIfindex: 36,
  ifindex: 40,
  cb: 48,
  data: 76,
  dataEnd: 80,
  bytes: 192,
} as const;

const PAGE = 0x1_0000;
const MAX_PACKET_BYTES = 16_064;
const ETHERNET_BYTES = 14;
const TC_ACT_SHOT = 2;
const TC_ACT_REDIRECT = 7;

/** The wasm engine where it has all that the programs call, and else the VM. */
export function createBulkRunner(object: Uint8Array, contents: MapContents): PacketRunner {
  const image = imageOf(object);
  return canTranslate(image)
    ? createWasmRunner(image, withoutRecent(contents))
    : createVmRunner(object, contents);
}

/**
 * Packets lie in linear memory as a whole, so that none has to be pulled in. Nothing checks the
 * programs' accesses but the memory's end: what they may do, the VM and the verifier see to.
 */
export function createWasmRunner(image: ObjectImage, contents: MapContents): WasmRunner {
  const plan = planMemory(image, contents);
  const memory = new wasmHost.Memory({ initial: Math.ceil(plan.end / PAGE) });
  const bytes = new Uint8Array(memory.buffer);
  const words = new Int32Array(memory.buffer);
  const view = new DataView(memory.buffer);
  for (const [name, { at, initial }] of plan.tables) {
    const bound = contents.tables.find((one) => one.name === name);
    bytes.set(bound?.bytes ?? initial, at);
  }
  const maps = plan.maps.map(({ bound, at }) => createWasmMap(bound, { bytes, words }, at));
  const kernel = kernelFunctions({ bytes, view, maps });
  const tableAt = new Map([...plan.tables].map(([name, { at }]) => [name, at]));
  const addresses = [...tableAt].map(([name, at]) => [tableImport(name), BigInt(at)] as const);
  const instance = new wasmHost.Instance(moduleOf(image), {
    kernel: { ...kernel, ...Object.fromEntries(addresses), memory },
  });
  const entryOf = (direction: Direction): (() => number) => {
    const found = instance.exports[PROGRAMS[direction]];
    return typeof found === 'function' ? (found as () => number) : bug('a program is missing');
  };
  const entries = { ingress: entryOf('ingress'), egress: entryOf('egress') };
  const subjectAt = tableAt.get(SUBJECT_TABLE);
  let current = -1;
  const verdict = { result: 0, cb: [0, 0, 0, 0, 0] };
  return {
    run: (subject, direction, packet, { ingressIfindex }) => {
      if (subject !== current && subjectAt !== undefined) {
        bytes.set(contents.subjects[subject]?.subject ?? bug(`no subject ${subject}`), subjectAt);
        current = subject;
      }
      bytes.fill(0, PLACE.context, PLACE.context + SKB.bytes);
      bytes.set(packet, PLACE.packet);
      setLength(view, packet.length);
      view.setUint16(PLACE.context + SKB.protocol, view.getUint16(PLACE.packet + 12), false);
      view.setUint32(PLACE.context + SKB.ingressIfindex, ingressIfindex, true);
      view.setUint32(PLACE.context + SKB.ifindex, 1, true);
      verdict.result = entries[direction]();
      for (let i = 0; i < 5; i += 1) {
        verdict.cb[i] = view.getUint32(PLACE.context + SKB.cb + 4 * i, true);
      }
      return verdict;
    },
    forget: () => {
      const jiffies = view.getBigUint64(PLACE.jiffies, true);
      view.setBigUint64(PLACE.jiffies, jiffies + FORGETTING_JIFFIES, true);
      for (const [i, map] of maps.entries()) {
        if (MEMORY_MAPS.includes(plan.maps[i]?.bound.name ?? '')) map.clear();
      }
    },
    packet: () =>
      bytes.slice(PLACE.packet, PLACE.packet + view.getUint32(PLACE.context + SKB.length, true)),
    setClock: (jiffies, nanoseconds) => {
      view.setBigUint64(PLACE.jiffies, jiffies, true);
      view.setBigUint64(PLACE.nanoseconds, nanoseconds, true);
    },
  };
}

/** Translated once for each image: the addresses of its tables are imports. */
const modules = new WeakMap<ObjectImage, object>();

function moduleOf(image: ObjectImage): object {
  let module = modules.get(image);
  if (module === undefined) {
    module = new wasmHost.Module(translateObject(image));
    modules.set(image, module);
  }
  return module;
}

const images = new WeakMap<Uint8Array, ObjectImage>();

function imageOf(object: Uint8Array): ObjectImage {
  let image = images.get(object);
  if (image === undefined) {
    image = readElf(object);
    images.set(object, image);
  }
  return image;
}

interface MemoryPlan {
  readonly tables: ReadonlyMap<string, { readonly at: number; readonly initial: Uint8Array }>;
  readonly maps: readonly { readonly at: number; readonly bound: MapContents['maps'][number] }[];
  readonly end: number;
}

function planMemory(image: ObjectImage, contents: MapContents): MemoryPlan {
  let end: number = PLACE.tables;
  const reserve = (size: number): number => {
    const at = end;
    end += Math.ceil(size / 16) * 16 + 16;
    return at;
  };
  const sizes = new Map(contents.tables.map(({ name, bytes }) => [name, bytes.length]));
  const tables = new Map(
    image.tables.map(({ name, initial }) => [
      name,
      { at: reserve(sizes.get(name) ?? initial.length), initial },
    ]),
  );
  const maps = image.maps.map((declared) => {
    const bound = contents.maps.find(({ name }) => name === declared.name) ?? {
      ...declared,
      count: 0,
      keys: new Uint8Array(),
      values: new Uint8Array(),
      lifetime: 'generation' as const,
    };
    return { bound, at: reserve(valueBytes(bound, bound.count)) };
  });
  return { tables, maps, end };
}

function setLength(view: DataView, length: number): void {
  view.setUint32(PLACE.context + SKB.length, length, true);
  view.setUint32(PLACE.context + SKB.data, PLACE.packet, true);
  view.setUint32(PLACE.context + SKB.dataEnd, PLACE.packet + length, true);
}

interface Kernel {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly maps: readonly WasmMap[];
}

type KernelFunction = (a: number, b: number, c: number, d: number, e: number) => number;

function kernelFunctions({
  bytes,
  view,
  maps,
}: Kernel): Readonly<Record<WasmHelper, KernelFunction>> {
  const mapOf = (handle: number): WasmMap => maps[mapOfHandle(handle)] ?? bug('no such map');
  const length = (): number => view.getUint32(PLACE.context + SKB.length, true);
  return {
    map_lookup_elem: (map, key) => mapOf(map).lookup(key),
    map_update_elem: (map, key, value, flags) => mapOf(map).update(key, value, flags),
    map_delete_elem: (map, key) => mapOf(map).remove(key),
    skb_load_bytes: (_, offset, to, size) => {
      const from = offset >>> 0;
      if (from + size <= length()) {
        bytes.copyWithin(to, PLACE.packet + from, PLACE.packet + from + size);
        return 0;
      }
      bytes.fill(0, to, to + size);
      return ERRNO.EFAULT;
    },
    skb_store_bytes: (_, offset, from, size, flags) => {
      const to = offset >>> 0;
      if (flags >>> 0 > 3) return ERRNO.EINVAL;
      if (to + size > length()) return ERRNO.EFAULT;
      bytes.copyWithin(PLACE.packet + to, from, from + size);
      return 0;
    },
    skb_pull_data: (_, size) => (size >>> 0 <= length() ? 0 : ERRNO.ENOMEM),
    skb_change_tail: (_, size, flags) => {
      const wanted = size >>> 0;
      const valid = flags === 0 && wanted >= ETHERNET_BYTES && wanted <= MAX_PACKET_BYTES;
      if (!valid) return ERRNO.EINVAL;
      const before = length();
      if (wanted > before) bytes.fill(0, PLACE.packet + before, PLACE.packet + wanted);
      setLength(view, wanted);
      return 0;
    },
    csum_diff: (from, fromSize, to, toSize, seed) =>
      csumDiff(bytes.slice(from, from + fromSize), bytes.slice(to, to + toSize), seed >>> 0),
    redirect: (_, flags) => ((flags & ~1) === 0 ? TC_ACT_REDIRECT : TC_ACT_SHOT),
    // No generation stands beside the one that runs: every slot is empty.
    tail_call: () => ERRNO.ENOENT,
    ringbuf_output: (_map, _record, _size, flags) => (flags >>> 0 > 3 ? ERRNO.EINVAL : 0),
  };
}
