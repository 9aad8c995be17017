/** policyc.yaml: finds it, reads and checks it, and says what commands take from it. */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { describeFault, type Places } from './config/faults.js';
import { CONFIG_SCHEMA } from './config/schema.js';
import type { ConfigValues, Paths } from './config/values.js';
import { bug, diagnostic, InputError, throwIfErrors, type Diagnostic } from './diagnostics.js';
import { isGlob } from './globs.js';
import { makeAjv } from './parser/ajv.js';
import { parseDocuments } from './parser/yaml/documents.js';
import { LocatedText } from './parser/yaml/locate.js';
import { contentStart, firstLine, type Extent } from './parser/yaml/positions.js';
import {
  describeType,
  isObject,
  pathOfPointer,
  type JsonPath,
  type JsonValue,
} from './parser/yaml/value.js';
import { CONFIG_NAMES, readSources } from './read-sources.js';
import { span, type SourceFile, type Span } from './source.js';

/** What an option or an operand may take from the file; docs/config.md says what each is. */
export type ConfigDefault =
  | 'policies'
  | 'guardrails'
  | 'cluster'
  | 'clusters'
  | 'target'
  | 'table-budget'
  | 'base'
  | 'fail-on'
  | 'accept'
  | 'lint-fail-on';

export class Config {
  constructor(
    readonly file: SourceFile,
    readonly values: ConfigValues,
    readonly places: Places,
  ) {}

  /** The paths of a key, as they are called from the working directory. */
  paths(key: JsonPath, paths: Paths): readonly string[] {
    const list = typeof paths === 'string' ? [paths] : paths;
    return list.map((path, i) => {
      const here = this.#fromHere(path);
      if (existsSync(here) || isGlob(here)) return here;
      const at = this.places.spanOf(typeof paths === 'string' ? key : [...key, i]);
      const args = { key: String(key[0]), path };
      throw new InputError([diagnostic('config/no-such-path', args, at)]);
    });
  }

  get clusterNames(): readonly string[] {
    return Object.keys(this.values.clusters ?? {});
  }

  /** The paths of the cluster of that name, if there is one. */
  cluster(name: string): readonly string[] | undefined {
    const clusters = this.values.clusters ?? {};
    const paths = Object.hasOwn(clusters, name) ? clusters[name] : undefined;
    return paths === undefined ? undefined : this.paths(['clusters', name], paths);
  }

  /**
   * What stands in for an option that is not given: one text, the values of a list, or a list for
   * each occurrence.
   * @throws InputError where several clusters are there and the command takes one
   */
  defaultOf(key: ConfigDefault, command: string): string | readonly unknown[] | undefined {
    const { policies, guardrails, target, diff } = this.values;
    switch (key) {
      case 'policies':
        return policies === undefined ? undefined : this.paths(['policies'], policies);
      case 'guardrails':
        return guardrails === undefined ? undefined : this.paths(['guardrails'], guardrails);
      case 'cluster':
        return this.#oneCluster(command);
      case 'clusters': {
        const names = this.clusterNames;
        return names.length === 0 ? undefined : names.map((name) => this.cluster(name) ?? []);
      }
      case 'target':
        return target;
      case 'table-budget':
        return this.values['table-budget'];
      case 'base':
        return diff?.base;
      case 'fail-on':
        return diff?.['fail-on']?.join(',');
      case 'lint-fail-on':
        return this.values.lint?.['fail-on'];
      case 'accept':
        return diff?.accept === undefined
          ? undefined
          : this.paths(['diff', 'accept'], diff.accept)[0];
    }
  }

  #oneCluster(command: string): readonly string[] | undefined {
    const known = this.clusterNames;
    const name = this.values.cluster ?? (known.length === 1 ? known[0] : undefined);
    if (name !== undefined) return this.cluster(name);
    if (known.length === 0) return undefined;
    const at = this.places.keySpanOf(['clusters']);
    throw new InputError([diagnostic('config/which-cluster', { command, known }, at)]);
  }

  #fromHere(path: string): string {
    if (isAbsolute(path)) return path;
    const whole = join(dirname(resolve(this.file.path)), path);
    const here = relative(process.cwd(), whole);
    // What lies above is easier to read as it is.
    if (here === '') return '.';
    return path.endsWith('/') && !here.endsWith('/') ? `${here}/` : here;
  }
}

/**
 * The file that holds for a folder: the nearest one from it upwards, not past the top of a repository.
 * Of two in one folder the first of the names is taken.
 * @returns undefined where there is none
 */
export function findConfig(folder: string): string | undefined {
  let here = resolve(folder);
  for (;;) {
    for (const name of CONFIG_NAMES) {
      const path = join(here, name);
      if (existsSync(path)) return relative(process.cwd(), path);
    }
    const above = dirname(here);
    if (existsSync(join(here, '.git')) || above === here) return undefined;
    here = above;
  }
}

/** @throws InputError with everything that is wrong with the file */
export function readConfig(path: string): Config {
  if (!existsSync(path)) throw new InputError([diagnostic('config/not-found', { path })]);
  const read = readSources([path]);
  throwIfErrors(read.diagnostics);
  const file = read.value?.[0] ?? bug('no file, and no error that says why');
  return parseConfig(file);
}

/** @throws InputError with everything that is wrong with the text */
export function parseConfig(file: SourceFile): Config {
  const { documents, diagnostics } = parseDocuments(file);
  throwIfErrors(diagnostics);
  const [first, second] = documents;
  const value = first?.value ?? {};
  const extent = { start: first?.start ?? 0, end: first?.end ?? file.text.length };
  if (!isObject(value) || second !== undefined) {
    const found = second === undefined ? describeType(value) : 'several documents';
    const at = spanOfExtent(file, second ?? extent);
    throw new InputError([diagnostic('config/not-a-mapping', { found }, at)]);
  }
  const places = placesOf(file, extent);
  const faults = [...schemaFaults(value, places), ...clusterFaults(value, places)];
  throwIfErrors(faults.sort((a, b) => (a.span?.start ?? 0) - (b.span?.start ?? 0)));
  return new Config(file, value, places);
}

function schemaFaults(value: JsonValue, places: Places): readonly Diagnostic[] {
  const validate = makeAjv().compile(CONFIG_SCHEMA);
  if (validate(value)) return [];
  return (validate.errors ?? []).map((error) =>
    describeFault(error, pathOfPointer(value, error.instancePath), places),
  );
}

/** `cluster` has to name one of `clusters`. */
function clusterFaults(value: JsonValue, places: Places): readonly Diagnostic[] {
  const { cluster, clusters } = value as {
    readonly cluster?: JsonValue;
    readonly clusters?: JsonValue;
  };
  const known = isObject(clusters) ? Object.keys(clusters) : [];
  if (typeof cluster !== 'string' || cluster === '' || known.includes(cluster)) return [];
  return [
    diagnostic('config/unknown-cluster', { name: cluster, known }, places.spanOf(['cluster'])),
  ];
}

function placesOf(file: SourceFile, extent: Extent): Places {
  let located: LocatedText | undefined;
  const locate = (path: JsonPath): { readonly key: Extent; readonly value: Extent } => {
    located ??= new LocatedText(file.text, {
      start: contentStart(file.text, extent.start),
      end: extent.end,
    });
    return located.locate(path) ?? { key: extent, value: extent };
  };
  return {
    keySpanOf: (path) => spanOfExtent(file, locate(path).key),
    spanOf: (path) => spanOfExtent(file, locate(path).value),
  };
}

function spanOfExtent(file: SourceFile, extent: Extent): Span {
  const line = firstLine(file.text, extent);
  return span(file, line.start, line.end);
}
