/** Validation: what it tries, what it says, and that it is the same every time. */
import { describe, expect, it } from 'vitest';
import { compile } from '../../src/compile.js';
import { bind } from '../../src/codegen/bind.js';
import { normalize } from '../../src/ir/normalize.js';
import { planLookups } from '../../src/ir/plan.js';
import { SourceFile } from '../../src/source.js';
import { DEFAULT_TARGET, targetNamed, type KernelTarget } from '../../src/target.js';
import { mismatchDiagnostic } from '../../src/validate/mismatch.js';
import { representativeCluster } from '../../src/validate/representative/cluster.js';
import { validateCompiled, type Bind } from '../../src/validate/validate.js';
import { readPolicies } from '../oracle/world-model.js';
import { compiled, POLICIES } from './policies.js';

const target = targetNamed(DEFAULT_TARGET) as KernelTarget;

const read = (text: string): ReturnType<typeof readPolicies> =>
  readPolicies(new SourceFile('policies.yaml', text));

const policy = (i: number): string => `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p${i}, namespace: ns${i % 20}}
spec:
  podSelector: {matchLabels: {app: a${i}}}
  ingress:
    - from: [{ipBlock: {cidr: 198.18.${i % 256}.0/24}}]
      ports: [{port: ${1000 + i}}]
`;

const ISOLATE = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: closed, namespace: shop}
spec: {podSelector: {}}
`;

/** Every allow turned into a deny, in the row of every class. */
const turnRound: Bind = (...args) => {
  const contents = bind(...args);
  const tables = contents.tables.map((one) =>
    one.name === 'cells'
      ? { ...one, bytes: one.bytes.map((byte, i) => (i % 4 === 3 ? byte ^ 0x80 : byte)) }
      : one,
  );
  return { ...contents, tables };
};

describe('validation', () => {
  it.each(['mixed', 'tiers'] as const)('finds nothing in %s, the same way every time', (name) => {
    const first = validateCompiled(compiled(name, 'as planned'));
    expect(first.mismatch).toBeUndefined();
    expect(first.validation.packets).toBeGreaterThan(1000);
    expect(validateCompiled(compiled(name, 'as planned'))).toEqual(first);
  });

  it('tries everything with everything where that is little, and a part of very much', () => {
    const modeOf = (text: string): string => {
      const { bundle } = compile(read(text), target, 'test', { validate: true });
      return bundle.manifest.validated.mode;
    };
    expect(modeOf(ISOLATE)).toBe('product');
    expect(modeOf(POLICIES.mixed)).toBe('factors');
    expect(modeOf(Array.from({ length: 600 }, (_, i) => policy(i)).join('---\n'))).toBe('sample');
  }, 60_000);

  it('makes the same bundle every time, and one that says so without it', () => {
    const made = (validate: boolean): ReturnType<typeof compile> =>
      compile(read(POLICIES.tiers), target, 'test', { validate });
    const first = made(true);
    expect(Buffer.compare(first.bytes, made(true).bytes)).toBe(0);
    expect(first.bundle.manifest.validated.packets).toBeGreaterThan(1000);
    expect(made(false).bundle.manifest.validated).toEqual({ mode: 'none', packets: 0, pods: 0 });
  });

  it('says the packet, both answers and the rule', () => {
    const world = compiled('mixed', 'tables');
    const { mismatch } = validateCompiled(world, { bind: turnRound });
    expect(mismatch).toBeDefined();
    if (mismatch === undefined) return;
    const { code, message, hint } = mismatchDiagnostic(mismatch, world.model);
    expect(code).toBe('validate/mismatch');
    expect(message).toMatch(/the bytecode of `(to|from)_pod` at `\S+` goes against the policies/);
    expect(message).toMatch(/they say (allow|deny) .*, it says (allow|deny)/);
    expect(hint).toMatch(/the packet [0-9a-f]{60,}/);
  });
});

describe('the representative cluster', () => {
  it('has a pod for each signature of selectors', () => {
    const { policies } = normalize(read(POLICIES.mixed));
    const { pods, namespaces, nodes, services } = representativeCluster(policies);
    const labels = pods
      .filter((one) => one.namespace === 'shop')
      .map((one) => one.labels.get('app'));
    expect(labels).toEqual(expect.arrayContaining(['web', 'db', undefined]));
    expect([...namespaces.values()].some((one) => one.labels.get('team') === 'a')).toBe(true);
    expect(namespaces.size).toBeGreaterThan(2);
    expect(pods.some((one) => one.addresses.length === 2)).toBe(true);
    for (const family of [4, 6]) {
      expect(pods.some(({ addresses: [a, b] }) => a?.family === family && b === undefined)).toBe(
        true,
      );
    }
    expect(pods.some(({ hostNetwork }) => hostNetwork)).toBe(true);
    expect(nodes.length).toBeGreaterThan(1);
    expect(services.some(({ endpoints }) => endpoints.length === 0)).toBe(true);
  });

  it('binds for policies that select nothing in particular', () => {
    const model = normalize(read(ISOLATE));
    const cluster = representativeCluster(model.policies);
    expect(bind(model, planLookups(model), cluster, { at: 0 }).subjects.length).toBeGreaterThan(2);
  });
});
