/** The policy model as JSON for bundles, with origins as places and just the lines they point to. */
import { formatPrefix, parsePrefix, type Prefix } from '../address.js';
import type { Exception, Policy, PolicyModel, Tier } from '../ir/model.js';
import { placeOf, lineText, SourceFile, span, type Span } from '../source.js';

/** [file, line, column], counted from 0, 1 and 1. */
type OriginTriple = readonly [number, number, number];

/** A policy file as far as origins point into it. */
export interface SourceExcerpt {
  readonly path: string;
  /** [line, text], ascending. */
  readonly lines: readonly (readonly [number, string])[];
}

export interface EncodedModel {
  readonly tiers: readonly Tier[];
  /** As in the model, but prefixes are texts and origins triples. */
  readonly policies: readonly unknown[];
  readonly exceptions: readonly unknown[];
  readonly sources: readonly SourceExcerpt[];
}

/**
 * A line that holds a whole document, as minified JSON does, may hold anything else too: it is left
 * out, since a bundle should carry no more of the sources than it needs.
 */
const MAX_LINE = 500;

/** Assertions and tests stay behind: they speak to the author, not to a node. */
export function encodeModel(model: PolicyModel): EncodedModel {
  const files = new Map<SourceFile, number>();
  const lines: Map<number, string>[] = [];
  const encodeOrigin = (origin: Span): OriginTriple => {
    const { line, column } = placeOf(origin);
    let file = files.get(origin.file);
    if (file === undefined) {
      file = files.size;
      files.set(origin.file, file);
      lines.push(new Map());
    }
    const text = lineText(origin.file, line);
    if (text.length <= MAX_LINE) lines[file]?.set(line, text);
    return [file, line, column];
  };
  const encode = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(encode);
    if (typeof value !== 'object' || value === null) return value;
    const encoded: Record<string, unknown> = {};
    for (const [key, member] of Object.entries(value)) {
      if (key === 'origin') encoded[key] = encodeOrigin(member as Span);
      else if (key === 'include' || key === 'exclude') {
        encoded[key] = (member as readonly Prefix[]).map(formatPrefix);
      } else encoded[key] = encode(member);
    }
    return encoded;
  };
  const policies = model.policies.map(encode);
  const exceptions = model.exceptions.map(encode);
  const sources = [...files.keys()].map((file, i) => ({
    path: file.path,
    lines: [...(lines[i] ?? new Map<number, string>())].sort(([a], [b]) => a - b),
  }));
  return { tiers: model.tiers, policies, exceptions, sources };
}

/** @param encoded checked against the bundle's schema already */
export function decodeModel(encoded: EncodedModel): PolicyModel {
  const columns = encoded.sources.map(() => new Map<number, number>());
  visitOrigins([encoded.policies, encoded.exceptions], ([file, line, column]) => {
    const ofFile = columns[file];
    if (ofFile === undefined) throw new RangeError(`no source ${file}`);
    ofFile.set(line, Math.max(column, ofFile.get(line) ?? 1));
  });
  const files = encoded.sources.map((source, i) => restoreFile(source, columns[i] ?? new Map()));
  const decodeOrigin = ([file, line, column]: OriginTriple): Span => {
    const source = files[file];
    if (source === undefined) throw new RangeError(`no source ${file}`);
    const start = (source.lineStarts[line - 1] ?? 0) + column - 1;
    const end = (source.lineStarts[line - 1] ?? 0) + lineText(source, line).length;
    return span(source, start, Math.max(start, end));
  };
  const decode = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(decode);
    if (typeof value !== 'object' || value === null) return value;
    const decoded: Record<string, unknown> = {};
    for (const [key, member] of Object.entries(value)) {
      if (key === 'origin') decoded[key] = decodeOrigin(member as OriginTriple);
      else if (key === 'include' || key === 'exclude') {
        decoded[key] = (member as readonly string[]).map(decodePrefix);
      } else decoded[key] = decode(member);
    }
    return decoded;
  };
  return {
    tiers: encoded.tiers,
    policies: encoded.policies.map(decode) as readonly Policy[],
    exceptions: encoded.exceptions.map(decode) as readonly Exception[],
    assertions: [],
    tests: [],
  };
}

function visitOrigins(value: unknown, visit: (origin: OriginTriple) => void): void {
  if (Array.isArray(value)) {
    for (const one of value) visitOrigins(one, visit);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (key === 'origin') visit(member as OriginTriple);
    else visitOrigins(member, visit);
  }
}

/** A text in which the lines kept stand at their numbers, and reach the columns pointed to. */
function restoreFile(source: SourceExcerpt, columns: ReadonlyMap<number, number>): SourceFile {
  const last = [...columns.keys()].reduce((most, line) => Math.max(most, line), 0);
  const lines = new Array<string>(last).fill('');
  const texts = new Map(source.lines);
  for (const [line, column] of columns) {
    lines[line - 1] = (texts.get(line) ?? '').padEnd(column, ' ');
  }
  return new SourceFile(source.path, lines.join('\n'));
}

function decodePrefix(text: string): Prefix {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new RangeError(`\`${text}\` is no CIDR block`);
  return prefix;
}
