/** The kernel's refusals as values, and how they become diagnostics. */
import { constants } from 'node:os';
import { diagnostic, InputError, type Diagnostic } from '../diagnostics.js';
import { readVerifierLog } from './verifier-log.js';

/** The kernel's own "operation not supported" (include/linux/errno.h), unknown to user space. */
const ENOTSUPP = 524;

const errnoNames: ReadonlyMap<number, string> = new Map([
  ...Object.entries(constants.errno).map(([name, number]) => [number, name] as const),
  // Two names share one number on Linux; these are the ones that the kernel's sources use.
  [constants.errno.EAGAIN, 'EAGAIN'],
  [constants.errno.EOPNOTSUPP, 'EOPNOTSUPP'],
  [ENOTSUPP, 'ENOTSUPP'],
]);

/** libbpf's own errors, from 4000 on (tools/lib/bpf/libbpf.h, enum libbpf_errno). */
const libbpfNames: readonly string[] = [
  'LIBELF',
  'FORMAT',
  'KVERSION',
  'ENDIAN',
  'INTERNAL',
  'RELOC',
  'LOAD',
  'VERIFY',
  'PROG2BIG',
  'KVER',
  'PROGTYPE',
  'WRNGPID',
  'INVSEQ',
  'NLPARSE',
];

/** The symbolic name of a positive errno, such as `EPERM`. */
export function errnoName(errno: number): string {
  const libbpf = libbpfNames[errno - 4000];
  return errnoNames.get(errno) ?? (libbpf === undefined ? `errno ${errno}` : `LIBBPF_${libbpf}`);
}

/** A system call, or libbpf on its behalf, failed. Thrown by the native door. */
export class KernelError extends Error {
  override readonly name = 'KernelError';
  readonly code: string;

  /**
   * @param operation what was attempted, as a verb phrase: "create map `cells`"
   * @param errno positive
   * @param log what the verifier and libbpf said; empty for most calls
   */
  constructor(
    readonly operation: string,
    readonly errno: number,
    readonly log: string,
  ) {
    const code = errnoName(errno);
    super(`cannot ${operation}: ${code}`);
    this.code = code;
  }
}

/** Says a kernel's refusal in the catalog's words. */
export function kernelDiagnostic(error: KernelError): Diagnostic {
  const { operation, code } = error;
  const log = readVerifierLog(error.log);
  if (log.fromVerifier) {
    const place = log.place === undefined ? undefined : `${log.place.path}:${log.place.line}`;
    return diagnostic('kernel/verifier', { operation, reason: log.reason, place });
  }
  if (code === 'EPERM' || code === 'EACCES') {
    return diagnostic('kernel/not-permitted', { operation, code, root: process.getuid?.() === 0 });
  }
  return diagnostic('kernel/refused', { operation, code, reason: log.reason });
}

/** Runs `work`; the kernel's refusals become input errors, which commands report. */
export function refusalsAsDiagnostics<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof KernelError) throw new InputError([kernelDiagnostic(error)]);
    throw error;
  }
}
