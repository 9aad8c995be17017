/** Verifier logs, read for what matters: why a program was refused, and which source line it was at. */

export interface LogPlace {
  readonly path: string;
  readonly line: number;
  /** The source text that the program's line info gave for this place. */
  readonly text: string;
}

export interface VerifierLog {
  /** The verifier's complaint, or libbpf's where the verifier said nothing; empty if nobody did. */
  readonly reason: string;
  /** The last source line that the verifier passed before it complained. */
  readonly place?: LogPlace;
  readonly fromVerifier: boolean;
}

const LIBBPF_BEGIN = /^libbpf: prog '.*': -- BEGIN PROG LOAD LOG --$/;
const LIBBPF_END = /^-- END PROG LOAD LOG --$/;

/** Lines that trace the verifier's walk and are never its complaint (kernel/bpf/verifier.c). */
const TRACE = [
  /^\d+: /,
  /^;/,
  /^from \d+ to \d+/,
  /^\s*(frame\d+: )?R\d+(_[a-z]+)?=/,
  /^(propagating|last_idx|first_idx|parent|regs=|mark_precise|func#\d+ @|arg#\d+)/,
  /^(processed \d+ insns|verification time|stack depth|insns processed|max_states)/,
  /^(Func#\d+ is|Validating |safe$)/,
];

/**
 * Reads a log as the kernel wrote it, or as libbpf wrapped it.
 *
 * Line markers look like `; text` up to Linux 6.7 and like `; text @ path:line` from 6.8 on
 * (kernel/bpf/log.c, verbose_linfo); policyc's own text begins with `path:line`, so both can be read.
 */
export function readVerifierLog(log: string): VerifierLog {
  const lines = log.split('\n');
  const begin = lines.findLastIndex((line) => LIBBPF_BEGIN.test(line));
  const rest = begin < 0 ? lines : lines.slice(begin + 1);
  const end = rest.findIndex((line) => LIBBPF_END.test(line));
  const verifier = (end < 0 ? rest : rest.slice(0, end)).filter(
    (line) => !line.startsWith('libbpf: '),
  );

  const reason = verifier.findLast(
    (line) => line.trim() !== '' && !TRACE.some((one) => one.test(line)),
  );
  if (reason !== undefined) {
    const place = lastPlace(verifier.slice(0, verifier.lastIndexOf(reason)));
    return { reason: reason.trim(), fromVerifier: true, ...(place === undefined ? {} : { place }) };
  }
  return { reason: libbpfReason(lines), fromVerifier: false };
}

function lastPlace(lines: readonly string[]): LogPlace | undefined {
  for (const line of lines.toReversed()) {
    const place = line.startsWith('; ') ? parsePlace(line.slice(2)) : undefined;
    if (place !== undefined) return place;
  }
  return undefined;
}

function parsePlace(marker: string): LogPlace | undefined {
  const suffix = /^(.*) @ (\S.*):(\d+)$/.exec(marker);
  const own = /^(\S[^:]*):(\d+)(?::\d+)?(?::? (.*))?$/.exec(suffix?.[1] ?? marker);
  // policyc's text comes first: the kernel prints only the last part of a path.
  if (own?.[1] !== undefined) return { path: own[1], line: Number(own[2]), text: own[3] ?? '' };
  if (suffix?.[2] === undefined) return undefined;
  return { path: suffix[2], line: Number(suffix[3]), text: suffix[1] ?? '' };
}

/** libbpf's first sentence names the cause; those after it only say what failed in turn. */
function libbpfReason(lines: readonly string[]): string {
  return (lines.find((line) => line.startsWith('libbpf: ')) ?? '').slice('libbpf: '.length).trim();
}
