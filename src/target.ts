/** Kernel targets: the oldest kernel that a bundle must run on, and what that kernel can take. */

export interface KernelTarget {
  readonly name: string;
  /** Instructions that a program may have (BPF_COMPLEXITY_LIMIT_INSNS). */
  readonly maxInstructions: number;
  /** Bytes of one array map's value. */
  readonly maxTableBytes: number;
  /** tcx links; before 6.6 programs attach through clsact. */
  readonly tcx: boolean;
}

/** What one array map's value may be: little before 6.1 (KMALLOC_MAX_SIZE), much from there on. */
export const TABLE_BYTES = { small: 4 * 2 ** 20, large: 512 * 2 ** 20 } as const;

/** Long-term kernels that a distribution still carries, oldest first. */
export const TARGETS: readonly KernelTarget[] = [
  { name: '5.10', maxInstructions: 1_000_000, maxTableBytes: TABLE_BYTES.small, tcx: false },
  { name: '5.15', maxInstructions: 1_000_000, maxTableBytes: TABLE_BYTES.small, tcx: false },
  { name: '6.1', maxInstructions: 1_000_000, maxTableBytes: TABLE_BYTES.large, tcx: false },
  { name: '6.6', maxInstructions: 1_000_000, maxTableBytes: TABLE_BYTES.large, tcx: true },
  { name: '6.12', maxInstructions: 1_000_000, maxTableBytes: TABLE_BYTES.large, tcx: true },
  { name: '6.18', maxInstructions: 1_000_000, maxTableBytes: TABLE_BYTES.large, tcx: true },
];

/** What bundles are made for unless told. */
export const DEFAULT_TARGET = '5.10';

export function targetNamed(name: string): KernelTarget | undefined {
  return TARGETS.find((target) => target.name === name);
}
