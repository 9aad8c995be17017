/** Watches a run of the VM: which instructions ran, and what each read from tables and maps. */
import { slotsOf } from '../assembly/isa.js';
import { HELPER_NUMBERS } from '../assembly/listing.js';
import type { ImageFunction, ImageInstruction } from '../object/object-image.js';
import type { Machine } from './machine.js';
import { bigOf, NUMBER, readThrough } from './memory.js';
import type { Step } from './steps.js';

/** Where an instruction stands. */
export interface InstructionPlace {
  readonly function: string;
  /** Its 8-byte slot in the function. */
  readonly slot: number;
}

/** What the run read, with the registers at that moment; undefined where one held no number. */
export type VmAccess = InstructionPlace & {
  readonly registers: { readonly r7?: bigint; readonly r8?: bigint; readonly r9?: bigint };
} & (
    | {
        readonly kind: 'table';
        readonly table: string;
        /** In bytes. */
        readonly offset: number;
        readonly size: number;
        readonly value: bigint;
      }
    | {
        readonly kind: 'map';
        readonly map: string;
        readonly key: Uint8Array;
        /** A copy; undefined where the map had no such key. */
        readonly value: Uint8Array | undefined;
      }
  );

/** Of one function, each slot once, first and last of every stretch without gaps. */
export interface InstructionRanges {
  readonly function: string;
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

export interface VmTrace {
  readonly accesses: readonly VmAccess[];
  /** Functions in the order in which they were entered first. */
  readonly ranges: readonly InstructionRanges[];
}

const LOOKUP = HELPER_NUMBERS.map_lookup_elem;

export class Watch {
  readonly #accesses: VmAccess[] = [];
  readonly #slots = new Map<string, Set<number>>();
  /** Tables by their regions, which are what registers point to. */
  readonly #tables: ReadonlyMap<object, string>;

  constructor(
    readonly machine: Machine,
    tables: readonly string[],
  ) {
    this.#tables = new Map(tables.map((name) => [machine.table(name), name]));
  }

  /** The step, with a note of what it does. */
  around(owner: ImageFunction, at: ImageInstruction, step: Step): Step {
    return () => {
      let slots = this.#slots.get(owner.name);
      if (slots === undefined) {
        slots = new Set();
        this.#slots.set(owner.name, slots);
      }
      for (let i = 0; i < slotsOf(at.instruction); i += 1) slots.add(at.slot + i);
      const { instruction } = at;
      if (instruction.kind === 'load') {
        return this.#load({ function: owner.name, slot: at.slot }, instruction, step);
      }
      if (instruction.kind === 'call' && instruction.helper === LOOKUP) {
        return this.#lookup({ function: owner.name, slot: at.slot }, step);
      }
      return step();
    };
  }

  finish(): VmTrace {
    const ranges = [...this.#slots].map(([name, slots]): InstructionRanges => {
      const sorted = [...slots].sort((a, b) => a - b);
      return { function: name, ranges: stretches(sorted) };
    });
    return { accesses: this.#accesses, ranges };
  }

  #load(
    place: InstructionPlace,
    { base, dst, size, offset }: Extract<ImageInstruction['instruction'], { kind: 'load' }>,
    step: Step,
  ): number {
    const from = this.machine.cell(base);
    const table = this.#tables.get(from.region);
    const at = from.lo + offset;
    const registers = this.#registers();
    const next = step();
    if (table !== undefined) {
      const value = bigOf(this.machine.cell(dst));
      this.#accesses.push({ ...place, kind: 'table', table, offset: at, size, value, registers });
    }
    return next;
  }

  #lookup(place: InstructionPlace, step: Step): number {
    const map = this.machine.mapIn(this.machine.cell(1));
    const { name, keySize } = map.declaration;
    const key = readThrough(this.machine.cell(2), keySize).slice();
    const registers = this.#registers();
    const next = step();
    const result = this.machine.cell(0);
    const value = result.region === NUMBER ? undefined : result.region.bytes.slice();
    this.#accesses.push({ ...place, kind: 'map', map: name, key, value, registers });
    return next;
  }

  #registers(): VmAccess['registers'] {
    const numberIn = (reg: 7 | 8 | 9): bigint | undefined => {
      const cell = this.machine.cell(reg);
      return cell.region === NUMBER ? bigOf(cell) : undefined;
    };
    const [r7, r8, r9] = [numberIn(7), numberIn(8), numberIn(9)];
    return {
      ...(r7 === undefined ? {} : { r7 }),
      ...(r8 === undefined ? {} : { r8 }),
      ...(r9 === undefined ? {} : { r9 }),
    };
  }
}

function stretches(sorted: readonly number[]): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  for (const slot of sorted) {
    const open = found.at(-1);
    if (open !== undefined && slot === open[1] + 1) open[1] = slot;
    else found.push([slot, slot]);
  }
  return found;
}
