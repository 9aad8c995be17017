/** Texts in double quotes: their escapes, both ways. */

const ESCAPES: Readonly<Record<string, string>> = { '"': '"', '\\': '\\', n: '\n', t: '\t' };

/** A backslash with what follows it, by offset in the literal, where it is no escape. */
export interface BadEscape {
  readonly offset: number;
  readonly text: string;
}

/** The escapes of a literal, quotes included, that the language does not know. */
export function badEscapes(literal: string): readonly BadEscape[] {
  if (!literal.includes('\\')) return [];
  return [...literal.matchAll(/\\./gsu)]
    .filter((match) => ESCAPES[match[0].slice(1)] === undefined)
    .map((match) => ({ offset: match.index, text: match[0] }));
}

/** The value of a literal, quotes included. */
export function readString(literal: string): string {
  return literal
    .slice(1, -1)
    .replace(/\\(.)/gsu, (whole, escaped: string) => ESCAPES[escaped] ?? whole);
}

/** The literal of a value. */
export function quoteString(value: string): string {
  const escaped = value.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n').replace(/\t/g, '\\t');
  return `"${escaped}"`;
}
