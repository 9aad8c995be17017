/** The VS Code extension: its manifest holds together, and what it starts is a language server. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Identifier } from '../../grammar/tokens.js';
import { transpileSources } from '../cli/transpile.js';
import { Editor } from './client.js';
import { CLUSTER, Folder } from './workspace.js';

const ROOT = join(import.meta.dirname, '../../editors/vscode');

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
}

interface Manifest {
  readonly main: string;
  readonly contributes: {
    readonly languages: readonly { readonly id: string; readonly configuration: string }[];
    readonly grammars: readonly { readonly scopeName: string; readonly path: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, unknown>> };
  };
}

interface Started {
  readonly command: string;
  readonly args: readonly string[];
  readonly options: {
    readonly documentSelector: readonly { readonly language: string }[];
    readonly initializationOptions: unknown;
  };
  stopped: boolean;
}

/** Runs the extension against a VS Code that only knows what the extension asks for. */
async function activate(values: Readonly<Record<string, unknown>>): Promise<{
  readonly started: readonly Started[];
  readonly deactivate: () => Promise<void>;
}> {
  const started: Started[] = [];
  class LanguageClient {
    readonly #own: Started;
    constructor(
      _id: string,
      _name: string,
      server: { readonly command: string; readonly args: readonly string[] },
      options: Started['options'],
    ) {
      this.#own = { ...server, options, stopped: false };
    }
    start(): Promise<void> {
      started.push(this.#own);
      return Promise.resolve();
    }
    stop(): Promise<void> {
      this.#own.stopped = true;
      return Promise.resolve();
    }
  }
  const workspace = {
    getConfiguration: () => ({
      get: (key: string, otherwise: unknown) => values[key] ?? otherwise,
    }),
    onDidChangeConfiguration: () => ({ dispose: () => undefined }),
  };
  const modules: Readonly<Record<string, unknown>> = {
    vscode: { workspace },
    'vscode-languageclient/node': { LanguageClient },
  };
  const module = { exports: {} as Record<string, (context?: unknown) => Promise<void>> };
  const code = readFileSync(join(ROOT, 'extension.js'), 'utf8');
  // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the file is CommonJS, with modules that only VS Code has
  const run = new Function('require', 'module', code) as (
    require: (name: string) => unknown,
    into: typeof module,
  ) => void;
  run((name) => modules[name], module);
  await module.exports['activate']?.({ subscriptions: [] });
  return {
    started,
    deactivate: async () => module.exports['deactivate']?.(),
  };
}

let program = '';
beforeAll(() => {
  program = transpileSources();
}, 60_000);
afterAll(() => {
  rmSync(program, { recursive: true });
});

describe('the VS Code extension', () => {
  it('names files that are there, and words as the language has them', () => {
    const { main, contributes } = readJson('package.json') as Manifest;
    const [language] = contributes.languages;
    const [grammar] = contributes.grammars;
    for (const path of [main, language?.configuration ?? '', grammar?.path ?? '']) {
      expect([path, existsSync(join(ROOT, path))]).toEqual([path, true]);
    }
    expect(readJson(grammar?.path ?? '')).toMatchObject({ scopeName: grammar?.scopeName });
    const { wordPattern, indentationRules } = readJson('language-configuration.json') as {
      readonly wordPattern: string;
      readonly indentationRules: Readonly<Record<string, string>>;
    };
    expect(wordPattern).toBe(Identifier.PATTERN instanceof RegExp ? Identifier.PATTERN.source : '');
    expect('namespace shop {').toMatch(
      new RegExp(indentationRules['increaseIndentPattern'] ?? 'x'),
    );
    expect('  }').toMatch(new RegExp(indentationRules['decreaseIndentPattern'] ?? 'x'));
  });

  it('starts a language server that knows its settings', async () => {
    const folder = new Folder({
      'net/a.pol': 'group a = pods\ngroup a = pods\n',
      'b.pol': 'group b = unknown\n',
      'cluster.yaml': CLUSTER,
    });
    const { started, deactivate } = await activate({
      policies: ['net'],
      cluster: ['cluster.yaml'],
    });
    expect(started).toMatchObject([{ command: 'policyc', args: ['lsp'] }]);
    const [own] = started;
    expect(own?.options.documentSelector.map(({ language }) => language)).toEqual([
      ...['pol', 'yaml', 'json'],
    ]);
    const editor = await Editor.start(program, {
      root: folder.path,
      arguments: [...(own?.args.slice(1) ?? []), '--stdio'],
      settings: own?.options.initializationOptions,
    });
    await editor.until(() => editor.published.size > 0);
    expect([...editor.published.keys()]).toEqual([folder.uri('net/a.pol')]);
    expect(await editor.stop()).toBe(0);
    await deactivate();
    expect(own?.stopped).toBe(true);
    folder.remove();
  });
});
