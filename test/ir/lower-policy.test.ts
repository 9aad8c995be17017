/** Lowering of policy files where cases cannot show it: several files, stable names, sizes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskAddress, prefixContains, type Prefix } from '../../src/address.js';
import { diagnostic } from '../../src/diagnostics.js';
import { selectorMatches } from '../../src/ir/cluster.js';
import { lowerPolicyFiles } from '../../src/ir/lower-policy.js';
import { Reporter } from '../../src/ir/lower-policy/context.js';
import { subtractSet, type SetPart } from '../../src/ir/lower-policy/sets.js';
import { lowerCondition } from '../../src/ir/lower-policy/where.js';
import type { PolicyModel } from '../../src/ir/model.js';
import type { Condition, PolicyFile } from '../../src/parser/ast.js';
import { parsePolicy } from '../../src/parser/parse-policy.js';
import { SourceFile, span } from '../../src/source.js';

function file(path: string, text: string): PolicyFile {
  const { value, diagnostics } = parsePolicy(new SourceFile(path, text));
  if (value === undefined) throw new Error(diagnostics.map((one) => one.message).join('\n'));
  return value;
}

function lower(...files: PolicyFile[]): PolicyModel {
  const { value, diagnostics } = lowerPolicyFiles(files, (path) =>
    diagnostic('source/not-found', { path }),
  );
  if (value === undefined) throw new Error(diagnostics.map((one) => one.message).join('\n'));
  return value;
}

const names = (model: PolicyModel): readonly string[] => model.policies.map((one) => one.name);

describe('lowerPolicyFiles', () => {
  it('lowers a file once, however it is reached', () => {
    const shared = file('lib/shared.pol', 'set corp : cidr = [10.0.0.0/8]\nassert maps <= 1 MiB');
    const a = file(
      'a.pol',
      'use "lib/shared.pol"\nnamespace a { allow ingress from corp any port }',
    );
    const b = file('b.pol', 'use "./lib/../lib/shared.pol"\nuse "a.pol"');
    const model = lower(a, b, shared);
    expect(model.assertions).toHaveLength(1);
    expect(names(model)).toEqual(['allow-ingress-corp']);
  });

  it('reads what is used through the function that it is given, each once', () => {
    const read: string[] = [];
    const a = file('dir/a.pol', 'use "x.pol"\nuse "../y.pol"\ngroup g = x, y');
    const { diagnostics } = lowerPolicyFiles([a], (path) => {
      read.push(path);
      const name = path.slice(-5, -4);
      return new SourceFile(path, `group ${name} = pods\n${name === 'y' ? 'use "dir/x.pol"' : ''}`);
    });
    expect(diagnostics).toEqual([]);
    expect(read).toEqual(['dir/x.pol', 'y.pol']);
  });

  it('keeps files apart that do not use each other', () => {
    const a = file('a.pol', 'group g = 10.0.0.0/8\nnamespace a { allow ingress from g any port }');
    const b = file('b.pol', 'group g = 11.0.0.0/8\nnamespace b { allow ingress from g any port }');
    expect(lower(a, b).policies).toHaveLength(2);
  });

  it('names statements after what they say, wherever they stand', () => {
    const statements = ['isolate ingress', 'flow fe -> fe port 1/tcp', 'allow egress to dns'];
    const block = (list: readonly string[], between: string) =>
      file('a.pol', `namespace a { group fe = pods where x exists\n${list.join(between)}\n}`);
    const expected = new Set(names(lower(block(statements, '\n'))));
    expect(new Set(names(lower(block([...statements].reverse(), '\n\n# more\n'))))).toEqual(
      expected,
    );
  });

  it('gives every policy of a namespace a name of its own, whatever the files', () => {
    const text = 'namespace a { isolate ingress ; isolate ingress ; allow egress to dns }';
    const found = names(lower(file('a.pol', text), file('b.pol', text)));
    expect(found).toEqual([
      ...['isolate-ingress', 'isolate-ingress.2', 'allow-egress-dns'],
      ...['isolate-ingress.3', 'isolate-ingress.4', 'allow-egress-dns.2'],
    ]);
  });

  it('does not let groups of groups grow beyond their peers', () => {
    const lines = Array.from({ length: 60 }, (_, i) => `group g${i + 1} = g${i}, g${i}`);
    const text = [
      'group g0 = pods, any',
      ...lines,
      'namespace a { allow ingress from g60 any port }',
    ];
    expect(lower(file('a.pol', text.join('\n'))).policies[0]?.rules[0]?.peers).toHaveLength(2);
  });

  it('follows 100,000 groups of each other, declared in order', () => {
    const lines = Array.from({ length: 100_000 }, (_, i) => `group g${i + 1} = g${i}`);
    expect(lower(file('a.pol', `group g0 = pods\n${lines.join('\n')}`)).policies).toEqual([]);
  });
});

describe('lowerCondition', () => {
  const source = new SourceFile('test.pol', '');
  const at = span(source, 0, 0);
  const text = (value: string) => ({ text: value, span: at });
  const test = fc
    .record({
      key: fc.constantFrom('a', 'b'),
      operator: fc.constantFrom('In', 'NotIn', 'Exists'),
      values: fc.array(fc.constantFrom('1', '2', '3'), { minLength: 1, maxLength: 2 }),
    })
    .map(({ key, operator, values }): Condition => {
      const list = operator === 'Exists' ? [] : values.map(text);
      return { kind: 'test', key: text(key), operator, values: list, span: at };
    });
  const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
    condition: fc.oneof(
      { maxDepth: 3 },
      test,
      tie('condition').map((operand): Condition => ({ kind: 'not', operand, span: at })),
      fc
        .record({
          kind: fc.constantFrom('and', 'or'),
          operands: fc.array(tie('condition'), { minLength: 2, maxLength: 3 }),
        })
        .map((one): Condition => ({ ...one, span: at })),
    ),
  }));

  function holds(one: Condition, labels: ReadonlyMap<string, string>): boolean {
    switch (one.kind) {
      case 'not':
        return !holds(one.operand, labels);
      case 'and':
        return one.operands.every((operand) => holds(operand, labels));
      case 'or':
        return one.operands.some((operand) => holds(operand, labels));
      case 'test': {
        const value = labels.get(one.key.text);
        const listed = one.values.some((candidate) => candidate.text === value);
        if (one.operator === 'Exists') return value !== undefined;
        return one.operator === 'In' ? listed : !listed;
      }
    }
  }

  it('matches exactly the labels for which the condition holds', () => {
    const values = [undefined, '1', '2', '3', '4'];
    fc.assert(
      fc.property(condition, (one) => {
        const reporter = new Reporter();
        const selectors = lowerCondition(one, reporter);
        if (reporter.diagnostics.length > 0) return;
        for (const a of values) {
          for (const b of values) {
            const labels = new Map<string, string>();
            if (a !== undefined) labels.set('a', a);
            if (b !== undefined) labels.set('b', b);
            const matches = selectors.some((selector) => selectorMatches(selector, labels));
            expect(matches).toBe(holds(one, labels));
          }
        }
      }),
    );
  });
});

describe('subtractSet', () => {
  const prefix = fc
    .record({ top: fc.nat(31), length: fc.integer({ min: 27, max: 32 }) })
    .map(({ top, length }): Prefix => maskAddress({ family: 4, value: BigInt(top) }, length));
  const part = fc.record({
    include: fc.array(prefix, { maxLength: 3 }),
    exclude: fc.array(prefix, { maxLength: 3 }),
  });
  const holds = (parts: readonly SetPart[], value: bigint): boolean => {
    const inSome = (list: readonly Prefix[]) =>
      list.some((one) => prefixContains(one, { family: 4, value }));
    return parts.some((one) => inSome(one.include) && !inSome(one.exclude));
  };

  it('leaves exactly the addresses that the second set does not hold', () => {
    fc.assert(
      fc.property(fc.array(part, { maxLength: 3 }), fc.array(part, { maxLength: 3 }), (a, b) => {
        const rest = subtractSet(a, b);
        for (let value = 0n; value < 32n; value += 1n) {
          expect(holds(rest, value)).toBe(holds(a, value) && !holds(b, value));
        }
      }),
    );
  });
});
