/** Results of tests and assertions: as a test runner shows them, as JSON, and as JUnit suites. */
import type { Counterexample } from '../analysis/assert/results.js';
import type { Diagnostic } from '../diagnostics.js';
import type { JunitCase, JunitSuite } from '../render/junit.js';
import { jsonDiagnostic } from '../render/json.js';
import type { Paint } from '../render/paint.js';
import { visible } from '../render/visible-text.js';
import { formatPlace, placeOf, type Span } from '../source.js';

export interface TestCase {
  readonly kind: 'test' | 'assert';
  /** Absent for assertions, which are called by their text. */
  readonly name?: string;
  readonly origin: Span;
  readonly passed: boolean;
  /** What came out, one sentence for each expectation. */
  readonly messages: readonly string[];
  /** What a proof takes for granted. */
  readonly assumptions: readonly string[];
  /** A flow that goes against an assertion. */
  readonly counterexample?: Counterexample;
  readonly diagnostics: readonly Diagnostic[];
  readonly seconds: number;
}

const LONGEST_NAME = 100;

/** `test "…"`, or the text of the assertion in one line. */
export function caseName({ name, origin }: TestCase): string {
  if (name !== undefined) return `test "${name}"`;
  const text = origin.file.text.slice(origin.start, origin.end).replace(/\s+/g, ' ').trim();
  return text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME - 1)}…` : text;
}

export function testText(cases: readonly TestCase[], paint: Paint): string {
  const lines = [...byFile(cases)].flatMap(([path, inFile]) => [
    paint('strong', visible(path)),
    ...inFile.map((one) => {
      const mark = one.passed ? paint('success', 'ok  ') : paint('error', 'FAIL');
      return `  ${mark}  ${visible(caseName(one))}`;
    }),
    '',
  ]);
  const assumptions = [...new Set(cases.flatMap((one) => one.assumptions))];
  lines.push(...assumptions.map((one) => `${paint('faint', 'given')}  ${visible(one)}`));
  if (assumptions.length > 0) lines.push('');
  const failed = cases.filter(({ passed }) => !passed).length;
  const counts = `${cases.length - failed} passed, ${failed} failed`;
  return `${[...lines, paint(failed === 0 ? 'success' : 'error', counts)].join('\n')}\n${failed > 0 ? '\n' : ''}`;
}

export function testJson(cases: readonly TestCase[]): unknown {
  const failed = cases.filter(({ passed }) => !passed).length;
  return {
    passed: cases.length - failed,
    failed,
    cases: cases.map((one) => ({
      kind: one.kind,
      name: caseName(one),
      at: formatPlace(one.origin),
      passed: one.passed,
      messages: one.messages,
      ...(one.assumptions.length === 0 ? {} : { assumptions: one.assumptions }),
      ...(one.counterexample === undefined || one.passed
        ? {}
        : { counterexample: counterexampleJson(one.counterexample) }),
      seconds: one.seconds,
      ...(one.diagnostics.length === 0 ? {} : { diagnostics: one.diagnostics.map(jsonDiagnostic) }),
    })),
  };
}

function counterexampleJson({ entry, madeUp }: Counterexample): unknown {
  return { flow: entry, ...(madeUp === undefined ? {} : { cluster: madeUp.objects }) };
}

export function junitSuites(cases: readonly TestCase[]): readonly JunitSuite[] {
  return [...byFile(cases)].map(([name, inFile]) => ({ name, cases: inFile.map(junitCase) }));
}

function junitCase(one: TestCase): JunitCase {
  const { path: file, line } = placeOf(one.origin);
  const plain = { name: caseName(one), file, line, seconds: one.seconds };
  if (one.passed) return plain;
  const lines = one.diagnostics.map((problem) => {
    const place = problem.span === undefined ? '' : `${formatPlace(problem.span)}: `;
    return `${place}${problem.message}`;
  });
  const message = one.diagnostics[0]?.message ?? one.messages[0] ?? 'failed';
  return { ...plain, failure: { message, text: lines.join('\n') } };
}

function byFile(cases: readonly TestCase[]): ReadonlyMap<string, readonly TestCase[]> {
  const files = new Map<string, TestCase[]>();
  for (const one of cases) {
    const { path } = one.origin.file;
    const there = files.get(path);
    if (there === undefined) files.set(path, [one]);
    else there.push(one);
  }
  return files;
}
