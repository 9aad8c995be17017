/** The examples of the language's reference compile as they are printed. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { diagnostic } from '../../../src/diagnostics.js';
import { lowerPolicyFiles } from '../../../src/ir/lower-policy.js';
import { formatPolicy } from '../../../src/parser/format-policy.js';
import { parsePolicy } from '../../../src/parser/parse-policy.js';
import { SourceFile } from '../../../src/source.js';

const reference = readFileSync('docs/language.md', 'utf8');
const examples = [...reference.matchAll(/^```pol\n(.*?)^```$/gms)].map((match) => match[1] ?? '');

describe('docs/language.md', () => {
  it('has examples', () => {
    expect(examples.length).toBeGreaterThan(5);
  });

  it.each(examples)('example %#', (text) => {
    const source = new SourceFile('example.pol', text);
    const { value, diagnostics } = parsePolicy(source);
    expect(diagnostics).toEqual([]);
    const lowered = lowerPolicyFiles(value === undefined ? [] : [value], (path) =>
      diagnostic('source/not-found', { path }),
    );
    expect(lowered.diagnostics).toEqual([]);
    expect(formatPolicy(source).value).toBe(text);
  });
});
