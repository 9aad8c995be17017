/** policyc.yaml as a text: what is refused, where, and what commands take from it. */
import { describe, expect, it } from 'vitest';
import { parseConfig, type Config } from '../../src/config.js';
import { InputError, type Diagnostic } from '../../src/diagnostics.js';
import { SourceFile } from '../../src/source.js';

function parse(text: string): Config {
  return parseConfig(new SourceFile('policyc.yaml', text));
}

function faultsOf(text: string): readonly Diagnostic[] {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof InputError) return error.diagnostics;
    throw error;
  }
  return [];
}

describe('policyc.yaml', () => {
  it.each([
    ['a: 1', 'config/unknown-key', 'a', undefined],
    ['polices: x', 'config/unknown-key', 'polices', 'did you mean `policies`?'],
    ['budgets: {bundle: {byte: 1MiB}}', 'config/unknown-key', 'byte', 'did you mean `bytes`?'],
    ['budgets: {policies: {a: {path: 1}}}', 'config/unknown-key', 'path', undefined],
    ['policies: 3', 'config/wrong-type', '3', undefined],
    ['policies: [a, {}]', 'config/wrong-type', '{}', undefined],
    ['budgets: {bundle: {entries: many}}', 'config/wrong-type', 'many', undefined],
    ['budgets: {bundle: {entries: 1.5}}', 'config/wrong-type', '1.5', undefined],
    [
      'budgets: {bundle: {entries: -1}}',
      'config/bad-value',
      '-1',
      'write a whole number from 0 on',
    ],
    ['budgets: {bundle: {bytes: 64MB}}', 'config/bad-value', '64MB', undefined],
    ['target: "6.2"', 'config/bad-value', '"6.2"', undefined],
    ['target: 6.1', 'config/bad-value', '6.1', 'write it in quotes; did you mean `6.1`?'],
    ['diff: {fail-on: [widem]}', 'config/bad-value', 'widem', 'did you mean `widen`?'],
    ['policies: []', 'config/bad-value', 'policies', 'remove the key, or give it a value'],
    ['policies: ""', 'config/bad-value', 'policies', 'remove the key, or give it a value'],
    [
      'clusters: {prod: a}\ncluster: prdo',
      'config/unknown-cluster',
      'prdo',
      'did you mean `prod`?',
    ],
    ['cluster: us', 'config/unknown-cluster', 'us', 'add it under `clusters`'],
    ['- policies', 'config/not-a-mapping', '- policies', undefined],
    ['policies: a\n---\npolicies: b', 'config/not-a-mapping', '---', undefined],
    ['policies: a\npolicies: b', 'yaml/duplicate-key', 'policies', undefined],
    ['policies: [a', 'yaml/syntax', undefined, undefined],
  ])('refuses %j', (text, code, at, hint) => {
    const [fault, ...others] = faultsOf(text);
    expect(others).toEqual([]);
    expect(fault?.code).toBe(code);
    const { span } = fault ?? {};
    if (at !== undefined) expect(span?.file.text.slice(span.start, span.end)).toBe(at);
    if (hint !== undefined) expect(fault?.hint).toBe(hint);
  });

  it('says everything that is wrong at once, in the order of the text', () => {
    const faults = faultsOf(
      'cluster: x\ntraget: "6.1"\nbudgets:\n  bundle: {entries: -1, bytes: 3}\n',
    );
    expect(faults.map(({ code }) => code)).toEqual([
      'config/unknown-cluster',
      'config/unknown-key',
      'config/bad-value',
      'config/wrong-type',
    ]);
  });

  it('takes a file without keys, or with comments alone', () => {
    expect(faultsOf('')).toEqual([]);
    expect(parse('# nothing\n').values).toEqual({});
  });

  it('hands out what commands take', () => {
    const config = parse(
      'target: "6.1"\ntable-budget: 32MiB\ndiff: {fail-on: [widen, cost]}\nclusters: {eu: "eu/*.yaml", us: ["us/*.yaml"]}\n',
    );
    expect(config.defaultOf('target', 'x')).toBe('6.1');
    expect(config.defaultOf('table-budget', 'x')).toBe('32MiB');
    expect(config.defaultOf('fail-on', 'x')).toBe('widen,cost');
    expect(config.defaultOf('clusters', 'x')).toEqual([['eu/*.yaml'], ['us/*.yaml']]);
    expect(config.defaultOf('policies', 'x')).toBeUndefined();
    expect(config.cluster('toString')).toBeUndefined();
    expect(() => config.defaultOf('cluster', 'policyc check')).toThrow(/takes one cluster/);
  });
});
