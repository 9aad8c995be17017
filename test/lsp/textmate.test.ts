/** The TextMate grammar, with the tokenizer and the regular expressions that VS Code uses. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as Oniguruma from 'vscode-oniguruma';
import type * as Textmate from 'vscode-textmate';
import { beforeAll, describe, expect, it } from 'vitest';
import { generateTextmate } from '../../grammar/generate-textmate.js';
import { KEYWORDS } from '../../grammar/tokens.js';
import { lexPolicy } from '../../src/parser/policy/tokens.js';
import { SourceFile } from '../../src/source.js';
import { SHOP } from './workspace.js';

const ROOT = join(import.meta.dirname, '../..');
const PATH = join(ROOT, 'editors/vscode/syntaxes/pol.tmLanguage.json');

const require = createRequire(import.meta.url);
const oniguruma = require('vscode-oniguruma') as typeof Oniguruma;
const textmate = require('vscode-textmate') as typeof Textmate;

let grammar: Textmate.IGrammar;
beforeAll(async () => {
  const wasm = readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: () => Promise.resolve(textmate.parseRawGrammar(generateTextmate(), 'pol.json')),
  });
  const loaded = await registry.loadGrammar('source.pol');
  if (loaded === null) throw new Error('no grammar');
  grammar = loaded;
});

interface Coloured {
  readonly text: string;
  readonly scope: string;
  readonly start: number;
}

/** Every token of the text with its innermost scope; `start` counts from the text's beginning. */
function colour(text: string): readonly Coloured[] {
  const found: Coloured[] = [];
  let stack = textmate.INITIAL;
  let offset = 0;
  for (const line of text.split('\n')) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, stack);
    stack = ruleStack;
    for (const { startIndex, endIndex, scopes } of tokens) {
      const scope = scopes.at(-1) ?? '';
      found.push({ text: line.slice(startIndex, endIndex), scope, start: offset + startIndex });
    }
    offset += line.length + 1;
  }
  return found;
}

function scopeOf(text: string, part: string): string {
  const at = text.indexOf(part);
  const found = colour(text).findLast(({ start }) => start <= at);
  return found?.scope ?? '';
}

function policyFiles(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.pol'))
    .map((name) => join(ROOT, folder, name));
}

describe('the TextMate grammar', () => {
  it('is the one that the tokens make (npm run textmate)', () => {
    expect(readFileSync(PATH, 'utf8')).toBe(generateTextmate());
  });

  it('colours every word of the language, and no longer word that begins like one', () => {
    for (const word of KEYWORDS.keys()) {
      const scope = scopeOf(`  ${word} `, word);
      expect([word, scope]).toEqual([word, expect.stringMatching(/^(?:keyword|support)\./)]);
      for (const longer of [`${word}x`, `${word}-x`, `x-${word}`, `${word}.x`]) {
        if (KEYWORDS.has(longer)) continue;
        expect([longer, scopeOf(` ${longer} `, longer)]).toEqual([longer, 'variable.other.pol']);
      }
    }
  });

  it('finds nothing invalid in what the parser takes', () => {
    const files = policyFiles('policies');
    expect(files.length).toBeGreaterThan(0);
    const texts = [...files.map((path) => readFileSync(path, 'utf8')), SHOP];
    const invalid = texts.flatMap((text) =>
      colour(text).filter(({ scope }) => scope.startsWith('invalid')),
    );
    expect(invalid).toEqual([]);
  });

  it('colours as the lexer reads', () => {
    const kinds: readonly (readonly [token: RegExp, scope: RegExp])[] = [
      [/^Comment$/, /^comment/],
      [/^StringLiteral$/, /^string|^entity|^constant\.character/],
      [/^Address$/, /^constant\.numeric\.address/],
      [/^Time$/, /^constant\.other\.time/],
      [/^NumberLiteral$/, /^constant\.numeric\.integer/],
      [/^Identifier$/, /^(?:variable|entity|support\.type)/],
      [/^(?:Arrow|Equal|NotEqual|AtMost|Assign)$/, /^keyword\.operator\.pol/],
    ];
    const wrong: string[] = [];
    for (const path of [...policyFiles('policies'), ...policyFiles('test/cases-policy')]) {
      const text = readFileSync(path, 'utf8');
      const scopes = colour(text);
      const at = new Map(scopes.map((one) => [one.start, one]));
      for (const token of lexPolicy(new SourceFile(path, text))) {
        const expected = kinds.find(([name]) => name.test(token.tokenType.name))?.[1];
        const found = at.get(token.startOffset)?.scope ?? 'none';
        if (expected !== undefined && !expected.test(found)) {
          wrong.push(`${token.tokenType.name} ${token.image}: ${found}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('tells names, label keys and peers apart', () => {
    expect(scopeOf(SHOP, 'gateways = pods')).toBe('entity.name.type.pol');
    expect(scopeOf(SHOP, 'team ==')).toBe('variable.other.label.pol');
    expect(scopeOf(SHOP, 'pods in namespaces')).toBe('support.constant.peer.pol');
    expect(scopeOf(SHOP, 'tcp reason')).toBe('support.type.protocol.pol');
    expect(scopeOf('a "b\n allow', 'allow')).toBe('keyword.other.action.pol');
    expect(scopeOf("owner 'x'", "'x'")).toBe('invalid.illegal.quotes.pol');
    expect(scopeOf('group a = pods where name == "x"', 'name ==')).toBe('variable.other.label.pol');
  });
});
