/** What the text of NetworkPolicies says in ways that are easily read otherwise. */
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import type { K8sObject } from '../../parser/k8s/objects.js';
import { isArray, valueAt } from '../../parser/yaml/value.js';
import { textAt } from './values.js';

export const SECTIONS = ['ingress', 'egress'] as const;

export function isNetworkPolicy({ apiVersion, kind }: K8sObject): boolean {
  return kind === 'NetworkPolicy' && apiVersion === 'networking.k8s.io/v1';
}

export function lintManifests(objects: readonly K8sObject[]): readonly Diagnostic[] {
  return objects
    .filter(isNetworkPolicy)
    .flatMap((one) => [...lintNamespace(one), ...lintTypes(one), ...lintLists(one)]);
}

/** `namespace/name`, as diagnostics have it. */
export function nameOf(object: K8sObject): string {
  const namespace = object.namespace ?? '';
  return `${namespace === '' ? 'default' : namespace}/${object.name ?? ''}`;
}

function lintNamespace(object: K8sObject): readonly Diagnostic[] {
  if (textAt(object.value, ['metadata', 'namespace']) !== undefined) return [];
  return [diagnostic('lint/namespace-absent', { policy: nameOf(object) }, object.nameSpan())];
}

function lintTypes(object: K8sObject): readonly Diagnostic[] {
  const types = valueAt(object.value, ['spec', 'policyTypes']) ?? [];
  if (!isArray(types) || types.length > 0) return [];
  const count = (section: (typeof SECTIONS)[number]): number | undefined => {
    const list = valueAt(object.value, ['spec', section]);
    return isArray(list) ? list.length : undefined;
  };
  const [ingress, egress] = [count('ingress'), count('egress')];
  const meant = (egress ?? 0) > 0 ? '[Ingress, Egress]' : '[Ingress]';
  const policy = nameOf(object);
  const at = object.nameSpan();
  if (ingress === undefined && (egress ?? 0) > 0) {
    const args = { policy, types: `policyTypes: ${meant}` };
    const place = object.keySpanOf(['spec', 'egress']);
    return [diagnostic('lint/policy-types-implied', args, place)];
  }
  if (egress === 0) {
    const place = object.keySpanOf(['spec', 'egress']);
    return [diagnostic('lint/empty-egress-ignored', { policy }, place)];
  }
  return [diagnostic('lint/policy-types-absent', { policy, types: meant }, at)];
}

function lintLists(object: K8sObject): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const section of SECTIONS) {
    const rules = valueAt(object.value, ['spec', section]);
    const field = section === 'ingress' ? 'from' : 'to';
    for (const [i, rule] of (isArray(rules) ? rules : []).entries()) {
      for (const name of [field, 'ports']) {
        const list = valueAt(rule, [name]);
        if (!isArray(list) || list.length > 0) continue;
        const means = name === 'ports' ? 'every port' : 'everyone, not nobody';
        const instead =
          name === 'ports' ? 'name the ports otherwise' : 'to allow nobody, remove the rule';
        const at = object.keySpanOf(['spec', section, i, name]);
        diagnostics.push(diagnostic('lint/empty-list', { field: name, means, instead }, at));
      }
    }
  }
  return diagnostics;
}
