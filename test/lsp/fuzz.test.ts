/**
 * Types real policies letter by letter, and at random places, to a server that is asked all the while.
 * It must never fail, and say in the end what `policyc check` says of the same files.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Diagnostic, TextDocumentContentChangeEvent } from 'vscode-languageserver-protocol';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { invoke } from '../cli/invoke.js';
import { transpileSources } from '../cli/transpile.js';
import { Editor } from './client.js';
import { CLUSTER, Folder, SHOP } from './workspace.js';

const REAL = readFileSync(
  join(import.meta.dirname, '../../policies/shop/policies/shop.pol'),
  'utf8',
);
const NETWORK_POLICY = readFileSync(
  join(import.meta.dirname, '../../policies/shop/policies/payments.yaml'),
  'utf8',
);

let program = '';
beforeAll(() => {
  program = transpileSources();
}, 60_000);
afterAll(() => {
  rmSync(program, { recursive: true });
});

interface CheckFinding {
  readonly code: string;
  readonly message: string;
  readonly path?: string;
  readonly line?: number;
  readonly column?: number;
}

/** `code line:column message`, sorted, as `policyc check` has it for one file. */
async function checked(folder: Folder, name: string): Promise<readonly string[]> {
  const { stdout } = await invoke([
    ...['check', folder.path, '--cluster', join(folder.path, 'cluster.yaml')],
    ...['--format', 'json'],
  ]);
  const { diagnostics } = JSON.parse(stdout) as { readonly diagnostics: readonly CheckFinding[] };
  // The editor knows its folder.
  const short = (text: string): string => text.replaceAll(`${folder.path}/`, '');
  return diagnostics
    .filter(({ path }) => path === join(folder.path, name))
    .map(({ code, line, column, message }) => `${code} ${line}:${column} ${short(message)}`)
    .sort();
}

function told(diagnostics: readonly Diagnostic[]): readonly string[] {
  return diagnostics
    .map(({ code, range: { start }, message }) => {
      const text = typeof message === 'string' ? message : message.value;
      return `${String(code)} ${start.line + 1}:${start.character + 1} ${text}`;
    })
    .sort();
}

const REQUESTS = [
  'textDocument/completion',
  'textDocument/hover',
  'textDocument/definition',
  'textDocument/references',
  'textDocument/documentHighlight',
  'textDocument/documentSymbol',
  'textDocument/foldingRange',
  'textDocument/semanticTokens/full',
  'textDocument/formatting',
  'textDocument/codeAction',
];

async function startWith(name: string, text: string) {
  const folder = new Folder({
    [name]: text,
    'b.pol': 'group other = pods\n',
    'cluster.yaml': CLUSTER,
  });
  // All of the folder, as `policyc check FOLDER` has it.
  const editor = await Editor.start(program, {
    root: folder.path,
    settings: { policies: ['.'], cluster: ['cluster.yaml'] },
  });
  const uri = folder.uri(name);
  await editor.open(uri, text, name.endsWith('.pol') ? 'pol' : 'yaml');
  const ask = (method: string, offset: number, document: TextDocument): Promise<unknown> => {
    const position = document.positionAt(offset);
    return editor.connection.sendRequest(method, {
      textDocument: { uri },
      position,
      range: { start: position, end: position },
      context: { includeDeclaration: true, diagnostics: [] },
      options: { tabSize: 2, insertSpaces: true },
    });
  };
  return { folder, editor, uri, ask };
}

/** The server has answered everything, and says the same as the command. */
async function expectSame(
  { folder, editor, uri }: Awaited<ReturnType<typeof startWith>>,
  name: string,
  text: string,
): Promise<void> {
  writeFileSync(join(folder.path, name), text);
  await editor.settled(uri);
  const expected = await checked(folder, name);
  expect(told(editor.diagnostics(uri))).toEqual(expected);
  expect(editor.logged.filter((one) => one.includes('fault of policyc'))).toEqual([]);
}

describe('typing', () => {
  it.each([
    ['a.pol', `use "b.pol"\n${REAL}`],
    ['a.pol', SHOP.replaceAll('\n', '\r\n')],
    ['a.yaml', NETWORK_POLICY],
  ])('%s letter by letter', { timeout: 120_000 }, async (name, text) => {
    const all = await startWith(name, '');
    const { editor, uri, ask, folder } = all;
    const document = TextDocument.create(uri, 'pol', 0, text);
    for (let i = 0; i < text.length; i += 1) {
      const start = document.positionAt(i);
      await editor.change(uri, [{ range: { start, end: start }, text: text[i] ?? '' }]);
      const typed = TextDocument.create(uri, 'pol', 0, text.slice(0, i + 1));
      if (i % 3 === 0) await ask('textDocument/completion', i + 1, typed);
      if (i % 11 === 0) await ask(REQUESTS[(i / 11) % REQUESTS.length] ?? '', i, typed);
    }
    await expectSame(all, name, text);
    expect(await editor.stop()).toBe(0);
    expect(editor.stderr).toBe('');
    folder.remove();
  });

  it.each([
    ['a.pol', [SHOP, REAL]],
    ['a.yaml', [NETWORK_POLICY]],
  ])('anything at random places of %s', { timeout: 240_000 }, async (name, texts) => {
    const pieces = fc.oneof(
      fc.constantFrom(
        '{',
        '}',
        '"',
        '[',
        ']',
        '(',
        '->',
        '\n',
        '\r\n',
        '#',
        ';',
        ',',
        '/',
        '=',
        ' ',
      ),
      fc.constantFrom(
        'namespace shop {',
        'group a = ',
        'pods where app == "x"',
        'use "b.pol"\n',
        'port 1/tcp',
        'é😀',
        '\ud83d',
        'frontend',
        'fe',
      ),
      fc.string({ maxLength: 4 }),
    );
    const edits = fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        length: fc.integer({ min: 0, max: 12 }),
        text: pieces,
        request: fc.constantFrom(...REQUESTS),
      }),
      { minLength: 5, maxLength: 25 },
    );
    const all = await startWith(name, texts[0] ?? '');
    const { editor, uri, ask, folder } = all;
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...texts), edits, async (start, list) => {
        await editor.change(uri, [{ text: start }]);
        // Whole first, so that nothing of an earlier run stays.
        await expectSame(all, name, start);
        let document = TextDocument.create(uri, 'pol', 0, start);
        for (const { at, length, text, request } of list) {
          const from = Math.floor(at * document.getText().length);
          const change: TextDocumentContentChangeEvent = {
            range: { start: document.positionAt(from), end: document.positionAt(from + length) },
            text,
          };
          await editor.change(uri, [change]);
          document = TextDocument.update(document, [change], document.version + 1);
          await ask(request, from, document);
          await ask(
            'textDocument/completion',
            Math.min(from + text.length, document.getText().length),
            document,
          );
        }
        // A file cannot hold half of a character.
        if (/\p{Surrogate}/u.test(document.getText())) return;
        await expectSame(all, name, document.getText());
      }),
      { numRuns: 25 },
    );
    expect(await editor.stop()).toBe(0);
    expect(editor.stderr).toBe('');
    folder.remove();
  });

  it('in two files that use each other’s names', { timeout: 240_000 }, async () => {
    const files = {
      'a.pol': `use "b.pol"\n${SHOP}group mine = other\n`,
      'b.pol': 'group other = pods\n',
    };
    const all = await startWith('a.pol', files['a.pol']);
    const { editor, folder } = all;
    const uris = { 'a.pol': all.uri, 'b.pol': folder.uri('b.pol') };
    await editor.open(uris['b.pol'], files['b.pol']);
    const change = fc.record({
      name: fc.constantFrom('a.pol' as const, 'b.pol' as const),
      text: fc.constantFrom(
        ...['group other = pods\n', 'set other: cidr = []\n', 'group another = pods\n', ''],
        ...['group other = other\n', 'use "a.pol"\n', 'group broken = \n', files['a.pol'], SHOP],
        ...['use "b.pol"\ngroup x = other\n', 'use "c.pol"\n', 'policy closed {}\n'],
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const now: Record<string, string> = { ...files };
        for (const name of ['a.pol', 'b.pol'] as const)
          await editor.change(uris[name], [{ text: files[name] }]);
        for (const { name, text } of changes) {
          now[name] = text;
          await editor.change(uris[name], [{ text }]);
        }
        for (const [name, text] of Object.entries(now))
          writeFileSync(join(folder.path, name), text);
        for (const uri of Object.values(uris)) await editor.settled(uri);
        await editor.quiet(150);
        for (const name of ['a.pol', 'b.pol'] as const) {
          const expected = await checked(folder, name);
          const found = told(editor.diagnostics(uris[name]));
          // What was said of a file that has not changed may stay while another one is broken.
          const isWhole = now[name] !== files[name] || expected.length > 0;
          if (isWhole) expect([name, found]).toEqual([name, expected]);
          else expect(found).toEqual(expect.arrayContaining([...expected]));
        }
        expect(editor.logged.filter((one) => one.includes('fault of policyc'))).toEqual([]);
      }),
      { numRuns: 40 },
    );
    expect(await editor.stop()).toBe(0);
    folder.remove();
  });
});
