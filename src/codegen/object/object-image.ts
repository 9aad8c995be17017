/** The object image: what one object file holds, as link makes it and as the ELF reader finds it. */
import type { MachineInstruction } from '../assembly/isa.js';
import type { FunctionListing, MapDeclaration, TableDeclaration } from '../assembly/listing.js';

/** What the loader puts into an instruction: the address of a map or a table, or a function's place. */
export interface Reference {
  readonly kind: 'map' | 'table' | 'function';
  readonly name: string;
}

/** A line of BTF line info. */
export interface SourceLine {
  /** The policy's file, or {@link DATAPATH_FILE}. */
  readonly file: string;
  /** From 1, at most 2^22 - 1: a greater line is written as that. */
  readonly line: number;
  /** From 1, at most 1023. */
  readonly column: number;
  /** What verifier logs and dumps print, on one line. */
  readonly text: string;
}

/** The pseudo-file of instructions that no policy caused. Its lines are the function's slots. */
export const DATAPATH_FILE = 'policyc-datapath';

export interface ImageInstruction {
  /** The number of 8-byte slots before it in its function. */
  readonly slot: number;
  readonly instruction: MachineInstruction;
  readonly reference?: Reference;
  /** Present where a new line begins; it holds until the next. */
  readonly line?: SourceLine;
}

export interface ImageFunction {
  readonly name: string;
  readonly role: FunctionListing['role'];
  /** Present in global subprograms, which the verifier checks by themselves. */
  readonly parameters?: FunctionListing['parameters'];
  readonly instructions: readonly ImageInstruction[];
}

export interface ObjectImage {
  readonly license: string;
  readonly functions: readonly ImageFunction[];
  readonly tables: readonly TableDeclaration[];
  readonly maps: readonly MapDeclaration[];
}
