/** Which object of a manifest a place lies in, and which policy of the model it became. */
import type { Policy } from '../../ir/model.js';
import type { K8sPolicyKind } from '../../parser/k8s/kinds.js';
import type { View } from '../workspace/view.js';
import { scalarAt, type YamlDocument, type YamlPath } from './walk.js';

export interface ManifestObject {
  /** The path of the object in its document: empty, or an item of a list. */
  readonly root: YamlPath;
  readonly kind: K8sPolicyKind;
}

const KINDS: ReadonlySet<string> = new Set<K8sPolicyKind>([
  'NetworkPolicy',
  'ClusterNetworkPolicy',
  'AdminNetworkPolicy',
  'BaselineAdminNetworkPolicy',
]);

export function objectAt(document: YamlDocument, path: YamlPath): ManifestObject | undefined {
  const inList = path[0] === 'items' && typeof path[1] === 'number';
  const root = inList ? path.slice(0, 2) : [];
  const kind = scalarAt(document, [...root, 'kind']);
  return kind !== undefined && isPolicyKind(kind) ? { root, kind } : undefined;
}

function isPolicyKind(kind: string): kind is K8sPolicyKind {
  return KINDS.has(kind);
}

/** By name, since the text may have changed since it was lowered. */
export function policyOf(
  { model }: View,
  path: string,
  document: YamlDocument,
  { root, kind }: ManifestObject,
): Policy | undefined {
  const name = scalarAt(document, [...root, 'metadata', 'name']);
  const namespace = scalarAt(document, [...root, 'metadata', 'namespace']) ?? 'default';
  return model?.policies.find(
    (one) =>
      one.kind === kind &&
      one.name === name &&
      one.origin.file.path === path &&
      (one.namespace === undefined || one.namespace === namespace),
  );
}
