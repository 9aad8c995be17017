/** What the running kernel's verifier does for bound programs: they are loaded, attached to nothing, and let go. */
import { release } from 'node:os';
import type { MapContents } from '../codegen/contents.js';
import { InputError } from '../diagnostics.js';
import { refusalsAsDiagnostics } from './kernel-error.js';
import { verifierLogOf } from './pod-programs.js';

export interface VerifiedProgram {
  readonly name: string;
  /** Instructions that the verifier walked, each as often as it came by, and how many it may. */
  readonly processed: number;
  readonly limit: number;
  readonly peakStates: number;
  /** Bytes of stack of each function. */
  readonly frames: readonly number[];
}

export interface VerifierStatistics {
  /** As `uname -r` has it. */
  readonly kernel: string;
  readonly programs: readonly VerifiedProgram[];
}

/**
 * Loads the first subject's programs over the contents' tables.
 * @returns why it cannot be done, where the kernel or the rights do not allow it
 * @throws {InputError} if the verifier refuses the programs
 */
export function verifierStatistics(
  object: Uint8Array,
  contents: MapContents,
): VerifierStatistics | string {
  if (contents.subjects.length === 0) return 'no pod has programs';
  if (process.getuid?.() !== 0) return 'only root can load programs';
  try {
    const log = refusalsAsDiagnostics(() => verifierLogOf(object, contents));
    return { kernel: release(), programs: readStatistics(log) };
  } catch (error) {
    if (error instanceof InputError) {
      const [first] = error.diagnostics;
      if (first !== undefined && first.code !== 'kernel/verifier') return first.message;
    }
    throw error;
  }
}

/** Reads what BPF_LOG_STATS made the kernel write, program by program, as libbpf wraps it. */
export function readStatistics(log: string): readonly VerifiedProgram[] {
  const programs = log.matchAll(
    /^libbpf: prog '([^']*)': -- BEGIN PROG LOAD LOG --\n([^]*?)^-- END PROG LOAD LOG --$/gm,
  );
  return [...programs].flatMap(([, name = '', text = '']): readonly VerifiedProgram[] => {
    const counts = /^processed (\d+) insns \(limit (\d+)\).* peak_states (\d+)/m.exec(text);
    const frames = /^stack depth ([\d+]+)$/m.exec(text);
    if (counts === null) return [];
    return [
      {
        name,
        processed: Number(counts[1]),
        limit: Number(counts[2]),
        peakStates: Number(counts[3]),
        frames: (frames?.[1] ?? '')
          .split('+')
          .filter((one) => one !== '')
          .map(Number),
      },
    ];
  });
}
