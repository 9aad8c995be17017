/** Refuses documents whose aliases form a cycle or expand to more values than a reader could walk. */
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import type { Span } from '../../source.js';
import { MAX_DEPTH } from './json-text.js';
import type { JsonValue } from './value.js';

const MAX_VALUES = 1_000_000;

interface Expansion {
  /** Values, as if every alias were written out. */
  readonly size: number;
  readonly height: number;
}

const LEAF: Expansion = { size: 1, height: 0 };

/** Measures the value with every alias written out; linear in the values that are there. */
export function checkExpansion(value: JsonValue, at: Span): Diagnostic | undefined {
  const measured = new Map<object, Expansion>();
  const open = new Set<object>();
  const cycles: object[] = [];
  const measure = (node: JsonValue): Expansion => {
    if (typeof node !== 'object' || node === null) return LEAF;
    const known = measured.get(node);
    if (known !== undefined) return known;
    if (open.has(node)) {
      cycles.push(node);
      return LEAF;
    }
    // Chains of aliases nest deeper than the text does.
    if (open.size > MAX_DEPTH) return { size: 1, height: MAX_DEPTH };
    open.add(node);
    let size = 1;
    let height = 0;
    for (const child of Object.values<JsonValue>(node)) {
      const inner = measure(child);
      size += inner.size;
      height = Math.max(height, inner.height + 1);
    }
    open.delete(node);
    measured.set(node, { size, height });
    return { size, height };
  };
  const { size, height } = measure(value);
  if (cycles.length > 0) return diagnostic('yaml/alias-cycle', {}, at);
  if (height > MAX_DEPTH) return diagnostic('yaml/too-deep', { limit: MAX_DEPTH }, at);
  if (size > MAX_VALUES) return diagnostic('yaml/alias-bomb', { limit: MAX_VALUES }, at);
  return undefined;
}
