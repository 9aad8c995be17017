/** Kernel targets: the oldest kernel that a bundle must run on, and what that kernel can take. */

export interface KernelTarget {
  readonly name: string;
  /** Instructions that a program may have (BPF_COMPLEXITY_LIMIT_INSNS). */
  readonly maxInstructions: number;
  /** Bytes of one array map's value: 4 MiB until 6.1 (KMALLOC_MAX_SIZE). */
  readonly maxTableBytes: number;
  /** tcx links; before 6.6 programs attach through clsact. */
  readonly tcx: boolean;
}

const MEBIBYTE = 1024 * 1024;

/** Long-term kernels that a distribution still carries, oldest first. */
export const TARGETS: readonly KernelTarget[] = [
  { name: '5.10', maxInstructions: 1_000_000, maxTableBytes: 4 * MEBIBYTE, tcx: false },
  { name: '5.15', maxInstructions: 1_000_000, maxTableBytes: 4 * MEBIBYTE, tcx: false },
  { name: '6.1', maxInstructions: 1_000_000, maxTableBytes: 512 * MEBIBYTE, tcx: false },
  { name: '6.6', maxInstructions: 1_000_000, maxTableBytes: 512 * MEBIBYTE, tcx: true },
  { name: '6.12', maxInstructions: 1_000_000, maxTableBytes: 512 * MEBIBYTE, tcx: true },
  { name: '6.18', maxInstructions: 1_000_000, maxTableBytes: 512 * MEBIBYTE, tcx: true },
];

/** What bundles are made for unless told. */
export const DEFAULT_TARGET = '5.10';

export function targetNamed(name: string): KernelTarget | undefined {
  return TARGETS.find((target) => target.name === name);
}
