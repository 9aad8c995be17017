/** What is refused or warned about: code, place, underlined text, hint, severity. */
import { describe, expect, it } from 'vitest';
import { k8sCatalog } from '../../../src/catalog/k8s.js';
import { hasErrors } from '../../../src/diagnostics.js';
import { lowerText, networkPolicy, policyOf, said } from './reading.js';
import { REFUSALS } from './refusals.js';

describe('policies that are refused or doubtful', () => {
  it.each(REFUSALS.map((one) => [one.name, one] as const))('%s', (_name, refusal) => {
    const { value, diagnostics } = lowerText(refusal.text);
    const found = said(diagnostics);
    const codes = found.map(({ code }) => code);
    expect(codes, JSON.stringify(found)).toContain(refusal.code);
    const [match] = found.filter(
      ({ code, text }) => code === refusal.code && text === refusal.underlines,
    );
    expect(match, JSON.stringify(found)).toBeDefined();
    if (refusal.at !== undefined) expect(found.map(({ at }) => at)).toContain(refusal.at);
    if (refusal.hint != null) expect(match?.hint).toMatch(refusal.hint);
    expect(hasErrors(diagnostics)).toBe(refusal.severity !== 'warning');
    expect(value === undefined).toBe(refusal.severity !== 'warning');
  });

  it('reaches every entry of the catalog', () => {
    const reached = new Set(REFUSALS.map(({ code }) => code));
    expect(Object.keys(k8sCatalog).filter((code) => !reached.has(code))).toEqual([]);
  });

  it('never speaks in the words of the schema validator', () => {
    for (const refusal of REFUSALS) {
      for (const { message, hint } of said(lowerText(refusal.text).diagnostics)) {
        expect(`${message} ${hint ?? ''}`).not.toMatch(
          /must NOT|must be (equal|object|array|integer|[<>]=)|must have required|instancePath|#\//,
        );
        expect(message).not.toMatch(/undefined|\[object|\.$/);
      }
    }
  });

  it('reports all errors of all policies at once, in the order of the text', () => {
    const text = REFUSALS.filter(({ code }) => code === 'k8s/bad-cidr' || code === 'k8s/end-port')
      .map((one, i) => one.text.replace(/name: p\b/, `name: p${i}`))
      .join('---\n');
    const found = said(lowerText(text).diagnostics).filter(({ code }) => code !== 'k8s/end-port');
    expect(found.length).toBeGreaterThanOrEqual(4);
    const lines = found.map(({ at }) => Number(at.split(':')[0]));
    expect(lines).toEqual(lines.toSorted((a, b) => a - b));
  });
});

it('takes namespaces and labels that are called `y` or `n` without quotes', () => {
  const text = networkPolicy('podSelector: {matchLabels: {x: y, z: N}}');
  const policy = policyOf(text.replace('namespace: shop', 'namespace: n'));
  expect(policy.namespace).toBe('n');
  expect(JSON.stringify(policy.subjects)).toMatch(/"y".*"N"/);
});
