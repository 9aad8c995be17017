/** Kubernetes objects → policies: those that can be read; other kinds of objects are left alone. */
import { diagnostic, hasErrors, type Diagnostic, type Outcome } from '../diagnostics.js';
import { classify, type K8sPolicyKind } from '../parser/k8s/kinds.js';
import type { K8sObject } from '../parser/k8s/objects.js';
import { validatePolicy } from '../parser/k8s/validate.js';
import { lowerAdminPolicy } from './lower-k8s/admin.js';
import { lowerNetworkPolicy, namespaceOf } from './lower-k8s/networkpolicy.js';
import type { Policy } from './model.js';

/**
 * Lowers every policy among the objects, in their order. Policies of other products and versions
 * are errors: leaving them out would make every verdict doubtful.
 */
export function lowerK8sPolicies(objects: readonly K8sObject[]): Outcome<readonly Policy[]> {
  const policies: Policy[] = [];
  const diagnostics: Diagnostic[] = [];
  const firsts = new Map<string, K8sObject>();
  for (const object of objects) {
    const { apiVersion, kind } = object;
    const found = classify(apiVersion, kind);
    switch (found.kind) {
      case 'other':
        break;
      case 'unknown-version': {
        const args = { apiVersion, kind, known: found.known };
        diagnostics.push(diagnostic('k8s/unknown-version', args, object.spanOf(['apiVersion'])));
        break;
      }
      case 'foreign': {
        const args = { apiVersion, kind, hint: found.hint };
        diagnostics.push(diagnostic('k8s/foreign-policy', args, object.spanOf(['kind'])));
        break;
      }
      case 'misspelt': {
        const args = { apiVersion, kind, near: found.near };
        diagnostics.push(diagnostic('k8s/unknown-kind', args, object.spanOf(['kind'])));
        break;
      }
      case 'policy': {
        const problems = validatePolicy(object, found.policy);
        diagnostics.push(...problems, ...findDuplicate(object, firsts));
        if (!hasErrors(problems)) policies.push(lowerPolicy(object, found.policy));
        break;
      }
    }
  }
  return hasErrors(diagnostics) ? { diagnostics } : { value: policies, diagnostics };
}

function lowerPolicy(object: K8sObject, kind: K8sPolicyKind): Policy {
  return kind === 'NetworkPolicy' ? lowerNetworkPolicy(object) : lowerAdminPolicy(object, kind);
}

function findDuplicate(object: K8sObject, firsts: Map<string, K8sObject>): readonly Diagnostic[] {
  const { name, kind } = object;
  if (name === undefined) return [];
  const full = kind === 'NetworkPolicy' ? `${namespaceOf(object)}/${name}` : name;
  const key = `${kind} ${full}`;
  const first = firsts.get(key);
  if (first === undefined) {
    firsts.set(key, object);
    return [];
  }
  const related = [{ span: first.nameSpan(), message: 'the first one is here' }];
  return [diagnostic('k8s/duplicate-policy', { kind, name: full }, object.nameSpan(), related)];
}
