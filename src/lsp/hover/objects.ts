/** Objects of the cluster, as hovers show them: namespaces and Services. */
import { formatAddress } from '../../address.js';
import { isPolicyPod, type ClusterSnapshot } from '../../ir/cluster.js';
import { plural } from '../../render/terminal.js';
import { nearestName } from '../../did-you-mean.js';
import { code } from './words.js';

export function namespaceText(name: string, cluster: ClusterSnapshot | undefined): string {
  if (cluster === undefined) return `Namespace ${code(name)}.`;
  const pods = cluster.pods.filter((pod) => pod.namespace === name && isPolicyPod(pod)).length;
  const known = cluster.namespaces.get(name);
  if (known === undefined && pods === 0) {
    const near = nearestName(name, cluster.namespaces.keys());
    const hint = near === undefined ? '' : ` Did you mean ${code(near)}?`;
    return `The cluster has **no namespace** ${code(name)}.${hint}`;
  }
  const labels = [...(known?.labels ?? [])].map(([key, value]) => code(`${key}=${value}`));
  const told = labels.length === 0 ? '' : `\n\nLabels: ${labels.join(', ')}`;
  return `Namespace ${code(name)} of the cluster: ${plural(pods, 'pod')}.${told}`;
}

export function serviceText(
  namespace: string,
  name: string,
  cluster: ClusterSnapshot | undefined,
): string {
  const full = `${namespace}/${name}`;
  if (cluster === undefined) return `The endpoints of Service ${code(full)}.`;
  const found = cluster.services.find((one) => one.namespace === namespace && one.name === name);
  if (found === undefined) {
    const names = cluster.services.map((one) => `${one.namespace}/${one.name}`);
    const near = nearestName(full, names);
    const hint = near === undefined ? '' : ` Did you mean ${code(near)}?`;
    return `The cluster has **no Service** ${code(full)}.${hint}`;
  }
  const ports = found.ports.map((one) => {
    const title = one.name === '' ? '' : ` (${one.name})`;
    return `${code(`${one.port}/${one.protocol.toLowerCase()}`)}${title}`;
  });
  const addresses = found.addresses.map((one) => code(formatAddress(one)));
  return [
    `Service ${code(full)}: ${plural(found.endpoints.length, 'ready endpoint')}.`,
    `Ports: ${ports.join(', ') || 'none'}`,
    `Cluster addresses: ${addresses.join(', ') || 'none (headless)'}`,
  ].join('\n\n');
}
