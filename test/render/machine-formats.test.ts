/** The formats that machines read: JSON, SARIF and JUnit. */
import { describe, expect, it } from 'vitest';
import { diagnostic } from '../../src/diagnostics.js';
import { renderDiagnostics } from '../../src/render.js';
import { renderJson } from '../../src/render/json.js';
import { renderJunit } from '../../src/render/junit.js';
import { plain } from '../../src/render/paint.js';
import { renderSarif } from '../../src/render/sarif.js';
import { SourceFile, span } from '../../src/source.js';

const file = new SourceFile('a b/p.yaml', 'kind: A\nname: web\n', [
  { start: 8, end: 18, origin: 'chart/p.yaml' },
]);
const web = span(file, 14, 17);
const one = diagnostic('source/not-found', { path: 'x' }, web, [
  { span: span(file, 0, 4), message: 'related' },
]);
const bare = diagnostic('source/unreadable', { path: 'x', reason: 'EACCES' });

describe('renderJson', () => {
  it('gives places both as text and as numbers', () => {
    expect(JSON.parse(renderJson([one, bare]))).toEqual({
      errors: 2,
      warnings: 0,
      diagnostics: [
        {
          code: 'source/not-found',
          severity: 'error',
          message: 'no file or folder matches `x`',
          hint: 'check the path; quote a glob so that the shell leaves it alone',
          at: 'a b/p.yaml:2:7',
          path: 'a b/p.yaml',
          line: 2,
          column: 7,
          endLine: 2,
          endColumn: 10,
          origin: 'chart/p.yaml',
          related: [
            {
              at: 'a b/p.yaml:1:1',
              path: 'a b/p.yaml',
              line: 1,
              column: 1,
              endLine: 1,
              endColumn: 5,
              message: 'related',
            },
          ],
        },
        {
          code: 'source/unreadable',
          severity: 'error',
          message: 'cannot read `x`: EACCES',
        },
      ],
    });
  });
});

describe('renderSarif', () => {
  it('lists the rules that occur and points results at them', () => {
    const log = JSON.parse(renderSarif([one, bare, one], '1.2.3')) as {
      readonly version: string;
      readonly runs: readonly {
        readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
        readonly results: readonly {
          readonly ruleId: string;
          readonly ruleIndex: number;
          readonly locations: readonly unknown[];
        }[];
      }[];
    };
    expect(log.version).toBe('2.1.0');
    const run = log.runs[0];
    expect(run?.tool.driver.rules.map((rule) => rule.id)).toEqual([
      'source/not-found',
      'source/unreadable',
    ]);
    expect(run?.results.map((result) => [result.ruleId, result.ruleIndex])).toEqual([
      ['source/not-found', 0],
      ['source/unreadable', 1],
      ['source/not-found', 0],
    ]);
    expect(run?.results[0]?.locations).toEqual([
      {
        physicalLocation: {
          artifactLocation: { uri: 'a%20b/p.yaml' },
          region: { startLine: 2, startColumn: 7, endLine: 2, endColumn: 10 },
        },
      },
    ]);
    expect(run?.results[1]?.locations).toEqual([]);
  });

  it('writes an absolute path as a file URL', () => {
    const absolute = new SourceFile('/tmp/p.yaml', 'x');
    const text = renderSarif(
      [diagnostic('source/not-found', { path: 'x' }, span(absolute, 0, 1))],
      '1.2.3',
    );
    expect(text).toContain('"uri": "file:///tmp/p.yaml"');
  });
});

describe('renderJunit', () => {
  it('counts cases, and escapes what XML cannot hold', () => {
    const xml = renderJunit([
      {
        name: 'shop.pol',
        cases: [
          { name: 'passes', seconds: 0.25, file: 'shop.pol', line: 3 },
          {
            name: 'a < b & "c"',
            seconds: 0,
            failure: { message: 'expected\n"deny"', text: 'was ]]> \u0000allow' },
          },
          { name: 'later', seconds: 0, skipped: 'needs root' },
        ],
      },
    ]);
    expect(xml).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="policyc" tests="3" failures="1" errors="0" skipped="1" time="0.250">
  <testsuite name="shop.pol" tests="3" failures="1" errors="0" skipped="1" time="0.250">
    <testcase classname="shop.pol" name="passes" file="shop.pol" line="3" time="0.250"/>
    <testcase classname="shop.pol" name="a &lt; b &amp; &quot;c&quot;" time="0.000">
      <failure message="expected&#10;&quot;deny&quot;">was ]]&gt; \ufffdallow</failure>
    </testcase>
    <testcase classname="shop.pol" name="later" time="0.000">
      <skipped message="needs root"/>
    </testcase>
  </testsuite>
</testsuites>
`);
  });
});

describe('renderDiagnostics', () => {
  it('renders in the format asked for', () => {
    const options = { paint: plain, columns: 80, version: '1.2.3' };
    const render = (format: 'text' | 'json' | 'sarif'): string =>
      renderDiagnostics([one], { ...options, format });
    expect(render('text')).toMatch(/^error\[source\/not-found\]/);
    expect(JSON.parse(render('json'))).toHaveProperty('errors', 1);
    expect(JSON.parse(render('sarif'))).toHaveProperty('runs');
  });
});
