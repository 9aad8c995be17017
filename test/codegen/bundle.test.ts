/** Bundles: the same bytes for the same input, whole or refused, and the model that went in. */
import { describe, expect, it } from 'vitest';
import { readBundle } from '../../src/codegen/bundle.js';
import { encodeModel } from '../../src/codegen/bundle-model.js';
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
});
