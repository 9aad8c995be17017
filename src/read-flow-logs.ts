/** Reads flow logs: which files there are, in which format, and what each record of them says. */
import { statSync } from 'node:fs';
import { diagnostic, InputError, throwIfErrors } from './diagnostics.js';
import {
  detectFlowLogFormat,
  detectValue,
  readFlowLogLine,
  readFlowLogValue,
  type FlowLogFormat,
} from './parser/flow-log.js';
import { SKIP_REASONS, type LogLine, type SeenFlow } from './parser/flow-log/record.js';
import { parseDocuments } from './parser/yaml/documents.js';
import { isArray, isObject, type JsonValue } from './parser/yaml/value.js';
import { filesAt, MAX_LINE, readLines } from './read-lines.js';
import { SourceFile } from './source.js';

/** Where a record stands: `flows.log:12`, or the number of an item in a list. */
export interface LogPlace {
  readonly path: string;
  readonly line: number;
}

export interface SkippedRecords {
  /** A plural: `drops for reasons other than policy`. */
  readonly what: string;
  readonly count: number;
}

export interface FlowLog {
  readonly path: string;
  readonly format: FlowLogFormat;
  /** Lines that are not blank. */
  readonly lines: number;
  /** Records of flows that policies decide. */
  readonly flows: number;
  /** Flows of which the log does not say who opened them. */
  readonly guessed: number;
  readonly skipped: readonly SkippedRecords[];
  /** All lines that could not be read, and the first of them. */
  readonly bad: number;
  readonly badLines: readonly { readonly at: string; readonly problem: string }[];
}

export interface FlowLogOptions {
  /** For all files; found out for each of them unless told. */
  readonly format?: FlowLogFormat;
  readonly standardInput: number;
  readonly onFlow: (flow: SeenFlow, place: LogPlace) => void;
  readonly onProgress?: (bytes: number, total: number) => void;
}

/** Of each file that many are told; the rest are counted. */
const MOST_BAD_LINES = 20;

/** Lines that are held back until one of them shows which format it is. */
const MOST_UNKNOWN_LINES = 10_000;

/** A list is parsed as a whole, which takes some times its size. */
const MAX_WHOLE = 256 * 1024 * 1024;

/** @throws InputError where a file cannot be read, or nothing in it could be understood */
export async function readFlowLogs(
  paths: readonly string[],
  options: FlowLogOptions,
): Promise<readonly FlowLog[]> {
  const files = filesAt(paths);
  const total = files.reduce((sum, path) => sum + sizeOf(path), 0);
  let done = 0;
  const onBytes = (count: number): void => {
    done += count;
    options.onProgress?.(done, Math.max(done, total));
  };
  const logs: FlowLog[] = [];
  for (const path of files) {
    const reader = new LogReader(path, options);
    await readLines(path, { standardInput: options.standardInput, onBytes }, (line, number) =>
      reader.take(line, number),
    );
    const log = reader.finish();
    if (log !== undefined) logs.push(log);
  }
  if (logs.length === 0) throw new InputError([diagnostic('replay/empty-logs', { paths })]);
  return logs;
}

function sizeOf(path: string): number {
  return path === '-' ? 0 : (statSync(path, { throwIfNoEntry: false })?.size ?? 0);
}

class LogReader {
  #format: FlowLogFormat | undefined;
  #held: (readonly [line: string, number: number])[] = [];
  /** The text of a list or of records over several lines. */
  #whole: string[] | undefined;
  #wholeSize = 0;
  #lines = 0;
  #flows = 0;
  #guessed = 0;
  #bad = 0;
  readonly #badLines: { at: string; problem: string }[] = [];
  readonly #skipped = new Map<string, number>();

  constructor(
    private readonly path: string,
    private readonly options: FlowLogOptions,
  ) {
    this.#format = options.format;
  }

  take(line: string | undefined, number: number): boolean {
    if (line === undefined) {
      this.#lines += 1;
      this.#complain(number, `it has more than ${MAX_LINE} characters`);
      return true;
    }
    if (this.#lines === 0 && isPartOfWhole(line)) this.#whole = [];
    this.#lines += 1;
    if (this.#whole !== undefined) {
      this.#whole.push(line);
      this.#wholeSize += line.length;
      if (this.#wholeSize <= MAX_WHOLE) return true;
      const args = { path: this.path, bytes: this.#wholeSize, limit: MAX_WHOLE };
      throw new InputError([diagnostic('replay/list-too-large', args)]);
    }
    const text = line.trimStart();
    if (this.#format !== undefined) {
      this.#record(readFlowLogLine(text, this.#format), number);
      return true;
    }
    this.#held.push([text, number]);
    this.#format = detectFlowLogFormat(text);
    if (this.#format !== undefined) this.#release(this.#format);
    else if (this.#held.length > MOST_UNKNOWN_LINES) this.#refuse();
    return true;
  }

  /** Nothing for a file without a line. */
  finish(): FlowLog | undefined {
    if (this.#lines === 0) return undefined;
    if (this.#whole !== undefined) this.#readWhole(this.#whole.join('\n'));
    const format = this.#format;
    if (format === undefined || (this.#bad > 0 && this.#bad === this.#lines)) this.#refuse();
    const skipped = [...this.#skipped].map(([what, count]) => ({ what, count }));
    return {
      path: this.path,
      format,
      lines: this.#lines,
      flows: this.#flows,
      guessed: this.#guessed,
      skipped: skipped.sort((a, b) => b.count - a.count || (a.what < b.what ? -1 : 1)),
      bad: this.#bad,
      badLines: this.#badLines,
    };
  }

  #release(format: FlowLogFormat): void {
    for (const [line, number] of this.#held) this.#record(readFlowLogLine(line, format), number);
    this.#held = [];
  }

  #readWhole(text: string): void {
    const parsed = parseDocuments(new SourceFile(this.path, text));
    throwIfErrors(parsed.diagnostics);
    const items = parsed.documents.flatMap(({ value }) => itemsOf(value));
    this.#lines = items.length;
    for (const [index, item] of items.entries()) {
      this.#format ??= isObject(item) ? detectValue(item) : undefined;
      if (this.#format === undefined) this.#refuse();
      this.#record(readFlowLogValue(item, this.#format), index + 1);
    }
    this.#format ??= 'policyc';
  }

  #record(line: LogLine, number: number): void {
    switch (line.kind) {
      case 'flow':
        this.#flows += 1;
        if (line.flow.guessed) this.#guessed += 1;
        this.options.onFlow(line.flow, { path: this.path, line: number });
        return;
      case 'skip': {
        const { why, detail, count } = line;
        const what = `${SKIP_REASONS[why]}${detail === undefined ? '' : ` (${detail})`}`;
        this.#skipped.set(what, (this.#skipped.get(what) ?? 0) + count);
        return;
      }
      case 'bad':
        this.#complain(number, line.problem);
    }
  }

  #complain(number: number, problem: string): void {
    this.#bad += 1;
    if (this.#badLines.length >= MOST_BAD_LINES) return;
    this.#badLines.push({ at: `${this.path}:${number}`, problem });
  }

  #refuse(): never {
    const [first] = this.#badLines;
    const args = { path: this.path, format: this.#format, problem: first?.problem };
    throw new InputError([diagnostic('replay/unknown-format', args)]);
  }
}

/** A list, or a record that goes on in the next line. */
function isPartOfWhole(line: string): boolean {
  return line === '{' || /^(\[|-\s|-$|---$|#)/.test(line);
}

/** Lists, and what wraps them: `aws logs filter-log-events`, a search of Elasticsearch. */
function itemsOf(value: JsonValue): readonly JsonValue[] {
  if (value === null) return [];
  if (isArray(value)) return value;
  if (!isObject(value)) return [value];
  const hits = isObject(value['hits']) ? value['hits']['hits'] : undefined;
  const list = [hits, value['events'], value['items']].find((one) => isArray(one));
  return isArray(list) ? list : [value];
}
