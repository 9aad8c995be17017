/** Formatting: the canonical form, idempotent, with all comments and the same meaning. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BLOCK_ENDS,
  CloseDeep,
  Comma,
  EndDeep,
  OpenBlock,
  STATEMENT_ENDS,
} from '../../../grammar/tokens.js';
import { formatPolicy } from '../../../src/parser/format-policy.js';
import { parsePolicy } from '../../../src/parser/parse-policy.js';
import { endOf, tokenizePolicy } from '../../../src/parser/policy/tokens.js';
import { SourceFile } from '../../../src/source.js';
import { readCase } from '../../cases-policy/case-file.js';

function format(text: string): string {
  const { value, diagnostics } = formatPolicy(new SourceFile('test.pol', text));
  expect(diagnostics).toEqual([]);
  return value ?? '';
}

/** The tree without its spans; clauses that are nothing but a span are `true`. */
function meaning(text: string): unknown {
  const { value } = parsePolicy(new SourceFile('test.pol', text));
  expect(value, text).toBeDefined();
  const withoutSpan = (key: string, inner: unknown): unknown => {
    if (key === 'span') return undefined;
    return key === 'log' || key === 'reject' ? true : inner;
  };
  return JSON.parse(JSON.stringify(value?.statements, withoutSpan));
}

function commentsOf(text: string): readonly string[] {
  return tokenizePolicy(new SourceFile('test.pol', text)).comments.map((one) =>
    one.image.trimEnd(),
  );
}

const folder = join(import.meta.dirname, '../../cases-policy');
const corpus = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.case'))
  .flatMap((path) => [...readCase(readFileSync(join(folder, path), 'utf8')).files.values()])
  .filter((file) => parsePolicy(file).value !== undefined && file.text.length < 5000);

describe('formatPolicy', () => {
  it('writes a statement a line, with blocks indented', () => {
    const text = `# top


group   a=pods   where (x=="1"or y   exists)   ;set s:cidr=[ 10.0.0.0/8 ,fd00::/8 ]# set
namespace shop{

   isolate ingress  ,egress;owner "x"  # own
   # alone

   flow a->a port 80 - 90/tcp , "m" / tcp log }
policy p tier admin priority 1 { subject pods in namespaces where a=="b"/pods ; ingress { deny from any } }`;
    expect(format(text)).toBe(`# top

group a = pods where (x == "1" or y exists)
set s: cidr = [10.0.0.0/8, fd00::/8] # set
namespace shop {
  isolate ingress, egress
  owner "x" # own
  # alone

  flow a -> a port 80-90/tcp, "m"/tcp log
}
policy p tier admin priority 1 {
  subject pods in namespaces where a == "b" / pods
  ingress {
    deny from any
  }
}
`);
  });

  it('breaks long lines where a line break has no meaning', () => {
    const blocks = Array.from({ length: 12 }, (_, i) => `10.${i}.0.0/16`).join(', ');
    const formatted = format(`set s : cidr = [${blocks}] except [10.0.1.0/24]`);
    expect(formatted)
      .toBe(`set s: cidr = [10.0.0.0/16, 10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16, 10.4.0.0/16, 10.5.0.0/16,
    10.6.0.0/16, 10.7.0.0/16, 10.8.0.0/16, 10.9.0.0/16, 10.10.0.0/16, 10.11.0.0/16]
    except [10.0.1.0/24]
`);
    expect(format(formatted)).toBe(formatted);
  });

  it('keeps comments in the middle of a statement', () => {
    const text = `ports web = 80/tcp, # http
  # secure
  443/tcp
`;
    expect(format(text)).toBe(`ports web = 80/tcp, # http
    # secure
    443/tcp
`);
  });

  it('formats nothing that has errors', () => {
    const { value, diagnostics } = formatPolicy(new SourceFile('test.pol', 'group = x'));
    expect(value).toBeUndefined();
    expect(diagnostics.map((one) => one.code)).toEqual(['syntax/unexpected']);
  });

  it('has a corpus to work on', () => {
    expect(corpus.length).toBeGreaterThan(30);
  });

  it('changes no meaning, loses no comment and is idempotent, however the text is laid out', () => {
    fc.assert(
      fc.property(fc.constantFrom(...corpus), fc.infiniteStream(fc.nat(99)), (file, dice) => {
        const text = scatter(file, () => dice.next().value as number);
        expect(meaning(text)).toEqual(meaning(file.text));
        const formatted = format(text);
        expect(meaning(formatted)).toEqual(meaning(text));
        expect(commentsOf(formatted)).toEqual(commentsOf(text));
        expect(format(formatted)).toBe(formatted);
      }),
      { numRuns: 300 },
    );
  });
});

/** Lays the tokens of a file out at random, with comments and blank lines, keeping the meaning. */
function scatter(file: SourceFile, roll: () => number): string {
  const { tokens } = tokenizePolicy(file);
  let text = '';
  let end = 0;
  let number = 0;
  const comment = (): string => (roll() < 15 ? ` # c${(number += 1)}` : '');
  const lineBreak = (): string => `${comment()}\n${roll() < 20 ? `${comment()}\n\n` : ''}`;
  for (const token of tokens) {
    if (token.tokenType === EndDeep || STATEMENT_ENDS.includes(token.tokenType)) {
      text += roll() < 30 ? ' ; ' : lineBreak();
      continue;
    }
    const closes = token.tokenType === CloseDeep || BLOCK_ENDS.includes(token.tokenType);
    const joined = !closes && endOf(token) > 0 && end === token.startOffset && end > 0;
    text += joined ? '' : ' '.repeat(1 + (roll() % 3));
    text += token.image;
    if (token.tokenType === Comma && roll() < 30) text += lineBreak();
    if (token.tokenType === OpenBlock && roll() < 50) text += lineBreak();
    end = endOf(token);
  }
  return text;
}
