/** One Kubernetes object of a file, with the places of everything in it. */
import { span, type SourceFile, type Span } from '../../source.js';
import { LocatedText } from '../yaml/locate.js';
import {
  contentStart,
  endOfLine,
  firstLine,
  type Extent,
  type NodePositions,
} from '../yaml/positions.js';
import { isObject, valueAt, type JsonObject, type JsonPath } from '../yaml/value.js';

/** An object with its type; spans are made when they are asked for. */
export class K8sObject {
  #located: LocatedText | undefined;

  constructor(
    readonly apiVersion: string,
    readonly kind: string,
    readonly value: JsonObject,
    readonly file: SourceFile,
    readonly positions: NodePositions,
  ) {}

  /** `metadata.name`, where it is a string. */
  get name(): string | undefined {
    return this.#metadata('name');
  }

  get namespace(): string | undefined {
    return this.#metadata('namespace');
  }

  /** The value's text: exact for scalars and flow style, the first line of block style. */
  spanOf(path: JsonPath): Span {
    const extent = this.#locate(path)?.value ?? this.#extent();
    return this.#span(firstLine(this.file.text, extent));
  }

  /** The key's text; for an item of a list, its first line. */
  keySpanOf(path: JsonPath): Span {
    const extent = this.#locate(path)?.key ?? this.#extent();
    return this.#span(firstLine(this.file.text, extent));
  }

  /** A key with its value, as far as that stands on the same line. */
  entrySpanOf(path: JsonPath): Span {
    const key = this.keySpanOf(path);
    const value = this.spanOf(path);
    const { text } = this.file;
    const together = key.start <= value.start && endOfLine(text, key.start, value.end) >= value.end;
    return together ? span(this.file, key.start, value.end) : key;
  }

  /** The first line of a mapping or a list in this object; cheap, unlike {@link spanOf}. */
  spanOfNode(node: object, path: JsonPath): Span {
    const extent = this.positions.extentOf(node);
    return extent === undefined ? this.spanOf(path) : this.#span(firstLine(this.file.text, extent));
  }

  /** The value of `metadata.name`, or the object's first line where it has none. */
  nameSpan(): Span {
    const metadata = this.value['metadata'];
    const { name } = this;
    if (!isObject(metadata) || name === undefined)
      return this.#span(firstLine(this.file.text, this.#extent()));
    const fast = findName(this.file.text, metadata, name, this.positions);
    return fast === undefined ? this.spanOf(['metadata', 'name']) : this.#span(fast);
  }

  /** The text of a scalar as it is written, quotes and all. */
  textOf(path: JsonPath): string {
    const at = this.spanOf(path);
    return this.file.text.slice(at.start, at.end);
  }

  /** The whole text of an entry, key and value apart; undefined where the object has none there. */
  extentsOf(path: JsonPath): { readonly key: Extent; readonly value: Extent } | undefined {
    return valueAt(this.value, path) === undefined ? undefined : this.#locate(path);
  }

  /** The object's own text. */
  get extent(): Extent {
    return this.#extent();
  }

  #metadata(field: 'name' | 'namespace'): string | undefined {
    const metadata = this.value['metadata'];
    const value = isObject(metadata) ? metadata[field] : undefined;
    return typeof value === 'string' ? value : undefined;
  }

  #extent(): Extent {
    return this.positions.extentOf(this.value) ?? { start: 0, end: this.file.text.length };
  }

  #locate(path: JsonPath): { readonly key: Extent; readonly value: Extent } | undefined {
    if (this.#located === undefined) {
      const { start, end } = this.#extent();
      const from = contentStart(this.file.text, start);
      this.#located = new LocatedText(this.file.text, { start: from, end });
    }
    return this.#located.locate(path);
  }

  #span(extent: Extent): Span {
    return span(this.file, extent.start, extent.end);
  }
}

/**
 * Finds the value of the key `name` directly in the text of `metadata`, past labels and annotations,
 * which may have a key of that name too. Undefined where the text leaves a doubt.
 */
function findName(
  text: string,
  metadata: JsonObject,
  name: string,
  positions: NodePositions,
): Extent | undefined {
  const extent = positions.extentOf(metadata);
  if (extent === undefined) return undefined;
  const inner = Object.values(metadata).flatMap((value) =>
    typeof value === 'object' && value !== null ? (positions.extentOf(value) ?? []) : [],
  );
  const start = contentStart(text, extent.start);
  const body = text.slice(start, extent.end);
  const found: Extent[] = [];
  const pattern =
    /(?<=^|[{,\n\r][ \t\r\n]*)(["']?)name\1[ \t]*:[ \t]*(["']?)([^\s"',}]*)\2(?=[\s,}]|$)/g;
  for (const match of body.matchAll(pattern)) {
    const end = start + match.index + match[0].length;
    if (match[3] !== name || inner.some((one) => one.start < end && end <= one.end)) continue;
    found.push({ start: end - name.length - 2 * (match[2] ?? '').length, end });
  }
  return found.length === 1 ? found[0] : undefined;
}
