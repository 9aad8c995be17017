/** Where policies, rules and values stand, in every style that YAML and JSON have. */
import { describe, expect, it } from 'vitest';
import { formatPlace, placeOf, SourceFile, type Span } from '../../../src/source.js';
import { parseK8s } from '../../../src/parser/parse-k8s.js';
import type { K8sObject } from '../../../src/parser/k8s/objects.js';
import type { JsonPath } from '../../../src/parser/yaml/value.js';
import { lowerText, policiesOf, policyOf } from '../k8s/reading.js';

const show = (at: Span): string => {
  const { line, column } = placeOf(at);
  return `${line}:${column} ${at.file.text.slice(at.start, at.end)}`;
};

const BLOCK = `# two policies
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  labels:
    name: decoy
  name: block   # its name
spec:
  podSelector: {}
  ingress:
    # a comment
    - from:
        - podSelector: {}
      ports:
        - port: 80
    -
      ports: []
    - &anchored
      from: []
    - *anchored
    - {from: [{podSelector: {}}]}
  egress:
  - {}
`;

const BLOCK_PLACES = [
  '12:7 from:',
  '17:7 ports: []',
  '19:7 from: []',
  '19:7 from: []',
  '21:7 {from: [{podSelector: {}}]}',
  '23:5 {}',
];

describe('positions of policies and rules', () => {
  it('in block style, with comments, anchors and flow style inside', () => {
    const policy = policyOf(BLOCK);
    expect(show(policy.origin)).toBe('7:9 block');
    expect(policy.rules.map(({ origin }) => show(origin))).toEqual(BLOCK_PLACES);
  });

  it('with CRLF line ends and with a lone CR', () => {
    for (const end of ['\r\n', '\r']) {
      const policy = policyOf(BLOCK.replaceAll('\n', end));
      expect(show(policy.origin)).toBe('7:9 block');
      expect(policy.rules.map(({ origin }) => show(origin))).toEqual(BLOCK_PLACES);
    }
  });

  it('behind other documents and empty ones', () => {
    const text = `\n---\n# nothing\n---\n---\n${BLOCK}...\n%YAML 1.1\n---\n${BLOCK.replace('name: block', "name: 'other'")}`;
    const places = policiesOf(text).map(({ origin }) => show(origin));
    expect(places).toEqual(['12:9 block', "38:9 'other'"]);
  });

  it('with tabs where YAML takes them', () => {
    const text = BLOCK.replace('name: block ', 'name:\tblock\t').replace(
      'podSelector: {}\n',
      'podSelector:\t{}\n',
    );
    expect(show(policyOf(text).origin)).toBe('7:9 block');
  });

  it('in flow style', () => {
    const text =
      '{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy,\n metadata: {annotations: {name: x}, name: flow},\n spec: {ingress: [{from: []},\n   {ports: []}]}}';
    const policy = policyOf(text);
    expect(show(policy.origin)).toBe('2:43 flow');
    expect(policy.rules.map(({ origin }) => show(origin))).toEqual([
      '3:19 {from: []}',
      '4:4 {ports: []}',
    ]);
  });

  it('in JSON, pretty or not, one text after another, with tabs', () => {
    const object = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { labels: { name: 'a' }, name: 'a' },
      spec: { podSelector: {}, ingress: [{ from: [] }, { ports: [] }] },
    };
    const other = { ...object, metadata: { name: 'b', namespace: 'x' } };
    for (const path of ['x.json', 'x.yaml', '-']) {
      const text = `${JSON.stringify(object)}\n${JSON.stringify(other, null, '\t')}\n`;
      const [one, two] = policiesOf(text, path);
      expect(one && show(one.origin)).toBe(
        `1:${JSON.stringify(object).indexOf('"a"},"spec"') + 1} "a"`,
      );
      expect(two && show(two.origin)).toBe('6:11 "b"');
      expect(two?.rules.map(({ origin }) => show(origin))).toEqual(['12:4 {', '15:4 {']);
    }
  });

  it('in kubectl’s Lists', () => {
    const indented = BLOCK.split('\n')
      .slice(1)
      .map((line, i) => (i === 0 ? '- ' : '  ') + line)
      .join('\n');
    const policy = policyOf(`apiVersion: v1\nitems:\n${indented}\nkind: List\n`);
    expect(show(policy.origin)).toBe('8:11 block');
    expect(show(policy.rules[0]?.origin ?? policy.origin)).toBe('13:9 from:');
  });

  it('where the name is written in an unusual way', () => {
    const names = ['"block"', "'block'", '!!str block', '&n block', '>-\n    block'];
    for (const name of names) {
      const { origin } = policyOf(BLOCK.replace('block   # its name', name));
      expect(show(origin)).toContain(name.startsWith('>') ? '>-' : name.replace(/^[!&]\S+ /, ''));
      expect(placeOf(origin).line).toBe(7);
    }
  });

  it('keep the path as it was given', () => {
    expect(formatPlace(policyOf(BLOCK, 'policies/a b.yaml').origin)).toBe('policies/a b.yaml:7:9');
  });
});

describe('positions of any path', () => {
  const objectOf = (text: string): K8sObject => {
    const [object] = parseK8s([new SourceFile('x.yaml', text)]).value ?? [];
    if (object === undefined) throw new Error('no object');
    return object;
  };
  const rows: readonly (readonly [path: JsonPath, key: string, value: string])[] = [
    [['kind'], '3:1 kind', '3:7 NetworkPolicy'],
    [['metadata', 'labels', 'name'], '6:5 name', '6:11 decoy'],
    [['spec', 'ingress', 0, 'ports', 0, 'port'], '15:11 port', '15:17 80'],
    [['spec', 'ingress', 3, 'from'], '19:7 from', '19:13 []'],
    [['spec', 'egress', 0], '23:5 {}', '23:5 {}'],
    [['spec', 'nowhere', 'at', 'all'], '8:1 spec', '9:3 podSelector: {}'],
  ];
  it.each(rows)('%j', (path, key, value) => {
    const object = objectOf(BLOCK);
    expect(show(object.keySpanOf(path))).toBe(key);
    expect(show(object.spanOf(path))).toBe(value);
  });

  it('through merge keys and aliases', () => {
    const text =
      'apiVersion: v1\nkind: X\nbase: &b\n  app: web\nother:\n  <<: *b\n  two: 2\nlist:\n- <<: [*b]\nempty:\n';
    const object = objectOf(text);
    expect(object.value['other']).toEqual({ app: 'web', two: 2 });
    expect(show(object.spanOf(['other', 'app']))).toBe('4:8 web');
    expect(show(object.spanOf(['list', 0, 'app']))).toBe('4:8 web');
    expect(show(object.spanOf(['empty']))).toBe('10:1 empty');
  });
});

describe('a file that is one long line', () => {
  it('has positions at no more cost than one of many lines', () => {
    const object = (i: number): unknown => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: `p${i}` },
      spec: { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }, { ports: [] }] },
    });
    const items = Array.from({ length: 2000 }, (_, i) => object(i));
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    for (const path of ['x.json', 'x.yaml']) {
      const begin = performance.now();
      const policies = policiesOf(path === 'x.json' ? text : `# one line\n${text}`, path);
      const last = policies.at(-1);
      expect(last && show(last.rules[1]?.origin ?? last.origin)).toMatch(
        /^\d+:\d+ \{"ports":\[\]\}$/,
      );
      expect(performance.now() - begin).toBeLessThan(5000);
    }
  });

  it('is diagnosed without padding', () => {
    const bad = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'a' },
      spec: { podSelectr: {} },
    };
    const items = Array.from({ length: 300 }, (_, i) => ({ ...bad, metadata: { name: `a${i}` } }));
    const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
    const { diagnostics } = lowerText(text, 'x.json');
    expect(diagnostics).toHaveLength(300);
    expect(diagnostics.map(({ span }) => span?.file.text.slice(span.start, span.end))).toEqual(
      items.map(() => '"podSelectr"'),
    );
  });
});
