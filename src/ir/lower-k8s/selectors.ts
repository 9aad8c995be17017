/** Kubernetes label selectors and pod selectors → the model's. */
import type { K8sLabelSelector, NamespacedPod } from '../../parser/k8s/types.js';
import type { K8sObject } from '../../parser/k8s/objects.js';
import type { JsonPath } from '../../parser/yaml/value.js';
import type { Span } from '../../source.js';
import { noteOrigin } from '../clause-origins.js';
import {
  NAMESPACE_NAME_LABEL,
  type LabelRequirement,
  type LabelSelector,
  type PodSelector,
} from '../model.js';

/** Selects every object. */
export const EVERYTHING: LabelSelector = { requirements: [] };

/**
 * An absent selector where the API takes that as an empty one.
 * @param path of the selector in the object
 */
export function lowerSelector(
  selector: K8sLabelSelector | null | undefined,
  object: K8sObject,
  path: JsonPath,
): LabelSelector {
  const labels = Object.entries(selector?.matchLabels ?? {});
  const expressions = selector?.matchExpressions ?? [];
  if (labels.length === 0 && expressions.length === 0) return EVERYTHING;
  const requirements = labels.map(([key, value]) =>
    noteOrigin<LabelRequirement>({ key, operator: 'In', values: [value] }, () =>
      object.entrySpanOf([...path, 'matchLabels', key]),
    ),
  );
  for (const [i, { key, operator, values }] of expressions.entries()) {
    const at = [...path, 'matchExpressions', i];
    requirements.push(noteOrigin({ key, operator, values: values ?? [] }, () => object.spanOf(at)));
  }
  return { requirements };
}

/** The namespace of that name, by the label that every namespace has. */
export function namespaceNamed(name: string): LabelSelector {
  return { requirements: [{ key: NAMESPACE_NAME_LABEL, operator: 'In', values: [name] }] };
}

export function lowerNamespacedPod(
  pod: NamespacedPod,
  origin: Span,
  object: K8sObject,
  path: JsonPath,
): PodSelector {
  return {
    namespaces: lowerSelector(pod.namespaceSelector, object, [...path, 'namespaceSelector']),
    pods: lowerSelector(pod.podSelector, object, [...path, 'podSelector']),
    origin,
  };
}
