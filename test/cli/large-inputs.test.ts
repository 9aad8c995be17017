/** Inputs of a megabyte that are wrong in many places: each is answered, and in seconds. */
import { afterEach, describe, expect, it } from 'vitest';
import { NameSearch, nearestName } from '../../src/did-you-mean.js';
import { invoke } from './invoke.js';
import { enterWorkspace } from './workspace.js';

/** For what took minutes before it was bounded, on a machine that has other things to do as well. */
const LONG_ENOUGH = 90_000;

let workspace: ReturnType<typeof enterWorkspace> | undefined;
afterEach(() => {
  workspace?.leave();
  workspace = undefined;
});

function numbered(count: number, text: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => text(index)).join('');
}

const policyOf = (spec: string): string =>
  `apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p}\nspec: ${spec}\n`;

interface Large {
  readonly name: string;
  readonly path: string;
  readonly text: string;
  readonly code: string;
}

const LARGE: readonly Large[] = [
  {
    name: 'more faulty brackets than a call takes arguments',
    path: 'a.pol',
    text: '{'.repeat(300_000),
    code: 'syntax/',
  },
  {
    name: 'more bad escapes in one text than a call takes arguments',
    path: 'a.pol',
    text: `namespace a {\n  owner "${'\\q'.repeat(150_000)}"\n}\n`,
    code: 'syntax/bad-escape',
  },
  {
    name: 'thousands of unknown names among thousands of known ones',
    path: 'a.pol',
    text: `namespace a {\n${numbered(10_000, (i) => `group g${i} = pods where a == "b"\nallow ingress from h${i}x to g${i} any port\n`)}}\n`,
    code: 'policy/unknown-name',
  },
  {
    name: 'two names of a hundred thousand letters',
    path: 'a.pol',
    text: `group ${'a'.repeat(100_000)} = pods\nnamespace a {\nallow ingress from ${'a'.repeat(100_000)}b any port\n}\n`,
    code: 'policy/unknown-name',
  },
  {
    name: 'a mapping of thousands of unknown fields',
    path: 'a.yaml',
    text: policyOf(`{podSelector: {}${numbered(20_000, (i) => `, k${i}: 1`)}}`),
    code: 'k8s/unknown-field',
  },
];

describe('large inputs with many faults', () => {
  it.each(LARGE.map((one) => [one.name, one] as const))(
    '%s',
    async (_name, { path, text, code }) => {
      workspace = enterWorkspace({ [path]: text });
      const result = await invoke(['check', path]);
      expect(result.code).toBe(1);
      expect(result.stdout).toContain(`error[${code}`);
    },
    LONG_ENOUGH,
  );

  it('a condition of tens of thousands of tests is read', async () => {
    const where = numbered(30_000, (i) => `${i === 0 ? '' : ' and '}a == "b"`);
    workspace = enterWorkspace({
      'a.pol': `namespace a {\n  isolate ingress\n  allow ingress from pods where ${where} any port\n}\n`,
    });
    const begin = performance.now();
    const result = await invoke(['check', 'a.pol']);
    expect(result.code).toBe(0);
    expect(performance.now() - begin).toBeLessThan(LONG_ENOUGH);
  });
});

describe('near names', () => {
  it('are found among the first searches, and no longer when there were too many', () => {
    const search = new NameSearch();
    const known = Array.from({ length: 10_000 }, (_, index) => `frontend-${index}`);
    const near = Array.from({ length: 1000 }, () => search.nearest('frontend-00', () => known));
    expect(near[0]).toBe('frontend-0');
    expect(near.at(-1)).toBeUndefined();
  });

  it('are not looked for where the name is longer than anyone types', () => {
    expect(nearestName('a'.repeat(300), ['a'.repeat(299)])).toBeUndefined();
  });
});
