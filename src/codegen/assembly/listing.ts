/** The listing: BPF instructions with symbolic labels, maps and origins, before link lays them out. */
import type { Span } from '../../source.js';

/** r0 to r10; r10 is the read-only frame pointer (include/uapi/linux/bpf.h). */
export type Reg = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
export type Width = 32 | 64;
export type MemorySize = 1 | 2 | 4 | 8;
export type AluOperation =
  'mov' | 'add' | 'sub' | 'mul' | 'div' | 'mod' | 'or' | 'and' | 'xor' | 'lsh' | 'rsh' | 'arsh';
export type Test = 'eq' | 'ne' | 'gt' | 'ge' | 'lt' | 'le' | 'set' | 'sgt' | 'sge' | 'slt' | 'sle';

/** The name of a place in one program's listing. */
export type Label = string;

/** A register, or an immediate: signed 32 bits, sign-extended by 64-bit operations. */
export type Operand = { readonly reg: Reg } | { readonly imm: number };

export type Instruction =
  | {
      readonly kind: 'alu';
      readonly operation: AluOperation;
      readonly width: Width;
      readonly dst: Reg;
      readonly src: Operand;
    }
  | { readonly kind: 'negate'; readonly width: Width; readonly dst: Reg }
  /** Converts between host and big-endian order, and clears the bits above `bits`. */
  | { readonly kind: 'to-big-endian'; readonly bits: 16 | 32 | 64; readonly dst: Reg }
  | {
      readonly kind: 'load';
      readonly size: MemorySize;
      readonly dst: Reg;
      readonly base: Reg;
      readonly offset: number;
    }
  | {
      readonly kind: 'store';
      readonly size: MemorySize;
      readonly base: Reg;
      readonly offset: number;
      readonly src: Operand;
    }
  | {
      readonly kind: 'atomic-add';
      readonly size: 4 | 8;
      readonly base: Reg;
      readonly offset: number;
      readonly src: Reg;
    }
  | { readonly kind: 'load-imm64'; readonly dst: Reg; readonly value: bigint }
  /** The address of a map declared in `.maps`, for helpers (BPF_PSEUDO_MAP_FD). */
  | { readonly kind: 'load-map'; readonly dst: Reg; readonly map: string }
  /** The address of a byte of a data section's only value (BPF_PSEUDO_MAP_VALUE). */
  | {
      readonly kind: 'load-table';
      readonly dst: Reg;
      readonly table: string;
      readonly offset: number;
    }
  | { readonly kind: 'jump'; readonly target: Label }
  | {
      readonly kind: 'branch';
      readonly test: Test;
      readonly width: Width;
      readonly left: Reg;
      readonly right: Operand;
      readonly target: Label;
    }
  | { readonly kind: 'call'; readonly helper: HelperName }
  /** A call of another function of the same object (BPF_PSEUDO_CALL). */
  | { readonly kind: 'call-function'; readonly name: string }
  | { readonly kind: 'exit' };

/** Helpers that emitted programs may call, with their numbers in enum bpf_func_id. */
export const HELPER_NUMBERS = {
  map_lookup_elem: 1,
  map_update_elem: 2,
  map_delete_elem: 3,
  ktime_get_ns: 5,
  skb_store_bytes: 9,
  l3_csum_replace: 10,
  l4_csum_replace: 11,
  tail_call: 12,
  redirect: 23,
  skb_load_bytes: 26,
  csum_diff: 28,
  skb_change_tail: 38,
  skb_pull_data: 39,
  skb_adjust_room: 50,
  jiffies64: 118,
  ringbuf_output: 130,
} as const;
export type HelperName = keyof typeof HELPER_NUMBERS;

export type ListingItem =
  | { readonly kind: 'label'; readonly name: Label }
  | {
      readonly kind: 'instruction';
      readonly instruction: Instruction;
      /** The policy text that caused the instruction; absent for the fixed parts of the datapath. */
      readonly origin?: Span;
      readonly comment?: string;
    };

/** What a global subprogram takes: the program's own context, or a 32-bit number. */
export type Parameter = 'context' | 'number';

/** One function. Control may not fall off its end. */
export interface FunctionListing {
  /** A C identifier; bpffs pins the program by it. */
  readonly name: string;
  /** Programs are entry points for the kernel (ELF section `tc`); subprograms are called by them. */
  readonly role: 'program' | 'subprogram';
  /**
   * Makes a subprogram global: the verifier checks it once and by itself, for any arguments, and
   * knows nothing of its result at the calls (kernel/bpf/verifier.c, do_check_subprogs).
   */
  readonly parameters?: readonly Parameter[];
  readonly items: readonly ListingItem[];
}

/** A data section that holds one table: libbpf makes it an array map with one value. */
export interface TableDeclaration {
  /** A C identifier; the section is `.rodata.NAME` if frozen, else `.data.NAME`. */
  readonly name: string;
  /** Frozen and read-only for programs, so that the verifier knows its values as constants. */
  readonly frozen: boolean;
  /** The contents in the object; bind replaces the whole map by one of another size. */
  readonly initial: Uint8Array;
}

/** A map declared in `.maps`. Sizes in bytes; `maxEntries` is what the object says before bind sizes it. */
export interface MapDeclaration {
  /** A C identifier of 15 characters at most (BPF_OBJ_NAME_LEN). */
  readonly name: string;
  readonly type:
    'hash' | 'lru_hash' | 'lpm_trie' | 'array' | 'percpu_array' | 'prog_array' | 'ringbuf';
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  /** BPF_F_NO_PREALLOC and others of enum bpf_map_flags. */
  readonly flags: number;
}

/** Everything that goes into one object file. */
export interface Listing {
  readonly license: string;
  readonly functions: readonly FunctionListing[];
  readonly tables: readonly TableDeclaration[];
  readonly maps: readonly MapDeclaration[];
}
