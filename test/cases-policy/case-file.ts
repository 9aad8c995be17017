/** Reads and runs case files: policy files, then what the compiler says of them or makes of them. */
import { diagnostic, type Diagnostic } from '../../src/diagnostics.js';
import { lowerPolicyFiles } from '../../src/ir/lower-policy.js';
import { parsePolicy } from '../../src/parser/parse-policy.js';
import { SourceFile } from '../../src/source.js';
import { dumpModel } from './dump-model.js';

const EXPECTED = '=== expected\n';

/** `--- PATH` begins a file; the first is the one that is compiled, the others are there to be used. */
export interface CaseFile {
  /** All that stands before what is expected. */
  readonly input: string;
  readonly files: ReadonlyMap<string, SourceFile>;
  readonly expected: string;
}

export function readCase(text: string): CaseFile {
  const at = text.indexOf(EXPECTED);
  const input = at < 0 ? text : text.slice(0, at);
  const files = new Map<string, SourceFile>();
  for (const section of input.split(/^--- /m).slice(1)) {
    const lineEnd = section.indexOf('\n');
    const path = section.slice(0, lineEnd).trim();
    files.set(path, new SourceFile(path, section.slice(lineEnd + 1)));
  }
  return { input, files, expected: at < 0 ? '' : text.slice(at + EXPECTED.length) };
}

export interface CaseResult {
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
}

export function runCase({ files }: CaseFile): CaseResult {
  const [main] = files.values();
  if (main === undefined) throw new Error('the case has no file');
  const parsed = parsePolicy(main);
  if (parsed.value === undefined) return resultOf(parsed.diagnostics, undefined);
  const lowered = lowerPolicyFiles(
    [parsed.value],
    (path) => files.get(path) ?? diagnostic('source/not-found', { path }),
  );
  const model = lowered.value === undefined ? undefined : dumpModel(lowered.value);
  return resultOf(lowered.diagnostics, model);
}

function resultOf(diagnostics: readonly Diagnostic[], model: string | undefined): CaseResult {
  const lines = diagnostics.flatMap(describe);
  return { text: [...lines, ...(model === undefined ? [] : [model]), ''].join('\n'), diagnostics };
}

function describe(one: Diagnostic): readonly string[] {
  const underlined = one.span?.file.text.slice(one.span.start, one.span.end);
  const line = one.span?.file.text.slice(0, one.span.start).split('\n').length ?? 0;
  const place = `${one.span?.file.path ?? '?'}:${line} ${JSON.stringify(underlined)}`;
  return [
    `${one.severity} ${one.code} ${place}`,
    `  ${one.message}`,
    ...(one.hint === undefined ? [] : [`  hint: ${one.hint}`]),
    ...one.related.map(({ span, message }) => {
      const text = span.file.text.slice(span.start, span.end);
      return `  ${message}: ${span.file.path} ${JSON.stringify(text)}`;
    }),
  ];
}

export function writeCase(input: string, result: CaseResult): string {
  return `${input}${EXPECTED}${result.text}`;
}
