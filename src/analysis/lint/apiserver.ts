/** Pods that work with the API server, by the roles of their service accounts, and cannot reach it. */
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import { policyName, type NormalPolicy } from '../../ir/normal-model.js';
import type { K8sObject } from '../../parser/k8s/objects.js';
import { isArray, valueAt, type JsonPath } from '../../parser/yaml/value.js';
import type { PlacedPod } from '../universe.js';
import type { Scene } from './scene.js';
import { textAt } from './values.js';

interface Binding {
  readonly role: string;
}

const TEMPLATES: Readonly<Record<string, JsonPath>> = {
  Pod: ['spec'],
  Deployment: ['spec', 'template', 'spec'],
  ReplicaSet: ['spec', 'template', 'spec'],
  StatefulSet: ['spec', 'template', 'spec'],
  DaemonSet: ['spec', 'template', 'spec'],
  Job: ['spec', 'template', 'spec'],
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
};

export function lintApiserver(scene: Scene, objects: readonly K8sObject[]): readonly Diagnostic[] {
  const service = scene.cluster.services.find(
    ({ namespace, name }) => namespace === 'default' && name === 'kubernetes',
  );
  const endpoints = (service?.endpoints ?? []).flatMap(({ address, targetPorts }) =>
    [...targetPorts.values()].map((port) => ({ address, port })),
  );
  const bindings = readBindings(objects);
  if (endpoints.length === 0 || bindings.size === 0) return [];
  const accounts = readAccounts(objects);
  const found = new Map<string, { policy: NormalPolicy; account: string; pods: PlacedPod[] }>();
  for (const placed of scene.pods) {
    const { namespace, name, workload } = placed.pod;
    const account =
      accounts.get(`Pod ${namespace}/${name}`) ??
      (workload && accounts.get(`${workload.kind} ${namespace}/${workload.name}`));
    const policy = account === undefined ? undefined : scene.isolatorOf(placed, 'egress');
    if (account === undefined || policy === undefined) continue;
    if (!bindings.has(`${namespace}/${account}`)) continue;
    const reaches = endpoints.some(
      ({ address, port }) =>
        placed.classes.has(address.family) &&
        scene.allowsAt(placed, 'egress', address, 'TCP', port),
    );
    if (reaches) continue;
    const key = `${policy.index} ${namespace}/${account}`;
    const group = found.get(key);
    if (group === undefined)
      found.set(key, { policy, account: `${namespace}/${account}`, pods: [placed] });
    else group.pods.push(placed);
  }
  return [...found.values()].map(({ policy, account, pods }) => {
    const role = bindings.get(account)?.role ?? '';
    const args = { pods: scene.describe(pods), account, role, policy: policyName(policy) };
    return diagnostic('lint/apiserver-cut-off', args, policy.origin);
  });
}

/** By `namespace/account`. */
function readBindings(objects: readonly K8sObject[]): ReadonlyMap<string, Binding> {
  const bindings = new Map<string, Binding>();
  for (const { apiVersion, kind, value, namespace } of objects) {
    if (!apiVersion.startsWith('rbac.authorization.k8s.io/')) continue;
    if (kind !== 'RoleBinding' && kind !== 'ClusterRoleBinding') continue;
    const role = textAt(value, ['roleRef', 'name']) ?? '';
    const subjects = valueAt(value, ['subjects']);
    for (const subject of isArray(subjects) ? subjects : []) {
      if (textAt(subject, ['kind']) !== 'ServiceAccount') continue;
      const where = textAt(subject, ['namespace']) ?? namespace ?? 'default';
      const key = `${where}/${textAt(subject, ['name']) ?? ''}`;
      if (!bindings.has(key)) bindings.set(key, { role });
    }
  }
  return bindings;
}

/** The service account of each pod and workload that is given a token. */
function readAccounts(objects: readonly K8sObject[]): ReadonlyMap<string, string> {
  const accounts = new Map<string, string>();
  for (const { kind, value, namespace, name } of objects) {
    const path = TEMPLATES[kind];
    if (path === undefined || name === undefined) continue;
    const spec = valueAt(value, path);
    if (valueAt(spec, ['automountServiceAccountToken']) === false) continue;
    const account =
      textAt(spec, ['serviceAccountName']) ?? textAt(spec, ['serviceAccount']) ?? 'default';
    accounts.set(`${kind} ${namespace ?? 'default'}/${name}`, account);
  }
  return accounts;
}
