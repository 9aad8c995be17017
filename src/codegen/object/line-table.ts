/** The line table: which line of which policy each instruction came from, in BTF's terms. */
import { lineText, placeOf, type Span } from '../../source.js';
import type { Label } from '../assembly/listing.js';
import { DATAPATH_FILE, type SourceLine } from './object-image.js';

/** line_col of struct bpf_line_info: 22 bits of line, 10 bits of column; the kernel would wrap. */
const MAX_LINE = 0x3f_ffff;
const MAX_COLUMN = 0x3ff;

/**
 * The verifier formats a line in a buffer of 1,024 bytes (BPF_VERIFIER_TMP_LOG_SIZE) and warns in
 * the kernel's log when it is too small, so that lines are cut well before it.
 */
const MAX_PATH_UNITS = 120;
const MAX_TEXT_UNITS = 160;

export interface LineSubject {
  readonly origin?: Span;
  readonly comment?: string;
}

/** Says for each instruction of one function which line begins there, if one does. */
export class LineTable {
  readonly #places = new WeakMap<Span, SourceLine>();
  #current: SourceLine | undefined;
  #nextLabel: Label | undefined;

  constructor(readonly functionName: string) {}

  /** A place in the function that has a name; it names the instructions without an origin below. */
  enter(label: Label): void {
    this.#nextLabel = label;
  }

  /** The line that begins at this instruction; undefined where the line before goes on. */
  next(slot: number, subject: LineSubject): SourceLine | undefined {
    const line =
      subject.origin === undefined
        ? this.#datapathLine(slot, subject.comment)
        : this.#policyLine(subject.origin);
    this.#nextLabel = undefined;
    const current = this.#current;
    if (line === undefined || (current !== undefined && sameLine(line, current))) return undefined;
    this.#current = line;
    return line;
  }

  #policyLine(origin: Span): SourceLine {
    const known = this.#places.get(origin);
    if (known !== undefined) return known;
    const place = placeOf(origin);
    const path = shortPath(place.path);
    const text = oneLine(sourceText(origin, place.line));
    const line = {
      file: place.path,
      line: Math.min(place.line, MAX_LINE),
      column: Math.min(place.column, MAX_COLUMN),
      // Linux 5.10 and 6.1 print the text alone, so the text itself says where it is from.
      text: `${path}:${place.line}: ${text}`,
    };
    this.#places.set(origin, line);
    return line;
  }

  #datapathLine(slot: number, comment: string | undefined): SourceLine | undefined {
    const inDatapath = this.#current?.file === DATAPATH_FILE;
    const label = this.#nextLabel;
    if (comment === undefined && label === undefined && inDatapath) return undefined;
    const text = comment ?? (label === undefined ? this.functionName : `${label}:`);
    return {
      file: DATAPATH_FILE,
      line: Math.min(slot + 1, MAX_LINE),
      column: 1,
      text: oneLine(text),
    };
  }
}

/**
 * The whole line, or of a long one just what the origin covers: a line that holds a whole document,
 * as minified JSON does, may hold secrets beside the policy.
 */
function sourceText(origin: Span, line: number): string {
  const whole = lineText(origin.file, line);
  return whole.length <= MAX_TEXT_UNITS ? whole : origin.file.text.slice(origin.start, origin.end);
}

function sameLine(a: SourceLine, b: SourceLine): boolean {
  return a.file === b.file && a.line === b.line && a.column === b.column && a.text === b.text;
}

/** The end of a path says more than its start. */
function shortPath(path: string): string {
  const plain = printable(path);
  const units = Array.from(plain);
  return units.length <= MAX_PATH_UNITS ? plain : `…${units.slice(1 - MAX_PATH_UNITS).join('')}`;
}

function oneLine(text: string): string {
  const units = Array.from(printable(text).trim());
  return units.length <= MAX_TEXT_UNITS
    ? units.join('')
    : `${units.slice(0, MAX_TEXT_UNITS - 1).join('')}…`;
}

/** BTF strings end at the first zero byte, and terminals obey control characters. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, ' ');
}
