/** Pod selection with a memory: pods that look alike to every selector are judged once. */
import { NAMESPACE_NAME_LABEL, type LabelSelector, type PodSelector } from '../model.js';
import { selectorMatches, type ClusterSnapshot, type Labels, type Pod } from '../cluster.js';

/** Equal for pods of one namespace with the same labels. */
export type PodLook = number;

export interface PodSelection {
  readonly selects: (selector: Pick<PodSelector, 'namespaces' | 'pods'>, pod: Pod) => boolean;
  readonly lookOf: (pod: Pod) => PodLook;
}

export function createPodSelection(cluster: ClusterSnapshot): PodSelection {
  const looks = new WeakMap<Pod, PodLook>();
  const lookByText = new Map<string, PodLook>();
  const answers = new WeakMap<object, Map<PodLook, boolean>>();

  const lookOf = (pod: Pod): PodLook => {
    const known = looks.get(pod);
    if (known !== undefined) return known;
    const text = JSON.stringify([pod.namespace, [...pod.labels].sort()]);
    const look = lookByText.get(text) ?? lookByText.size;
    lookByText.set(text, look);
    looks.set(pod, look);
    return look;
  };

  return {
    lookOf,
    selects: (selector, pod) => {
      let remembered = answers.get(selector);
      if (remembered === undefined) {
        remembered = new Map();
        answers.set(selector, remembered);
      }
      const look = lookOf(pod);
      let answer = remembered.get(look);
      if (answer === undefined) {
        answer =
          selectorMatches(selector.namespaces, namespaceLabels(cluster, pod.namespace)) &&
          selectorMatches(selector.pods, pod.labels);
        remembered.set(look, answer);
      }
      return answer;
    },
  };
}

/** A namespace without an object still has its name as a label (SEMANTICS row 26). */
export function namespaceLabels(cluster: ClusterSnapshot, name: string): Labels {
  return cluster.namespaces.get(name)?.labels ?? new Map([[NAMESPACE_NAME_LABEL, name]]);
}

/** The only namespaces that the selector can select, where it names them. */
export function pinnedNamespaces(selector: LabelSelector): readonly string[] | undefined {
  return selector.requirements.find(
    ({ key, operator }) => key === NAMESPACE_NAME_LABEL && operator === 'In',
  )?.values;
}
