/** Objects that are left alone although they bear on who is there and who reaches whom: said, not dropped in silence. */
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import type { K8sObject } from '../../parser/k8s/objects.js';
import { isArray, isObject, type JsonValue } from '../../parser/yaml/value.js';

/** Networks of OVN-Kubernetes, which part pods from each other whatever policies say. */
const NETWORK_KINDS = new Set(['UserDefinedNetwork', 'ClusterUserDefinedNetwork']);

/** Virtual machines of KubeVirt run in pods, but have no pod template. */
const MACHINE_KINDS = new Set(['VirtualMachine', 'VirtualMachineInstance']);

/** One warning for each network that pods live in. */
export function reportNetworks(objects: readonly K8sObject[]): readonly Diagnostic[] {
  return objects
    .filter(
      ({ apiVersion, kind, value }) =>
        apiVersion.startsWith('k8s.ovn.org/') && NETWORK_KINDS.has(kind) && isPrimary(value),
    )
    .map((object) =>
      diagnostic(
        'cluster/other-network',
        { kind: object.kind, name: fullName(object) },
        object.nameSpan(),
      ),
    );
}

/** One warning for each kind that makes pods and that is not read; `isRead` tells the kinds that are. */
export function reportUnknownWorkloads(
  objects: readonly K8sObject[],
  isRead: (object: K8sObject) => boolean,
): readonly Diagnostic[] {
  const byKind = new Map<string, [K8sObject, ...K8sObject[]]>();
  for (const object of objects) {
    if (isRead(object) || !makesPods(object)) continue;
    const key = `${object.apiVersion} ${object.kind}`;
    const same = byKind.get(key);
    if (same === undefined) byKind.set(key, [object]);
    else same.push(object);
  }
  return [...byKind.values()].map(([first, ...rest]) =>
    diagnostic(
      'cluster/unknown-workload',
      { kind: first.kind, name: fullName(first), more: rest.length },
      first.nameSpan(),
    ),
  );
}

function makesPods({ apiVersion, kind, value }: K8sObject): boolean {
  if (apiVersion.startsWith('kubevirt.io/') && MACHINE_KINDS.has(kind)) return true;
  const containers = at(value, 'spec', 'template', 'spec', 'containers');
  return isArray(containers) && containers.length > 0;
}

function isPrimary(value: JsonValue): boolean {
  const spec = at(value, 'spec');
  return [spec, at(spec, 'network')].some((network) =>
    ['layer2', 'layer3'].some((layer) => at(network, layer, 'role') === 'Primary'),
  );
}

function at(value: JsonValue | undefined, ...steps: readonly string[]): JsonValue | undefined {
  let found = value;
  for (const step of steps) {
    if (found === undefined || !isObject(found) || !Object.hasOwn(found, step)) return undefined;
    found = found[step];
  }
  return found;
}

function fullName({ name, namespace }: K8sObject): string {
  const own = name ?? '?';
  return namespace === undefined ? own : `${namespace}/${own}`;
}
