/** Where the mappings and sequences of a parsed text stand, by identity of the parsed value. */

/** A half-open range of offsets in UTF-16 units. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/**
 * Recorded while parsing, which must be cheap: the index by value is built when it is first asked
 * for, so that a large snapshot, of which few positions are needed, does not pay for it.
 */
export class NodePositions {
  readonly #nodes: object[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #index: Map<object, number> | undefined;

  record(node: object, start: number, end: number): void {
    this.#nodes.push(node);
    this.#starts.push(start);
    this.#ends.push(end);
    this.#index = undefined;
  }

  /** The extent as the parser reported it; an anchored value has that of its anchor. */
  extentOf(node: object): Extent | undefined {
    const at = this.#indexed().get(node);
    if (at === undefined) return undefined;
    return { start: this.#starts[at] ?? 0, end: this.#ends[at] ?? 0 };
  }

  #indexed(): Map<object, number> {
    if (this.#index !== undefined) return this.#index;
    const index = new Map<object, number>();
    // The innermost report of a value comes first and is the exact one.
    this.#nodes.forEach((node, i) => {
      if (!index.has(node)) index.set(node, i);
    });
    this.#index = index;
    return index;
  }
}

const SPACE = 32;
const TAB = 9;
const LF = 10;
const CR = 13;

/** The offset of a node's first character: past white space, comments, anchors and tags. */
export function contentStart(text: string, offset: number): number {
  let at = offset;
  for (;;) {
    const unit = text.charCodeAt(at);
    if (unit === SPACE || unit === TAB || unit === LF || unit === CR) {
      at += 1;
    } else if (text[at] === '#') {
      at = endOfLine(text, at);
    } else if (text[at] === '&' || text[at] === '!') {
      while (at < text.length && !/[\s,[\]{}]/.test(text[at] ?? '')) at += 1;
    } else {
      return at;
    }
  }
}

/** The offset of the line break that ends the line of `offset`, or `limit` if that comes first. */
export function endOfLine(text: string, offset: number, limit = text.length): number {
  let at = offset;
  for (; at < limit; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === LF || unit === CR) break;
  }
  return at;
}

/** The offset at which the line of `offset` begins. */
export function startOfLine(text: string, offset: number): number {
  let at = offset;
  for (; at > 0; at -= 1) {
    const unit = text.charCodeAt(at - 1);
    if (unit === LF || unit === CR) break;
  }
  return at;
}

/** The part of an extent on its first line, which is what a person looks for. */
export function firstLine(text: string, extent: Extent): Extent {
  const start = contentStart(text, extent.start);
  // The limit matters: a JSON file of megabytes may be one line.
  // The YAML parser ends the text with a line break if it has none, and may count that.
  const limit = Math.min(extent.end, text.length);
  let end = Math.max(start, endOfLine(text, start, limit));
  while (end > start && /\s/.test(text[end - 1] ?? '')) end -= 1;
  return { start, end };
}
