/** Bundles: the same bytes for the same input, whole or refused, and the model that went in. */
import { createHash } from 'node:crypto';
import { createTar, parseTar } from 'nanotar';
import { describe, expect, it } from 'vitest';
import { readBundle, type Manifest } from '../../src/codegen/bundle.js';
import { encodeModel, type EncodedModel } from '../../src/codegen/bundle/model.js';
import { readElf } from '../../src/codegen/object/elf-read.js';
import { compile } from '../../src/compile.js';
import { InputError } from '../../src/diagnostics.js';
import type { PolicyModel, Rule } from '../../src/ir/model.js';
import { formatPlace, lineText, placeOf, SourceFile } from '../../src/source.js';
import { TARGETS } from '../../src/target.js';
import { readPolicies } from '../oracle/world-model.js';

const POLICIES = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  podSelector: {matchLabels: {app: web}}
  ingress:
    - from:
        - podSelector: {}
      ports:
        - port: 80
        - {port: 8000, endPort: 8100, protocol: UDP}
        - port: metrics
    - from:
        - ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}
    - from:
        - podSelector: {}
  egress:
    - to:
        - ipBlock: {cidr: "2001:db8::/32"}
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: guard}
spec:
  tier: Admin
  priority: 10
  subject: {namespaces: {}}
  egress:
    - name: no-metadata
      action: Deny
      to:
        - networks: [169.254.169.254/32]
`;

function compilePolicies(text: string): ReturnType<typeof compile> {
  const [target] = TARGETS;
  if (target === undefined) throw new Error('no targets');
  return compile(readPolicies(new SourceFile('policies.yaml', text)), target, 'test');
}

/** Rules as data, with places for origins; those of peers are left behind on purpose. */
function describeModel({ tiers, policies }: PolicyModel): unknown {
  const describeRule = ({ origin, peers, ...rest }: Rule): unknown => ({
    ...rest,
    at: formatPlace(origin),
    line: lineText(origin.file, placeOf(origin).line),
    peers: peers.map((peer) => ({ ...peer, origin: undefined })),
  });
  return {
    tiers,
    policies: policies.map(({ origin, subjects, rules, ...rest }) => ({
      ...rest,
      at: formatPlace(origin),
      subjects: subjects.map(({ namespaces, pods }) => ({ namespaces, pods })),
      rules: rules.map(describeRule),
    })),
  };
}

function refusal(bytes: Uint8Array): string {
  try {
    readBundle('x.bundle', bytes);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return 'nothing';
}

describe('a bundle', () => {
  const { bytes, bundle, object } = compilePolicies(POLICIES);

  it('is the same bytes each time', () => {
    const again = compilePolicies(POLICIES);
    expect(Buffer.compare(again.bytes, bytes)).toBe(0);
    expect(again.bundle.digest).toBe(bundle.digest);
  });

  it('has another digest for another policy', () => {
    expect(compilePolicies(POLICIES.replace('80', '81')).bundle.digest).not.toBe(bundle.digest);
  });

  it('gives back the objects and the model', () => {
    const read = readBundle('x.bundle', bytes);
    expect(read.digest).toBe(bundle.digest);
    expect([...read.objects.values()].map((one) => Buffer.compare(one, object))).toEqual([0]);
    expect(describeModel(read.model)).toEqual(describeModel(bundle.model));
  });

  it('holds equal peers once', () => {
    const { peers } = encodeModel(bundle.model);
    expect(peers.map(({ kind }) => kind)).toEqual(['pods', 'addresses', 'addresses', 'addresses']);
  });

  it('leaves lines out that hold a whole document', () => {
    const secret = `{"apiVersion": "v1", "kind": "List", "items": [
      ${JSON.stringify({ apiVersion: 'v1', kind: 'Secret', data: { key: 'c2VjcmV0'.repeat(80) } })}, ${JSON.stringify(
        {
          apiVersion: 'networking.k8s.io/v1',
          kind: 'NetworkPolicy',
          metadata: { name: 'a', namespace: 'b' },
          spec: { podSelector: {}, ingress: [{}] },
        },
      )}]}`;
    const made = compilePolicies(secret);
    expect(Buffer.from(made.bytes).includes('c2VjcmV0')).toBe(false);
    const read = readBundle('x.bundle', made.bytes);
    const place = (model: PolicyModel): string | undefined => {
      const origin = model.policies[0]?.rules[0]?.origin;
      return origin === undefined ? undefined : formatPlace(origin);
    };
    expect(place(read.model)).toBe(place(made.bundle.model));
  });

  it('is refused if any byte is changed', () => {
    for (const at of [600, 3000, Math.floor(bytes.length / 2), bytes.length - 2000]) {
      const damaged = Uint8Array.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(refusal(damaged), `byte ${at}`).toMatch(/not a bundle that can be used/);
    }
  });

  it('is refused wherever it is cut off', () => {
    for (let length = 0; length < bytes.length; length += 499) {
      expect(refusal(bytes.subarray(0, length)), `${length} bytes`).toMatch(/not a bundle/);
    }
  });

  it('is refused if it is something else', () => {
    expect(refusal(new TextEncoder().encode(POLICIES))).toMatch(/no manifest.json/);
    expect(refusal(new Uint8Array())).toMatch(/no manifest.json/);
    expect(refusal(object)).toMatch(/not a bundle/);
  });

  it.each<readonly [string, (model: EncodedModel) => unknown]>([
    ['a tier that is missing', (model) => ({ ...model, tiers: model.tiers.slice(1) })],
    ['a tier twice', (model) => ({ ...model, tiers: [...model.tiers, ...model.tiers] })],
    ['a line that no file has', (model) => withOrigins(model, [0, 1 << 27, 1])],
    ['a column that no line has', (model) => withOrigins(model, [0, 1, 1 << 29])],
    ['a source that is missing', (model) => withOrigins(model, [9, 1, 1])],
    ['a rule with a peer that is missing', (model) => ({ ...model, peers: [] })],
    [
      'many long sources',
      (model) => ({
        ...model,
        sources: model.policies.map((_, i) => ({ path: `${i}`, lines: [] })),
        policies: model.policies.map((policy, i) => ({
          ...policy,
          rules: [],
          origin: [i, (1 << 23) + 1, 1],
        })),
      }),
    ],
  ])('is refused if its policies have %s, whatever the digests say', (_name, change) => {
    const parts = partsOf(bytes);
    const model = JSON.parse(
      Buffer.from(parts.get('policy.json') ?? '').toString(),
    ) as EncodedModel;
    expect(refusal(sealed(parts.set('policy.json', jsonOf(change(model)))))).toMatch(
      /policy.json contradicts itself/,
    );
  });

  it('is refused if its object is not in the form that policyc writes, whatever the digests say', () => {
    const name = 'objects/datapath.o';
    const accepted: number[] = [];
    for (let at = 0; at < object.length; at += 211) {
      const parts = partsOf(bytes);
      const changed = Uint8Array.from(parts.get(name) ?? []);
      changed[at] = (changed[at] ?? 0) ^ 0x41;
      if (refusal(sealed(parts.set(name, changed))) === 'nothing') accepted.push(at);
    }
    // Instructions, and texts of lines, can be others; the kernel's verifier judges those.
    const image = readElf(object);
    const readable = accepted.filter((at) => {
      const changed = Uint8Array.from(object);
      changed[at] = (changed[at] ?? 0) ^ 0x41;
      return readElf(changed).maps.length === image.maps.length;
    });
    expect(readable).toEqual(accepted);
    expect(accepted.length).toBeLessThan(object.length / 211);
  });

  it('is refused without an object', () => {
    const parts = partsOf(bytes);
    expect(refusal(sealed(parts, { objects: [] }))).toMatch(/no object `datapath`/);
    expect(refusal(sealed(parts))).toBe('nothing');
  });
});

function withOrigins(model: EncodedModel, origin: readonly [number, number, number]): EncodedModel {
  return { ...model, policies: model.policies.map((policy) => ({ ...policy, origin })) };
}

function jsonOf(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}

function partsOf(bytes: Uint8Array): Map<string, Uint8Array> {
  const files = parseTar(Uint8Array.from(bytes));
  return new Map(files.map(({ name, data }) => [name, data ?? new Uint8Array()]));
}

/** A bundle of these parts with digests that are right, as somebody hostile would make it. */
function sealed(parts: ReadonlyMap<string, Uint8Array>, changes: object = {}): Uint8Array {
  const old = JSON.parse(Buffer.from(parts.get('manifest.json') ?? '').toString()) as Manifest;
  const manifest = {
    ...old,
    ...changes,
    parts: old.parts.map(({ name }) => {
      const part = parts.get(name) ?? new Uint8Array();
      const sha256 = createHash('sha256').update(part).digest('hex');
      return { name, bytes: part.length, sha256 };
    }),
  };
  const files = new Map(parts).set('manifest.json', jsonOf(manifest));
  const attrs = { mtime: 0, uid: 0, gid: 0, mode: '644' };
  const made = createTar(
    [...files].map(([name, data]) => ({ name, data })),
    { attrs },
  );
  return Buffer.concat([made, new Uint8Array(512)]);
}
