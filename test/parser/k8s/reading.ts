/** Reads manifests from texts, and puts diagnostics into a form that tests can compare. */
import type { Diagnostic, Outcome } from '../../../src/diagnostics.js';
import { lowerCluster } from '../../../src/ir/lower-cluster.js';
import { lowerK8sPolicies } from '../../../src/ir/lower-k8s.js';
import type { ClusterSnapshot } from '../../../src/ir/cluster.js';
import type { Policy } from '../../../src/ir/model.js';
import { parseK8s } from '../../../src/parser/parse-k8s.js';
import { placeOf, SourceFile } from '../../../src/source.js';

/** A diagnostic as `code`, `line:column` and the text that it underlines. */
export interface Said {
  readonly code: string;
  readonly at: string;
  readonly text: string;
  readonly message: string;
  readonly hint: string | undefined;
}

export function said(diagnostics: readonly Diagnostic[]): readonly Said[] {
  return diagnostics.map(({ code, span, message, hint }) => {
    if (span === undefined) return { code, at: '', text: '', message, hint };
    const { line, column } = placeOf(span);
    const text = span.file.text.slice(span.start, span.end);
    return { code, at: `${line}:${column}`, text, message, hint };
  });
}

export function lowerText(text: string, path = 'p.yaml'): Outcome<readonly Policy[]> {
  const parsed = parseK8s([new SourceFile(path, text)]);
  if (parsed.value === undefined) return { diagnostics: parsed.diagnostics };
  const lowered = lowerK8sPolicies(parsed.value);
  return { ...lowered, diagnostics: [...parsed.diagnostics, ...lowered.diagnostics] };
}

export function clusterOfText(text: string, path = 'c.yaml'): Outcome<ClusterSnapshot> {
  const parsed = parseK8s([new SourceFile(path, text)]);
  if (parsed.value === undefined) return { diagnostics: parsed.diagnostics };
  const lowered = lowerCluster(parsed.value);
  return { ...lowered, diagnostics: [...parsed.diagnostics, ...lowered.diagnostics] };
}

/** The policies, or a thrown error that names every diagnostic. */
export function policiesOf(text: string, path?: string): readonly Policy[] {
  return valueOf(lowerText(text, path));
}

export function policyOf(text: string, path?: string): Policy {
  const [policy, ...more] = policiesOf(text, path);
  if (policy === undefined || more.length > 0) throw new Error('expected one policy');
  return policy;
}

export function clusterOf(text: string, path?: string): ClusterSnapshot {
  return valueOf(clusterOfText(text, path));
}

function valueOf<Value>({ value, diagnostics }: Outcome<Value>): Value {
  if (value === undefined) throw new Error(JSON.stringify(said(diagnostics), null, 2));
  return value;
}

/** A NetworkPolicy `shop/p` with this text as its spec, whose first line is line 5. */
export function networkPolicy(spec: string): string {
  return [
    'apiVersion: networking.k8s.io/v1',
    'kind: NetworkPolicy',
    'metadata: {name: p, namespace: shop}',
    'spec:',
    ...spec.split('\n').map((line) => `  ${line}`),
    '',
  ].join('\n');
}

/** The same for a cluster-wide policy. */
export function clusterPolicy(kind: 'anp' | 'banp' | 'cnp', spec: string): string {
  const [version, name, title] = {
    anp: ['v1alpha1', 'p', 'AdminNetworkPolicy'],
    banp: ['v1alpha1', 'default', 'BaselineAdminNetworkPolicy'],
    cnp: ['v1alpha2', 'p', 'ClusterNetworkPolicy'],
  }[kind];
  return [
    `apiVersion: policy.networking.k8s.io/${version ?? ''}`,
    `kind: ${title ?? ''}`,
    `metadata: {name: ${name ?? ''}}`,
    'spec:',
    ...spec.split('\n').map((line) => `  ${line}`),
    '',
  ].join('\n');
}
