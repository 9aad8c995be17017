/** Test results as JUnit XML, as CI services read it. */

export interface JunitCase {
  readonly name: string;
  readonly file?: string;
  readonly line?: number;
  readonly seconds: number;
  /** Absent for a case that passed. */
  readonly failure?: { readonly message: string; readonly text: string };
  /** Why the case could not be judged. */
  readonly skipped?: string;
}

export interface JunitSuite {
  readonly name: string;
  readonly cases: readonly JunitCase[];
}

export function renderJunit(suites: readonly JunitSuite[]): string {
  const all = suites.flatMap((suite) => suite.cases);
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="policyc"${totals(all)}>`,
    ...suites.flatMap(suiteLines),
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
}

function suiteLines(suite: JunitSuite): string[] {
  return [
    `  <testsuite name="${attribute(suite.name)}"${totals(suite.cases)}>`,
    ...suite.cases.flatMap((one) => caseLines(one, suite.name)),
    '  </testsuite>',
  ];
}

function caseLines(one: JunitCase, suite: string): string[] {
  const file = one.file === undefined ? '' : ` file="${attribute(one.file)}"`;
  const line = one.line === undefined ? '' : ` line="${one.line}"`;
  const open = `    <testcase classname="${attribute(suite)}" name="${attribute(one.name)}"${file}${line} time="${one.seconds.toFixed(3)}"`;
  const body: string[] = [];
  if (one.failure !== undefined) {
    const { message, text } = one.failure;
    body.push(`      <failure message="${attribute(message)}">${content(text)}</failure>`);
  }
  if (one.skipped !== undefined) {
    body.push(`      <skipped message="${attribute(one.skipped)}"/>`);
  }
  return body.length === 0 ? [`${open}/>`] : [`${open}>`, ...body, '    </testcase>'];
}

function totals(cases: readonly JunitCase[]): string {
  const failures = cases.filter((one) => one.failure !== undefined).length;
  const skipped = cases.filter((one) => one.skipped !== undefined).length;
  const seconds = cases.reduce((sum, one) => sum + one.seconds, 0);
  return ` tests="${cases.length}" failures="${failures}" errors="0" skipped="${skipped}" time="${seconds.toFixed(3)}"`;
}

function content(text: string): string {
  return legal(text).replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

function attribute(text: string): string {
  return content(text)
    .replace(/"/g, '&quot;')
    .replace(/[\t\n\r]/g, (one) => `&#${one.charCodeAt(0)};`);
}

/** XML 1.0 has no way to write control characters, lone surrogates, U+FFFE and U+FFFF. */
function legal(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff\p{Cs}]/gu, '\ufffd');
}
