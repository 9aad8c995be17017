/** What bound contents take of a node's memory, by the kernel's own account, before they are loaded. */
import { bug } from '../../diagnostics.js';
import { PROGRAMS, SUBJECT_TABLE, type BoundTable, type MapContents } from '../contents.js';
import { GATE_PROGRAMS, gateImage, SHUT_PROGRAM } from '../gate.js';
import { GATE } from '../layout.js';
import { slotCount } from '../assembly/link.js';
import type { MapDeclaration } from '../assembly/listing.js';
import type { ObjectImage } from '../object/object-image.js';

/** What differs from kernel to kernel, in bytes. */
export interface KernelSizes {
  /** CPUs that may ever be there: hashes keep a spare entry for each. */
  readonly possibleCpus: number;
  /** struct bpf_array */
  readonly arrayHeader: number;
  /** struct bpf_htab */
  readonly hashHeader: number;
}

/** Linux 6.18 on x86-64. */
export const USUAL_SIZES: Omit<KernelSizes, 'possibleCpus'> = { arrayHeader: 312, hashHeader: 896 };

const PAGE = 4096;
const SLOT = 8;
/** struct htab_elem, struct bucket and a pointer (kernel/bpf/hashtab.c). */
const HASH_ELEMENT = 48;
const BUCKET = 16;
const POINTER = 8;
/** struct lpm_trie_node (kernel/bpf/lpm_trie.c); the key's first word is the length, which it has itself. */
const TRIE_NODE = 24;
const PREFIX_LENGTH = 4;
/** Pages beside the data (kernel/bpf/ringbuf.c). */
const RING_PAGES = 3;
/** struct bpf_prog; older kernels' is smaller by 24. */
const PROGRAM_HEADER = 96;

/** How long something lasts: a `pod`'s gate stays while its programs change with each generation. */
export type MemoryScope = 'node' | 'generation' | 'pod' | 'pod-generation';

export interface MemoryItem {
  readonly name: string;
  readonly kind: 'table' | 'map' | 'program';
  /** Items of pods are there once for each pod. */
  readonly scope: MemoryScope;
  /** `memlock` of its fdinfo, and of bpftool, since Linux 6.4. */
  readonly bytes: number;
}

/** All in bytes. */
export interface NodeMemory {
  readonly items: readonly MemoryItem[];
  readonly pods: number;
  /** Connections and events, which outlive generations, and what all gates share. */
  readonly node: number;
  /** Tables and maps of the policies. */
  readonly generation: number;
  /** Each pod's programs, table and gates. */
  readonly perPod: number;
  readonly total: number;
  /** While both generations are there, if the other one is as large. */
  readonly duringSwap: number;
}

/**
 * @param image the object that the contents are for
 * @param gated whether the programs are to stand behind gates, as `apply` puts them
 * @param recordBytes what the generation says of itself, pinned beside its programs
 */
export function memoryOf(
  contents: MapContents,
  image: ObjectImage,
  sizes: KernelSizes,
  gated: boolean,
  recordBytes = 0,
): NodeMemory {
  const record = { name: 'record', bytes: new Uint8Array(recordBytes), frozen: true };
  const items = [
    ...(recordBytes === 0 ? [] : [tableItem(record, 'generation', sizes)]),
    ...contents.tables.map((table) => tableItem(table, 'generation', sizes)),
    ...contents.maps.map((map): MemoryItem => {
      const scope = map.lifetime === 'node' ? 'node' : 'generation';
      const bytes = mapBytes(map, map.count, sizes);
      return { name: map.name, kind: 'map', scope, bytes };
    }),
    ...podItems(contents, image, sizes),
    ...(gated ? gateItems(sizes) : ungatedItems(image, sizes)),
  ];
  return sumUp(items, contents.subjects.length);
}

function sumUp(items: readonly MemoryItem[], pods: number): NodeMemory {
  const of = (...scopes: MemoryScope[]): number =>
    items.filter(({ scope }) => scopes.includes(scope)).reduce((sum, { bytes }) => sum + bytes, 0);
  const node = of('node');
  const generation = of('generation');
  const perPod = of('pod', 'pod-generation');
  const total = node + generation + pods * perPod;
  const duringSwap = total + generation + pods * of('pod-generation');
  return { items, pods, node, generation, perPod, total, duringSwap };
}

function podItems(
  { subjects: [subject] }: MapContents,
  image: ObjectImage,
  sizes: KernelSizes,
): readonly MemoryItem[] {
  if (subject === undefined) return [];
  const table = { name: SUBJECT_TABLE, bytes: subject.subject, frozen: true };
  return [
    tableItem(table, 'pod-generation', sizes),
    ...Object.values(PROGRAMS).map((name) => programItem(image, name, 'pod-generation')),
  ];
}

/** The word that names the other half is a table of the generation; the rest outlives it. */
function gateItems(sizes: KernelSizes): readonly MemoryItem[] {
  const image = gateImage();
  const word = new Uint8Array(4);
  return [
    tableItem({ name: GATE.halfTable, bytes: word, frozen: true }, 'generation', sizes),
    tableItem({ name: GATE.controlTable, bytes: word, frozen: false }, 'node', sizes),
    programItem(image, SHUT_PROGRAM, 'node'),
    { name: GATE.halves.name, kind: 'map', scope: 'pod', bytes: mapBytes(GATE.halves, 0, sizes) },
    ...Object.values(GATE_PROGRAMS).map((name) => programItem(image, name, 'pod')),
  ];
}

/** Without gates each pod's programs have the object's own empty ones, as libbpf makes them: mapped. */
function ungatedItems({ tables, maps }: ObjectImage, sizes: KernelSizes): readonly MemoryItem[] {
  const own = tables.find(({ name }) => name === GATE.halfTable);
  const halves = maps.find(({ name }) => name === GATE.halves.name);
  const scope = 'pod-generation';
  return [
    ...(own === undefined
      ? []
      : [tableItem({ name: own.name, bytes: own.initial, frozen: false }, scope, sizes)]),
    ...(halves === undefined
      ? []
      : [{ name: halves.name, kind: 'map', scope, bytes: mapBytes(halves, 0, sizes) } as const]),
  ];
}

/** Tables that are not frozen are mapped into memory, so that header and values have pages of their own. */
function tableItem(
  { name, bytes: { length }, frozen }: BoundTable,
  scope: MemoryScope,
  { arrayHeader }: KernelSizes,
): MemoryItem {
  const bytes = frozen
    ? arrayHeader + roundUp(length, SLOT)
    : roundUp(arrayHeader, PAGE) + roundUp(roundUp(length, SLOT), PAGE);
  return { name, kind: 'table', scope, bytes };
}

/**
 * `map_mem_usage` of each type of map, Linux 6.4 and later. The kernel counts a trie's own entries
 * alone: nodes where two prefixes part, one for each entry at most, come on top unseen.
 *
 * @param count entries that it holds
 */
export function mapBytes(map: MapDeclaration, count: number, sizes: KernelSizes): number {
  const { type, keySize, maxEntries } = map;
  const valueSize = roundUp(map.valueSize, SLOT);
  const element = HASH_ELEMENT + roundUp(keySize, SLOT) + valueSize;
  const buckets = BUCKET * 2 ** Math.ceil(Math.log2(maxEntries));
  const { arrayHeader, hashHeader, possibleCpus } = sizes;
  switch (type) {
    case 'array':
      return arrayHeader + valueSize * maxEntries;
    case 'prog_array':
      return arrayHeader + POINTER * maxEntries;
    case 'percpu_array':
      return arrayHeader + maxEntries * (POINTER + valueSize * possibleCpus);
    case 'hash':
      return hashHeader + buckets + element * (maxEntries + possibleCpus) + POINTER * possibleCpus;
    case 'lru_hash':
      return hashHeader + buckets + element * maxEntries;
    case 'lpm_trie':
      return count * (TRIE_NODE + keySize - PREFIX_LENGTH + map.valueSize);
    case 'ringbuf': {
      const pages = maxEntries / PAGE;
      // struct bpf_ringbuf_map is shorter than struct bpf_array by one pointer.
      return (
        arrayHeader - POINTER + (RING_PAGES + 2 * pages) * POINTER + (RING_PAGES + pages) * PAGE
      );
    }
  }
}

/** Its own instructions and those of all functions that it calls, as libbpf puts them together. */
function programItem(image: ObjectImage, name: string, scope: MemoryScope): MemoryItem {
  const functions = new Map(image.functions.map((one) => [one.name, one]));
  const reached = new Set<string>();
  const visit = (called: string): void => {
    if (reached.has(called)) return;
    reached.add(called);
    const { instructions } = functions.get(called) ?? bug(`no function ${called}`);
    for (const { reference } of instructions) {
      if (reference?.kind === 'function') visit(reference.name);
    }
  };
  visit(name);
  const slots = [...reached].reduce((sum, one) => {
    const found = functions.get(one) ?? bug(`no function ${one}`);
    return sum + slotCount(found);
  }, 0);
  return { name, kind: 'program', scope, bytes: roundUp(PROGRAM_HEADER + SLOT * slots, PAGE) };
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
