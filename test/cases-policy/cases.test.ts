/** Runs all case files, and checks that together they reach every diagnostic of the language. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { env } from 'node:process';
import { describe, expect, it } from 'vitest';
import { policyCatalog } from '../../src/catalog/policy.js';
import { syntaxCatalog } from '../../src/catalog/syntax.js';
import { readCase, runCase, writeCase } from './case-file.js';

const folder = import.meta.dirname;
const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.case'))
  .sort();

describe('case files', () => {
  it.each(paths)('%s', (path) => {
    const found = readCase(readFileSync(join(folder, path), 'utf8'));
    const result = runCase(found);
    if (env['UPDATE_CASES'] === '1')
      writeFileSync(join(folder, path), writeCase(found.input, result));
    else expect(result.text).toBe(found.expected);
  });

  it('expect something each', () => {
    for (const path of paths) {
      const { expected, files } = readCase(readFileSync(join(folder, path), 'utf8'));
      expect(files.size, path).toBeGreaterThan(0);
      expect(expected.trim(), path).not.toBe('');
    }
  });

  it('reach every diagnostic of the syntax and policy catalogs', () => {
    const reached = new Set<string>();
    for (const path of paths) {
      const result = runCase(readCase(readFileSync(join(folder, path), 'utf8')));
      for (const one of result.diagnostics) reached.add(one.code);
    }
    const all = [...Object.keys(syntaxCatalog), ...Object.keys(policyCatalog)];
    expect(all.filter((code) => !reached.has(code))).toEqual([]);
  });
});
