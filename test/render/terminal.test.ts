/** What people see of a diagnostic. */
import { describe, expect, it } from 'vitest';
import { diagnostic, type Diagnostic, type RelatedSpan } from '../../src/diagnostics.js';
import { colored, plain } from '../../src/render/paint.js';
import { renderTerminal } from '../../src/render/terminal.js';
import { SourceFile, span, type Span } from '../../src/source.js';

function at(file: SourceFile, part: string): Span {
  const start = file.text.indexOf(part);
  if (start < 0) throw new Error(`no ${part}`);
  return span(file, start, start + part.length);
}

function sample(where?: Span, related: readonly RelatedSpan[] = []): Diagnostic {
  return diagnostic('source/not-found', { path: 'x' }, where, related);
}

function render(one: Diagnostic, columns = 80): string[] {
  return renderTerminal([one], { paint: plain, columns }).split('\n').slice(0, -3);
}

describe('renderTerminal', () => {
  it('shows no more than anyone reads, errors first, and says how many are left', () => {
    const warning = diagnostic('cli/no-policies', { paths: ['w'] });
    const many = [...Array.from({ length: 1500 }, () => warning), sample(), sample()];
    const text = renderTerminal(many, { paint: plain, columns: 80 });
    expect(text.match(/^error\[/gm)).toHaveLength(2);
    expect(text.match(/^warning\[/gm)).toHaveLength(998);
    expect(text).toMatch(
      /^2 errors, 1500 warnings \(502 of them are not shown; --format json lists all\)\n$/m,
    );
  });

  it('underlines a span under its line, and counts at the end', () => {
    const file = new SourceFile('p.yaml', 'kind: A\nname: web\n');
    const text = renderTerminal([sample(at(file, 'web'))], { paint: plain, columns: 80 });
    expect(text).toBe(
      [
        'error[source/not-found]: no file or folder matches `x`',
        ' --> p.yaml:2:7',
        '  |',
        '2 | name: web',
        '  |       ^^^',
        '  |',
        '  = hint: check the path; quote a glob so that the shell leaves it alone',
        '',
        '1 error',
        '',
      ].join('\n'),
    );
  });

  it('is empty where there is nothing to say', () => {
    expect(renderTerminal([], { paint: plain, columns: 80 })).toBe('');
  });

  it('counts errors and warnings apart', () => {
    const error = sample();
    const warning: Diagnostic = { ...error, severity: 'warning' };
    const text = renderTerminal([error, warning, error], { paint: plain, columns: 80 });
    expect(text.trimEnd().split('\n').at(-1)).toBe('2 errors, 1 warning');
  });

  it('expands tabs and keeps the underline below them', () => {
    const file = new SourceFile('p.pol', '\tallow\tall');
    expect(render(sample(span(file, 7, 10))).slice(3, 5)).toEqual([
      '1 |     allow   all',
      '  |             ^^^',
    ]);
  });

  it('measures wide, combining and joined characters', () => {
    const file = new SourceFile('p.yaml', 'a: 日本e\u0301👩‍👩‍👧 web');
    expect(render(sample(at(file, 'web')))[4]).toBe(`  | ${' '.repeat(11)}^^^`);
    expect(render(sample(at(file, '日本')))[4]).toBe(`  | ${' '.repeat(3)}^^^^`);
    expect(render(sample(at(file, 'e\u0301')))[4]).toBe(`  | ${' '.repeat(7)}^`);
  });

  it('cuts a long line around the span', () => {
    const file = new SourceFile('p.json', `${'x'.repeat(500)}HERE${'y'.repeat(500)}`);
    const lines = render(sample(at(file, 'HERE')), 60);
    expect(lines[3]).toBe(`1 | …${'x'.repeat(24)}HERE${'y'.repeat(25)}…`);
    expect(lines[4]).toBe(`  | ${' '.repeat(25)}^^^^`);
  });

  it('cuts a span that is longer than the terminal is wide', () => {
    const file = new SourceFile('p.json', `a${'x'.repeat(500)}`);
    const lines = render(sample(span(file, 0, file.text.length)), 60);
    expect(lines[3]).toBe(`1 | a${'x'.repeat(53)}…`);
    expect(lines[4]).toBe(`  | ${'^'.repeat(54)}`);
  });

  it('looks only at the neighbourhood in a line of megabytes', () => {
    const file = new SourceFile('p.json', `${'日'.repeat(4_000_000)}HERE${'日'.repeat(4_000_000)}`);
    file.lineStarts.at(0);
    const before = performance.now();
    render(sample(span(file, 4_000_000, 4_000_004)));
    expect(performance.now() - before).toBeLessThan(500);
  });

  it('reads CRLF lines without their break', () => {
    const file = new SourceFile('p.yaml', 'a: 1\r\nb: 2\r\n');
    expect(render(sample(span(file, 6, 12))).slice(3, 5)).toEqual(['2 | b: 2', '  | ^^^^']);
  });

  it('brackets a span of several lines', () => {
    const file = new SourceFile('p.yaml', 'spec:\n  a: 1\n  b: 2\nend: x\n');
    expect(render(sample(span(file, 6, 20))).slice(3, 6)).toEqual([
      '2 | /   a: 1',
      '3 | |   b: 2',
      '  | |______^',
    ]);
  });

  it('draws the start of a block that begins within its line', () => {
    const file = new SourceFile('p.yaml', 'spec: { a: 1,\n  b: 2 }\n');
    expect(render(sample(span(file, 6, 22))).slice(3, 7)).toEqual([
      '1 |   spec: { a: 1,',
      '  |  _______^',
      '2 | |   b: 2 }',
      '  | |________^',
    ]);
  });

  it('leaves out the middle of a long block', () => {
    const file = new SourceFile('p.yaml', Array.from({ length: 30 }, (_, i) => `l${i}`).join('\n'));
    expect(render(sample(span(file, 0, file.text.length))).slice(3, 10)).toEqual([
      ' 1 | / l0',
      ' 2 | | l1',
      ' 3 | | l2',
      '...  |',
      '29 | | l28',
      '30 | | l29',
      '   | |___^',
    ]);
  });

  it('shows an empty span as one caret, at the end of the text too', () => {
    const file = new SourceFile('p.pol', 'allow');
    expect(render(sample(span(file, 5, 5)))[4]).toBe('  |      ^');
    const none = new SourceFile('p.pol', '');
    expect(render(sample(span(none, 0, 0))).slice(3, 5)).toEqual(['1 |', '  | ^']);
  });

  it('labels related places, in the same file in one frame', () => {
    const file = new SourceFile('p.yaml', 'name: a\nx: 1\ny: 2\nz: 3\nname: b\n');
    const related = [{ span: span(file, 0, 4), message: 'first here' }];
    expect(render(sample(span(file, 23, 27), related)).slice(1, 9)).toEqual([
      ' --> p.yaml:5:1',
      '  |',
      '1 | name: a',
      '  | ---- first here',
      '...',
      '5 | name: b',
      '  | ^^^^',
      '  |',
    ]);
  });

  it('gives another file a frame of its own', () => {
    const one = new SourceFile('a.yaml', 'a: 1\n');
    const two = new SourceFile('b.yaml', 'b: 2\n');
    const text = render(sample(at(one, 'a'), [{ span: at(two, 'b'), message: 'and here' }]));
    expect(text).toContain(' ::: b.yaml:1:1');
    expect(text).toContain('  | - and here');
  });

  it('names the template that a region came from', () => {
    const file = new SourceFile('all.yaml', 'a: 1\nb: 2\n', [
      { start: 5, end: 10, origin: 'chart/templates/net.yaml' },
    ]);
    expect(render(sample(at(file, 'b')))[1]).toBe(
      ' --> all.yaml:2:1 (from chart/templates/net.yaml)',
    );
  });

  it('makes control characters, escapes and bidirectional overrides harmless', () => {
    const evil = 'a\u001b[2J\u0007\u202e\u009b\u200b\r';
    const file = new SourceFile(`p\u001b]0;x\u0007.yaml`, `${evil} web`, [
      { start: 0, end: 100, origin: 'o\u001b[31m' },
    ]);
    const one = diagnostic('source/not-found', { path: evil }, at(file, 'web'), [
      { span: at(file, 'web'), message: evil },
    ]);
    const text = renderTerminal([one], { paint: plain, columns: 80 });
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e\u200b]/);
    expect(text).toContain('a␛[2J␇<U+202E><U+009B><U+200B>');
  });

  it('colours only where it is asked to', () => {
    const file = new SourceFile('p.yaml', 'name: web\n');
    const text = renderTerminal([sample(at(file, 'web'))], { paint: colored, columns: 80 });
    expect(text).toContain('\u001b[31merror[source/not-found]');
  });
});
