/** The architecture: imports go one way, files stay small and say what they are. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** From the top of the pipeline to its foundations: a layer may import from itself and those below. */
const LAYERS: readonly (readonly [name: string, files: RegExp])[] = [
  ['commands', /^src\/(cli\.ts|cli\/|demo\.ts|demo\/)/],
  ['editor', /^src\/lsp\//],
  [
    'composition',
    /^src\/(check-sources|guardrails|lint|lint\/[a-z-]+|cluster-api|cluster-api\/[a-z]+|compile|compare|apply|verify|front-end|policy-operand|cost-report|budgets|portability)\.ts$/,
  ],
  ['configuration', /^src\/(config\.ts|config\/)/],
  ['loader', /^src\/loader\//],
  ['analysis', /^src\/analysis\//],
  ['validation', /^src\/validate\//],
  ['codegen', /^src\/codegen\//],
  ['ir', /^src\/ir\//],
  ['parser', /^src\/(parser\/|(read|git)-sources\.ts|read-(lines|flow-logs)\.ts|globs\.ts)/],
  ['grammar', /^grammar\//],
  ['rendering', /^src\/(render\.ts|render\/)/],
  [
    'vocabulary',
    /^src\/(source|diagnostics|catalog\/.*|address|byte-sizes|did-you-mean|multimap|target)(\.ts)?$/,
  ],
];

/** What the loader may know of the code generator: results, not how they are made. */
const LOADER_MAY_IMPORT =
  /^src\/codegen\/(bundle|bind|contents|layout|layout\/state|assembly\/listing|layout\/memory|vm|vm\/context|packet-judge|packets|gate|event|event\/[a-z]+)\.ts$/;

interface SourceText {
  readonly path: string;
  readonly text: string;
  /** Of values and types, also where they are loaded late. */
  readonly imports: readonly string[];
  /** Of values, when the file is loaded. */
  readonly needs: readonly string[];
}

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.name.endsWith('.ts')) yield path;
  }
}

function readSource(path: string): SourceText {
  const text = readFileSync(path, 'utf8');
  const name = relative(ROOT, path);
  const resolve = ([, specifier]: RegExpMatchArray): string =>
    normalize(join(dirname(name), specifier ?? '')).replace(/\.js$/, '.ts');
  const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(resolve);
  const needs = [...text.matchAll(/^(?:import|export) (?!type )[^;']*?from '(\.[^']+)'/gm)].map(
    resolve,
  );
  return { path: name, text, imports, needs };
}

const sources = ['src', 'grammar']
  .flatMap((folder) => [...walk(join(ROOT, folder))])
  .map(readSource);

function layerOf(path: string): number {
  return LAYERS.findIndex(([, files]) => files.test(path));
}

describe('the architecture', () => {
  it('has a layer for every file', () => {
    expect(sources.map(({ path }) => path).filter((path) => layerOf(path) < 0)).toEqual([]);
  });

  it('lets imports go down alone', () => {
    const upward = sources.flatMap(({ path, imports }) =>
      imports
        .filter((imported) => layerOf(imported) < layerOf(path))
        .map((imported) => `${path} imports ${imported}`),
    );
    expect(upward).toEqual([]);
  });

  it('shows the loader results of the code generator, and nothing else of it', () => {
    const prying = sources
      .filter(({ path }) => path.startsWith('src/loader/'))
      .flatMap(({ path, imports }) =>
        imports
          .filter((one) => one.startsWith('src/codegen/') && !LOADER_MAY_IMPORT.test(one))
          .map((imported) => `${path} imports ${imported}`),
      );
    expect(prying).toEqual([]);
  });

  it('has no import cycles between files', () => {
    const byPath = new Map(sources.map((one) => [one.path, one]));
    const done = new Set<string>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (trail.includes(path))
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
      if (done.has(path) || trail.includes(path)) return;
      for (const imported of byPath.get(path)?.needs ?? []) visit(imported, [...trail, path]);
      done.add(path);
    };
    for (const { path } of sources) visit(path, []);
    expect(cycles).toEqual([]);
  });

  it('keeps the pure stages from clocks, kernels and files', () => {
    const impure = sources
      .filter(({ path }) => /^(grammar|src\/(parser|ir|codegen|validate))\//.test(path))
      // Scripts: they write the grammar down for readers and for editors.
      .filter(({ path }) => !/^grammar\/generate-(?:ebnf|textmate)\.ts$/.test(path))
      .filter(({ text }) =>
        /from 'node:(fs|child_process|net|os)|Date\.now|Math\.random/.test(text),
      )
      .map(({ path }) => path);
    expect(impure).toEqual([]);
  });

  it('opens each file with what it is, and keeps it under 400 lines', () => {
    const unnamed = sources.filter(({ text }) => !text.startsWith('/**')).map(({ path }) => path);
    const long = sources
      .filter(({ text }) => text.split('\n').length > 401)
      .map(({ path }) => path);
    expect({ unnamed, long }).toEqual({ unnamed: [], long: [] });
  });

  it('has no default exports, enums, or promises of later work', () => {
    const banned = /^export default|^\s*(export )?enum |\b(TODO|FIXME|XXX)\b/m;
    expect(sources.filter(({ text }) => banned.test(text)).map(({ path }) => path)).toEqual([]);
  });
});
