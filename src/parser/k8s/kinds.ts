/** Which objects are policies, which of those can be read, and what to say of the others. */
import { nearestName } from '../../did-you-mean.js';

export type K8sPolicyKind =
  'NetworkPolicy' | 'ClusterNetworkPolicy' | 'AdminNetworkPolicy' | 'BaselineAdminNetworkPolicy';

export type Classification =
  | { readonly kind: 'policy'; readonly policy: K8sPolicyKind }
  /** A policy in a version that is not read; `known` are the forms that are. */
  | { readonly kind: 'unknown-version'; readonly known: readonly string[] }
  | { readonly kind: 'foreign'; readonly hint: string }
  /** A kind that no API server knows, and that is meant to be a policy. */
  | { readonly kind: 'misspelt'; readonly near: string | undefined }
  | { readonly kind: 'other' };

const POLICY_VERSIONS: Readonly<Record<K8sPolicyKind, string>> = {
  NetworkPolicy: 'networking.k8s.io/v1',
  ClusterNetworkPolicy: 'policy.networking.k8s.io/v1alpha2',
  AdminNetworkPolicy: 'policy.networking.k8s.io/v1alpha1',
  BaselineAdminNetworkPolicy: 'policy.networking.k8s.io/v1alpha1',
};

const POLICY_KINDS: ReadonlyMap<string, K8sPolicyKind> = new Map(
  (Object.keys(POLICY_VERSIONS) as K8sPolicyKind[]).map((kind) => [kind, kind]),
);

/** API groups whose policies are the ones read here, in some version. */
const OWN_GROUPS = new Set(['networking.k8s.io', 'extensions', 'policy.networking.k8s.io', 'apps']);

/** Kinds that decide about packets and do not say so by ending in NetworkPolicy. */
const FOREIGN_KINDS: ReadonlyMap<string, readonly string[]> = new Map([
  ['k8s.ovn.org', ['EgressFirewall']],
  ['crd.nsx.vmware.com', ['SecurityPolicy']],
  ['policy.networking.k8s.io', ['ExternalNetworkSet']],
]);

const CALICO_HINT =
  'rewrite it as a NetworkPolicy (allows) or a ClusterNetworkPolicy (ordered allow, deny, pass)';

const HINTS: ReadonlyMap<string, string> = new Map([
  [
    'cilium.io',
    'rewrite it as a NetworkPolicy or a ClusterNetworkPolicy, or in the policy language; L7 and DNS rules have no equal there',
  ],
  ['projectcalico.org', CALICO_HINT],
  ['crd.projectcalico.org', CALICO_HINT],
  [
    'crd.antrea.io',
    'rewrite it as a ClusterNetworkPolicy of policy.networking.k8s.io/v1alpha2, or in the policy language',
  ],
]);

const OTHER_HINT =
  'rewrite it as a NetworkPolicy, a ClusterNetworkPolicy or in the policy language, or leave the file out';

export function classify(apiVersion: string, kind: string): Classification {
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  const policy = POLICY_KINDS.get(kind);
  if (policy !== undefined && POLICY_VERSIONS[policy] === apiVersion) {
    return { kind: 'policy', policy };
  }
  if (policy !== undefined && (OWN_GROUPS.has(group) || group === '')) {
    return { kind: 'unknown-version', known: knownForms(policy) };
  }
  // Staged policies of Calico are looked at and not enforced.
  if (kind.startsWith('Staged')) return { kind: 'other' };
  if (/Network_?Policy$/.test(kind) || FOREIGN_KINDS.get(group)?.includes(kind) === true) {
    return { kind: 'foreign', hint: HINTS.get(group) ?? OTHER_HINT };
  }
  const near = nearestName(kind, POLICY_KINDS.keys());
  const meant = near !== undefined && (OWN_GROUPS.has(group) || group === '');
  return meant || /network[-_ ]?polic(y|ies)\s*$/i.test(kind)
    ? { kind: 'misspelt', near }
    : { kind: 'other' };
}

/** ClusterNetworkPolicy is what became of the two kinds of v1alpha1. */
function knownForms(policy: K8sPolicyKind): readonly string[] {
  return [POLICY_VERSIONS[policy]];
}
