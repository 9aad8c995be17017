/** Parsing of policy files where cases cannot show it: spans, sizes, and texts that are no policy. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KEYWORDS } from '../../../grammar/tokens.js';
import { parsePolicy } from '../../../src/parser/parse-policy.js';
import { badEscapes, quoteString, readString } from '../../../src/parser/policy/strings.js';
import { SourceFile } from '../../../src/source.js';

function parse(text: string) {
  return parsePolicy(new SourceFile('test.pol', text));
}

/** The texts under all spans of a tree, by the path that leads to them. */
function spansOf(value: unknown, path = ''): readonly (readonly [string, string])[] {
  if (typeof value !== 'object' || value === null || value instanceof SourceFile) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    if (key !== 'span') return spansOf(inner, `${path}.${key}`);
    const { file, start, end } = inner as { file: SourceFile; start: number; end: number };
    return [[path, file.text.slice(start, end)] as const];
  });
}

describe('parsePolicy', () => {
  it('gives every node the text that it was made from', () => {
    const parsed = parse(
      '# x\nnamespace shop { allow ingress from fe, 10.0.0.0/8 port 80-90/tcp }\n',
    );
    const rule = '.0.statements.0';
    expect(spansOf(parsed.value?.statements)).toEqual([
      ['.0.name', 'shop'],
      [`${rule}.tail.from.peers.0.name`, 'fe'],
      [`${rule}.tail.from.peers.0`, 'fe'],
      [`${rule}.tail.from.peers.1`, '10.0.0.0/8'],
      [`${rule}.tail.from`, 'fe, 10.0.0.0/8'],
      [`${rule}.tail.ports.items.0.first`, '80'],
      [`${rule}.tail.ports.items.0.last`, '90'],
      [`${rule}.tail.ports.items.0.protocol`, 'tcp'],
      [`${rule}.tail.ports.items.0`, '80-90/tcp'],
      [`${rule}.tail.ports`, 'port 80-90/tcp'],
      [rule, 'allow ingress from fe, 10.0.0.0/8 port 80-90/tcp'],
      ['.0', 'namespace shop { allow ingress from fe, 10.0.0.0/8 port 80-90/tcp }'],
    ]);
  });

  it.each(['', '\n\n', ';;\n;', '# only a comment', '\r\n# a\r\n'])(
    'reads %j as no policy',
    (text) => {
      expect(parse(text)).toMatchObject({ value: { statements: [] }, diagnostics: [] });
    },
  );

  it('ends lines at LF, CRLF and CR', () => {
    const lines = ['group a = pods', 'group b = a', 'group c = b'];
    for (const lineBreak of ['\n', '\r\n', '\r']) {
      expect(parse(lines.join(lineBreak)).value?.statements).toHaveLength(3);
    }
  });

  it('takes every word of the language as a label key, and in quotes as a name', () => {
    for (const word of KEYWORDS.keys()) {
      const key = word === 'not' ? `"${word}"` : word;
      const text = `group "${word}" = pods where ${key} == "x" and ${key} exists and ${key} in ["y"]`;
      expect(parse(text).diagnostics, text).toEqual([]);
    }
  });

  it('says something about every text, and never throws', () => {
    const words = [
      ...KEYWORDS.keys(),
      '{',
      '}',
      '[',
      ']',
      '(',
      ')',
      ',',
      ';',
      '\n',
      '->',
      '/',
      '=',
    ];
    const piece = fc.oneof(
      fc.constantFrom(
        ...words,
        '==',
        '"a"',
        '"',
        "'",
        '80',
        '10.0.0.0/8',
        'fe',
        '#',
        '€',
        '-',
        ':',
      ),
      fc.string({ maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const { value, diagnostics } = parse(pieces.join(' '));
        expect(value === undefined).toBe(diagnostics.length > 0);
        for (const { span } of diagnostics) {
          expect(span?.start).toBeGreaterThanOrEqual(0);
          expect(span?.end).toBeGreaterThanOrEqual(span?.start ?? Infinity);
          expect(span?.end).toBeLessThanOrEqual(span?.file.text.length ?? -1);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('reads nesting of any depth without exhausting the stack', () => {
    const depth = 100_000;
    const codes = (text: string) => new Set(parse(text).diagnostics.map((one) => one.code));
    const nested = `${'('.repeat(depth)}a exists${')'.repeat(depth)}`;
    expect(codes(`group a = pods where ${nested}`)).toEqual(new Set(['syntax/too-deep']));
    expect(parse(`group a = pods where ${'not '.repeat(depth)}b exists`).diagnostics).toEqual([]);
    expect(codes(`limit x ${'{'.repeat(depth)}`)).toEqual(new Set(['syntax/unclosed-block']));
    expect(parse(`limit x ${'{'.repeat(depth)}${'}'.repeat(depth)}`).diagnostics).toEqual([]);
  });

  it('takes time in proportion to the text, whether or not it is right', () => {
    const rules = (count: number, word: string) =>
      `namespace shop {\n${`  allow ingress ${word} 10.0.0.0/8 port 80/tcp\n`.repeat(count)}}\n`;
    for (const word of ['from', 'frm']) {
      const time = (count: number) => {
        const start = process.cpuUsage();
        parse(rules(count, word));
        const { user, system } = process.cpuUsage(start);
        return user + system;
      };
      time(1000);
      expect(time(16_000) / time(2000)).toBeLessThan(40);
    }
  });
});

describe('texts in quotes', () => {
  it('keep their value when written and read', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const value = text.replace(/[\r\n]/g, '\n');
        expect(badEscapes(quoteString(value))).toEqual([]);
        expect(readString(quoteString(value))).toBe(value);
      }),
    );
  });
});
