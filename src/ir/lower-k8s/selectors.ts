/** Kubernetes label selectors and pod selectors → the model's. */
import type { K8sLabelSelector, NamespacedPod } from '../../parser/k8s/types.js';
import type { Span } from '../../source.js';
import {
  NAMESPACE_NAME_LABEL,
  type LabelRequirement,
  type LabelSelector,
  type PodSelector,
} from '../model.js';

/** Selects every object. */
export const EVERYTHING: LabelSelector = { requirements: [] };

/** An absent selector where the API takes that as an empty one. */
export function lowerSelector(selector: K8sLabelSelector | null | undefined): LabelSelector {
  const labels = Object.entries(selector?.matchLabels ?? {});
  const expressions = selector?.matchExpressions ?? [];
  if (labels.length === 0 && expressions.length === 0) return EVERYTHING;
  const requirements: LabelRequirement[] = labels.map(([key, value]) => ({
    key,
    operator: 'In',
    values: [value],
  }));
  for (const { key, operator, values } of expressions) {
    requirements.push({ key, operator, values: values ?? [] });
  }
  return { requirements };
}

/** The namespace of that name, by the label that every namespace has. */
export function namespaceNamed(name: string): LabelSelector {
  return { requirements: [{ key: NAMESPACE_NAME_LABEL, operator: 'In', values: [name] }] };
}

export function lowerNamespacedPod(pod: NamespacedPod, origin: Span): PodSelector {
  return {
    namespaces: lowerSelector(pod.namespaceSelector),
    pods: lowerSelector(pod.podSelector),
    origin,
  };
}
