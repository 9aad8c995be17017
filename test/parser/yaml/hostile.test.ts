/** Texts that break YAML or JSON, or are made to exhaust their reader. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { yamlCatalog } from '../../../src/catalog/yaml.js';
import { clusterOfText, clusterPolicy, lowerText, networkPolicy, said } from '../k8s/reading.js';

const bomb = (levels: number): string =>
  ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    .concat(
      Array.from({ length: levels }, (_, i) => {
        const alias = `*a${i}`;
        return `a${i + 1}: &a${i + 1} [${Array.from({ length: 10 }, () => alias).join(', ')}]`;
      }),
    )
    .join('\n');

const chain = (length: number): string =>
  ['c0: &c0 {x: 1}']
    .concat(Array.from({ length }, (_, i) => `c${i + 1}: &c${i + 1} {x: *c${i}}`))
    .join('\n');

interface Hostile {
  readonly name: string;
  readonly text: string;
  readonly path?: string;
  readonly code: string;
  readonly at: string;
  readonly underlines?: string;
  readonly hint?: RegExp;
}

const HOSTILE: readonly Hostile[] = [
  {
    name: 'a tab as indentation',
    text: 'a:\n\tb: 1\n',
    code: 'yaml/syntax',
    at: '2:1',
    hint: /spaces/,
  },
  {
    name: 'bad indentation',
    text: 'a:\n    b: 1\n  c: 2\n',
    code: 'yaml/syntax',
    at: '3:3',
    underlines: 'c',
    hint: /column/,
  },
  { name: 'an unquoted colon', text: 'a: b: c\n', code: 'yaml/syntax', at: '1:5' },
  { name: 'an unknown alias', text: 'a: *b\n', code: 'yaml/syntax', at: '1:6', hint: /anchor/ },
  {
    name: 'a tag of another language',
    text: 'a: !!js/function "x"\n',
    code: 'yaml/syntax',
    at: '1:21',
    hint: /tag/,
  },
  { name: 'a binary value', text: 'a: !!binary aGk=\n', code: 'yaml/syntax', at: '1:17' },
  { name: 'a flow list that does not end', text: 'a: [1, 2\n', code: 'yaml/syntax', at: '2:1' },
  { name: 'a control character', text: 'a: b\u0001c\n', code: 'yaml/syntax', at: '1:7' },
  {
    name: 'a key given twice',
    text: 'metadata:\n  name: a\n  name: b\n',
    code: 'yaml/duplicate-key',
    at: '3:3',
    underlines: 'name',
  },
  {
    name: 'a quoted key given twice',
    text: '{"a": 1, "a": 2}',
    code: 'yaml/duplicate-key',
    at: '1:10',
    underlines: '"a"',
  },
  {
    name: 'a JSON key given twice',
    text: '{"a": {"b": 1,\n "b": 2}}',
    path: 'x.json',
    code: 'yaml/duplicate-key',
    at: '2:2',
    underlines: '"b"',
  },
  {
    name: 'a template',
    text: 'a: {{ .Values.x }}-b\n',
    code: 'yaml/template',
    at: '1:4',
    underlines: '{{ .Values.x }}',
    hint: /helm template/,
  },
  {
    name: 'a template’s control line',
    text: '{{- if .Values.x }}\na: b\n{{- end }}\n',
    code: 'yaml/template',
    at: '1:1',
    underlines: '{{- if .Values.x }}',
  },
  { name: 'an alias bomb', text: bomb(9), code: 'yaml/alias-bomb', at: '1:1' },
  {
    name: 'merge keys without end',
    text: `m: &m {${Array.from({ length: 200 }, (_, i) => `k${i}: 1`).join(', ')}}\n${Array.from({ length: 100 }, (_, i) => `n${i}: {<<: *m}`).join('\n')}\n`,
    code: 'yaml/alias-bomb',
    at: '51:13',
  },
  {
    name: 'a value that holds itself',
    text: 'a: &a\n  b: *a\n',
    code: 'yaml/alias-cycle',
    at: '1:1',
    underlines: 'a: &a',
  },
  { name: 'a chain of aliases', text: chain(5000), code: 'yaml/too-deep', at: '1:1' },
  { name: 'deep lists', text: `a: ${'['.repeat(5000)}`, code: 'yaml/too-deep', at: '1:203' },
  {
    name: 'deep mappings',
    text: Array.from({ length: 5000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    code: 'yaml/too-deep',
    at: '200:200',
  },
  {
    name: 'deep JSON',
    text: '['.repeat(100_000),
    path: 'x.json',
    code: 'yaml/too-deep',
    at: '1:201',
  },
  {
    name: 'a scalar of 5 MiB',
    text: `a: "${'x'.repeat(5 * 1024 * 1024)}"\n`,
    code: 'yaml/scalar-too-long',
    at: '1:4',
  },
  {
    name: 'JSON with a comment',
    text: '{"a": 1} // x',
    path: 'x.json',
    code: 'yaml/json-syntax',
    at: '1:10',
    hint: /without commas/,
  },
  {
    name: 'JSON with a comma at the end',
    text: '{"a": 1,}',
    path: 'x.json',
    code: 'yaml/json-syntax',
    at: '1:9',
    underlines: '}',
  },
  {
    name: 'JSON that ends too soon',
    text: '{"a": [1, 2',
    path: 'x.json',
    code: 'yaml/json-syntax',
    at: '1:12',
    underlines: '',
  },
  {
    name: 'a JSON text that ends too soon',
    text: '{"a": "b',
    path: 'x.json',
    code: 'yaml/json-syntax',
    at: '1:9',
  },
  {
    name: 'a bad escape in JSON',
    text: '{"a": "\\q"}',
    path: 'x.json',
    code: 'yaml/json-syntax',
    at: '1:7',
  },
  {
    name: 'a number that is none',
    text: '{"a": 01x}',
    path: 'x.json',
    code: 'yaml/json-syntax',
    at: '1:8',
  },
  {
    name: 'a word that is none',
    text: '{"a": nul}',
    path: 'x.json',
    code: 'yaml/json-syntax',
    at: '1:7',
  },
];

describe('hostile texts', () => {
  it.each(HOSTILE.map((one) => [one.name, one] as const))('%s', (_name, hostile) => {
    const begin = performance.now();
    const { value, diagnostics } = lowerText(hostile.text, hostile.path);
    const [first] = said(diagnostics);
    expect(value).toBeUndefined();
    expect(first).toMatchObject({ code: hostile.code, at: hostile.at });
    if (hostile.underlines !== undefined) expect(first?.text).toBe(hostile.underlines);
    if (hostile.hint !== undefined) expect(first?.hint).toMatch(hostile.hint);
    expect(performance.now() - begin).toBeLessThan(5000);
  });

  it('reach every entry of the catalog', () => {
    const reached = new Set(HOSTILE.map(({ code }) => code));
    expect(Object.keys(yamlCatalog).filter((code) => !reached.has(code))).toEqual([]);
  });

  it('a broken document does not hide the others', () => {
    const text = `a: [\n---\n${networkPolicy('podSelector: {app: x}')}---\nb: c: d\n`;
    const found = said(lowerText(text).diagnostics);
    expect(found.map(({ code }) => code)).toEqual(['yaml/syntax', 'yaml/syntax']);
  });
});

const SEED = [
  networkPolicy(
    'podSelector: {matchLabels: {a: b}}\npolicyTypes: [Ingress]\ningress:\n- from:\n  - ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}\n  ports:\n  - {port: 80, endPort: 90}\n  - port: web\n',
  ),
  clusterPolicy(
    'cnp',
    'tier: Admin\npriority: 5\nsubject: {pods: {podSelector: {}}}\negress:\n- action: Deny\n  to: [{networks: [10.0.0.0/8]}, {nodes: {}}]\n  protocols: [{tcp: {destinationPort: {range: {start: 1, end: 2}}}}]',
  ),
  'apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a, labels: {x: y}, ownerReferences: [{kind: ReplicaSet, name: r}]}\n  spec: {containers: [{ports: [{containerPort: 80, name: web}]}]}\n  status: {podIPs: [{ip: 10.0.0.1}]}\n- apiVersion: v1\n  kind: Service\n  metadata: {name: s}\n  spec: {selector: {x: y}, ports: [{port: 80, targetPort: web}], clusterIPs: [10.9.0.1]}\n- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: d}\n  spec: {template: {metadata: {labels: {x: y}}, spec: {}}}\n- apiVersion: v1\n  kind: Node\n  metadata: {name: n}\n  status: {addresses: [{type: InternalIP, address: 1.2.3.4}]}\n',
].join('---\n');

const PIECES = [
  ': ',
  '- ',
  '[',
  ']',
  '{',
  '}',
  '&a ',
  '*a',
  '<<: ',
  '\n',
  '\t',
  '  ',
  '"',
  "'",
  '|',
  '>',
  '---\n',
  '...\n',
  '#',
  '? ',
  '!!str ',
  'null',
  'yes',
  '0',
  '{}',
  '[]',
  '\r',
  '\u2028',
  '%',
  '@',
  '\ufeff',
  '__proto__: ',
];

describe('mutated and random texts', () => {
  const noThrow = (text: string): void => {
    for (const path of ['x.yaml', 'x.json']) {
      for (const outcome of [lowerText(text, path), clusterOfText(text, path)]) {
        const errors = outcome.diagnostics.filter(({ severity }) => severity === 'error');
        expect(outcome.value === undefined).toBe(errors.length > 0);
        for (const { span } of outcome.diagnostics) {
          if (span === undefined) continue;
          expect(span.start).toBeGreaterThanOrEqual(0);
          expect(span.end).toBeGreaterThanOrEqual(span.start);
          expect(span.end).toBeLessThanOrEqual(span.file.text.length);
        }
      }
    }
  };

  it('make nothing but diagnostics', () => {
    const edit = fc.record({
      at: fc.nat(SEED.length),
      cut: fc.nat(12),
      put: fc.oneof(fc.constantFrom(...PIECES), fc.string({ maxLength: 4 })),
    });
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 5 }), (edits) => {
        let text = SEED;
        for (const { at, cut, put } of edits) text = text.slice(0, at) + put + text.slice(at + cut);
        noThrow(text);
      }),
      { numRuns: 120 },
    );
  });

  it('random characters make nothing but diagnostics', () => {
    const random = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc
        .array(fc.constantFrom(...PIECES, 'a', 'kind: Pod\n'), { maxLength: 40 })
        .map((one) => one.join('')),
    );
    fc.assert(fc.property(random, noThrow), { numRuns: 200 });
  });
});
