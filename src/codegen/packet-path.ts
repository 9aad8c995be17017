/** The path of one packet through bound programs: the lookups that they made, in order, and what each found. */
import { formatAddress, type Address } from '../address.js';
import { bug } from '../diagnostics.js';
import type { Judge } from '../ir/interpret.js';
import type { Judgement } from '../ir/normal-model.js';
import { PROGRAMS, type MapContents } from './contents.js';
import {
  CELL,
  CLASS_BITS,
  decodeCell,
  FLAVOUR_STRIDE,
  FLAVOURS,
  MAPS,
  MAX_CLASSES,
  PORT_INDEX,
  PROTOCOL_GROUPS,
  ROW_ASPECT_SHIFT,
  ROW_BYTES,
  TABLES,
  type Flavour,
} from './layout.js';
import { arrival, judgementOf } from './packet-judge.js';
import { createVmRunner } from './vm-engine.js';
import type { InstructionRanges, VmAccess } from './vm/trace.js';

/** One lookup; `constant` are fields that the verifier knows, which no packet changes. */
export interface PathLookup {
  readonly stage: 'constant' | 'address' | 'row' | 'port' | 'cell' | 'predicates' | 'state';
  /** The function that made it, and where. */
  readonly function: string;
  readonly slot: number;
  /** The table or map. */
  readonly table: string;
  /** Which element of a table; the key of a map in hexadecimal. */
  readonly at: number | string;
  /** In hexadecimal; null where a map has no such key. */
  readonly value: string | null;
  /** What that is, in a few words. */
  readonly meaning: string;
}

export interface PacketPath {
  readonly program: string;
  readonly judgement: Judgement;
  /** Instructions that ran, each as often as it ran. */
  readonly instructions: number;
  readonly lookups: readonly PathLookup[];
  /** The remote's class, as the programs had it when they looked the row up. */
  readonly addressClass: { readonly id: number; readonly flavour: Flavour } | null;
  readonly ranges: readonly InstructionRanges[];
}

/** Runs the subject's program on a packet in the VM. */
export type PathTracer = (...asked: Parameters<Judge>) => PacketPath;

/** @param object the ELF bytes that the contents are for */
export function createPathTracer(object: Uint8Array, contents: MapContents): PathTracer {
  const runner = createVmRunner(object, contents);
  const indexes = new Map(
    contents.subjects.map(({ namespace, name }, i) => [`${namespace}/${name}`, i]),
  );
  return (subject, direction, remote, protocol, port, options) => {
    const path = `${subject.namespace}/${subject.name}`;
    const index = indexes.get(path) ?? bug(`${path} is not bound`);
    const { packet, context } = arrival(subject, direction, remote, protocol, port, options);
    const run = runner.trace(index, direction, packet, context);
    runner.forget();
    const { accesses, ranges } = run.trace;
    return {
      program: PROGRAMS[direction],
      judgement: judgementOf(run),
      instructions: run.steps,
      lookups: accesses.map((access) => lookupOf(access, remote)),
      addressClass: classOf(accesses, PROGRAMS[direction]),
      ranges,
    };
  };
}

/** Bytes of an element. */
const ELEMENT: Readonly<Record<string, number>> = {
  [TABLES.rows]: ROW_BYTES,
  [TABLES.defaults]: ROW_BYTES,
  [TABLES.cells]: 4,
  [TABLES.rowCells]: 4,
  [TABLES.ports]: 2,
  [TABLES.bits]: 8,
  [TABLES.trie4]: 4,
  [TABLES.trie6]: 4,
};

const STAGES: Readonly<Record<string, PathLookup['stage']>> = {
  [TABLES.trie4]: 'address',
  [TABLES.trie6]: 'address',
  [MAPS.addr4Hash.name]: 'address',
  [MAPS.addr4Lpm.name]: 'address',
  [MAPS.addr6Hash.name]: 'address',
  [MAPS.addr6Lpm.name]: 'address',
  [TABLES.rows]: 'row',
  [TABLES.defaults]: 'row',
  [MAPS.rowsHash.name]: 'row',
  [TABLES.ports]: 'port',
  [TABLES.cells]: 'cell',
  [TABLES.rowCells]: 'cell',
  [MAPS.cellsHash.name]: 'cell',
  [TABLES.bits]: 'predicates',
  [TABLES.shape]: 'constant',
  [TABLES.subject]: 'constant',
};

function lookupOf(access: VmAccess, remote: Address): PathLookup {
  const { function: name, slot } = access;
  const table = access.kind === 'table' ? access.table : access.map;
  const stage = STAGES[table] ?? (access.kind === 'map' ? 'state' : 'constant');
  const at =
    access.kind === 'table' ? Math.floor(access.offset / (ELEMENT[table] ?? 1)) : hexOf(access.key);
  const value = access.kind === 'table' ? access.value : access.value && littleEndian(access.value);
  return {
    stage,
    function: name,
    slot,
    table,
    at,
    value: value === undefined ? null : `0x${value.toString(16)}`,
    meaning: value === undefined ? 'no entry' : meaningOf(access, stage, value, remote),
  };
}

function meaningOf(
  access: VmAccess,
  stage: PathLookup['stage'],
  value: bigint,
  remote: Address,
): string {
  switch (stage) {
    case 'address':
      return access.kind === 'map'
        ? `${formatAddress(remote)} is of ${entryText(Number(value & 0xffff_ffffn))}`
        : `a word of the trie on the way to ${formatAddress(remote)}`;
    case 'row': {
      const first = Number(value & 0xffff_ffffn);
      const aspects = first >>> ROW_ASPECT_SHIFT;
      const cells = Number(value >> 32n);
      const who = entryOf(access);
      const of = who === undefined ? '' : `${entryText(who)}: `;
      const deciders = first & ((1 << CELL.deciderBits) - 1);
      const counted = deciders === 0 ? '' : `, deciders from ${deciders}`;
      return `${of}cells from ${cells}${counted}, aspects 0x${aspects.toString(16)}`;
    }
    case 'port': {
      const index = access.kind === 'table' ? Math.floor(access.offset / 2) : 0;
      return `${portIndexText(index)} is port class ${value.toString()} of its protocol`;
    }
    case 'cell':
      return cellText(Number(value & 0xffff_ffffn));
    case 'predicates':
      return `the predicates that ${entryText(entryOf(access) ?? 0)} satisfies`;
    case 'state':
      return 'what an earlier packet left';
    case 'constant':
      return 'a field that binding fixed';
  }
}

/** The address entry is in r8 from its lookup on. */
function entryOf({ registers }: VmAccess): number | undefined {
  return registers.r8 === undefined ? undefined : Number(registers.r8 & 0xffff_ffffn);
}

function classOf(accesses: readonly VmAccess[], program: string): PacketPath['addressClass'] {
  const asking = accesses.find((access) => {
    const stage = STAGES[access.kind === 'table' ? access.table : access.map];
    return access.function === program && (stage === 'row' || stage === 'predicates');
  });
  const entry = asking && entryOf(asking);
  if (entry === undefined) return null;
  return { id: entry & (MAX_CLASSES - 1), flavour: flavourOf(entry) };
}

function flavourOf(entry: number): Flavour {
  return FLAVOURS[(entry >>> CLASS_BITS) & (FLAVOUR_STRIDE - 1)] ?? bug('an unknown flavour');
}

const FLAVOUR_WORDS: Readonly<Record<Flavour, string>> = {
  outside: 'outside',
  pod: 'pods',
  node: 'nodes',
  service: 'Services',
  unbound: 'unused pod addresses',
};

function entryText(entry: number): string {
  return `class ${entry & (MAX_CLASSES - 1)} (${FLAVOUR_WORDS[flavourOf(entry)]})`;
}

function portIndexText(index: number): string {
  const protocol = PROTOCOL_GROUPS[index >>> 16];
  if (protocol !== undefined) return `${index & 0xffff}/${protocol.toLowerCase()}`;
  return index === PORT_INDEX.other ? 'a protocol without ports' : 'a later fragment';
}

/** Cells of a table may count their decider from the row's. */
function cellText(word: number): string {
  const { verdict, reason, decider } = decodeCell(word);
  if (relative(word)) return `${verdict} by ${reason}, decider ${decider} on from that of the row`;
  const by = decider === 0 ? '' : `, decider ${decider}`;
  return `${verdict} by ${reason}${by}`;
}

function relative(word: number): boolean {
  return (word & (1 << CELL.relativeBit)) !== 0;
}

function littleEndian(bytes: Uint8Array): bigint {
  return [...bytes].reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
