/** Finds the exact place of a key or a value by parsing one object's text again, with full positions. */
import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { startOfLine, type Extent } from './positions.js';
import { resolvePlainScalar } from './scalars.js';
import type { JsonPath } from './value.js';

// Loaded only when there is something to say: most runs never need it.
const require = createRequire(import.meta.url);

/** Where an entry stands: its key (for items of lists, and at the root, the value) and its value. */
export interface Location {
  readonly key: Extent;
  /** That of the key where the value is written as nothing. */
  readonly value: Extent;
}

/** A text parsed for its positions. */
export class LocatedText {
  readonly #yaml: typeof Yaml;
  readonly #document: Yaml.Document.Parsed;
  /** What to add to an offset of the document to get one of the file. */
  readonly #shift: number;
  /** Made when a mapping is first searched: one with many faulty keys is searched for each of them. */
  readonly #pairs = new Map<Yaml.YAMLMap, ReadonlyMap<string, Yaml.Pair>>();

  /** @param extent of one mapping in `text`, in any style and at any indentation */
  constructor(text: string, extent: Extent) {
    this.#yaml = require('yaml') as typeof Yaml;
    // In flow style columns mean nothing, and a line may be as long as the file.
    const isFlow = text[extent.start] === '{';
    const column = isFlow ? 0 : extent.start - startOfLine(text, extent.start);
    this.#shift = extent.start - column;
    const padded = ' '.repeat(column) + text.slice(extent.start, extent.end);
    this.#document = this.#yaml.parseDocument(padded, { uniqueKeys: false, logLevel: 'silent' });
  }

  /** The entry at the path, or the nearest entry above it that the text has. */
  locate(path: JsonPath): Location | undefined {
    let node: unknown = this.#document.contents;
    let found = this.#ofValue(node);
    for (const step of path) {
      const entry = this.#step(node, step);
      if (entry === undefined) break;
      found = entry.location ?? found;
      node = entry.node;
    }
    return found;
  }

  #step(node: unknown, step: string | number): Entry | undefined {
    const here = this.#yaml.isAlias(node) ? node.resolve(this.#document) : node;
    if (typeof step === 'number') {
      if (!this.#yaml.isSeq(here)) return undefined;
      const item: unknown = here.items[step];
      if (item === undefined) return undefined;
      return { node: item, location: this.#ofValue(item) };
    }
    if (!this.#yaml.isMap(here)) return undefined;
    const pair = this.#pairsOf(here).get(step);
    if (pair !== undefined) {
      const key = this.#ofValue(pair.key);
      const value = this.#ofValue(pair.value);
      const location = key && { key: key.value, value: value?.value ?? key.value };
      return { node: pair.value, location };
    }
    return this.#merged(here, step);
  }

  #merged(map: Yaml.YAMLMap, step: string): Entry | undefined {
    const merge = this.#pairsOf(map).get('<<');
    if (merge === undefined) return undefined;
    const sources: unknown[] = this.#yaml.isSeq(merge.value) ? merge.value.items : [merge.value];
    for (const source of sources) {
      const entry = this.#step(source, step);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  #pairsOf(map: Yaml.YAMLMap): ReadonlyMap<string, Yaml.Pair> {
    const known = this.#pairs.get(map);
    if (known !== undefined) return known;
    const pairs = new Map<string, Yaml.Pair>();
    for (const pair of map.items) {
      const key = this.#keyText(pair.key);
      if (key !== undefined && !pairs.has(key)) pairs.set(key, pair);
    }
    this.#pairs.set(map, pairs);
    return pairs;
  }

  /** The key as a string, as the reader of values has it. */
  #keyText(key: unknown): string | undefined {
    if (!this.#yaml.isScalar(key)) return undefined;
    if (key.type === 'PLAIN' && key.source !== undefined) {
      return String(resolvePlainScalar(key.source));
    }
    return String(key.value);
  }

  #ofValue(node: unknown): Location | undefined {
    if (!this.#yaml.isNode(node)) return undefined;
    const { range } = node;
    if (range === null || range === undefined || range[0] === range[1]) return undefined;
    const extent = { start: range[0] + this.#shift, end: range[1] + this.#shift };
    return { key: extent, value: extent };
  }
}

interface Entry {
  readonly node: unknown;
  readonly location: Location | undefined;
}
