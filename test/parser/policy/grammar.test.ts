/** The grammar as a whole: its EBNF is current, and its words are what the lexer knows. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generateEbnf } from '../../../grammar/generate-ebnf.js';
import { PolicyGrammar } from '../../../grammar/policy-grammar.js';
import { KEYWORDS } from '../../../grammar/tokens.js';

describe('the grammar', () => {
  it('is written down in policy.ebnf (npm run ebnf)', () => {
    expect(readFileSync('grammar/policy.ebnf', 'utf8')).toBe(generateEbnf());
  });

  it('names every word of the language in its EBNF', () => {
    const ebnf = generateEbnf();
    for (const word of KEYWORDS.keys()) expect(ebnf).toContain(`"${word}"`);
  });

  it('has no production for errors in its EBNF', () => {
    expect(generateEbnf()).not.toMatch(/Any(?:Top|InBlock|InRules|InHeader)/);
  });

  it('uses every rule that it defines', () => {
    const ebnf = generateEbnf();
    const rules = Object.keys(new PolicyGrammar().getGAstProductions());
    for (const rule of rules) expect(ebnf).toMatch(new RegExp(`^${rule} ::= `, 'm'));
  });
});
