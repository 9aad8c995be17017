/** Texts of cluster objects, and short forms of what became of them. */
import { formatAddress } from '../../src/address.js';
import type { ClusterSnapshot, Pod, Service } from '../../src/ir/cluster.js';

export const docs = (...texts: readonly string[]): string => texts.join('\n---\n');

export const pod = (name: string, spec: string, status = '', metadata = ''): string =>
  [
    'apiVersion: v1',
    'kind: Pod',
    `metadata: {name: ${name}, namespace: shop${metadata}}`,
    `spec: {${spec}}`,
    status === '' ? '' : `status: {${status}}`,
  ].join('\n');

export const live = (name: string, ip: string, metadata = ''): string =>
  pod(name, '', `phase: Running, podIPs: [{ip: ${ip}}]`, metadata);

export const workload = (kind: string, name: string, extra = '', metadata = ''): string => {
  const template =
    'template: {metadata: {labels: {app: web}}, spec: {containers: [{ports: [{name: http, containerPort: 80}]}]}}';
  const group = kind.endsWith('Job') ? 'batch' : 'apps';
  const spec = kind === 'CronJob' ? `jobTemplate: {spec: {${template}}}` : template;
  return [
    `apiVersion: ${group}/v1`,
    `kind: ${kind}`,
    `metadata: {name: ${name}, namespace: shop${metadata}}`,
    `spec: {${spec}}`,
    extra,
  ].join('\n');
};

export const owned = (kind: string, name: string): string =>
  `, ownerReferences: [{apiVersion: v1, kind: ${kind}, name: ${name}, controller: true}]`;

export const service = (name: string, spec: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: shop}\nspec: {${spec}}`;

export const slice = (name: string, of: string, body: string): string =>
  `apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: ${name}, namespace: shop, labels: {kubernetes.io/service-name: ${of}}}\n${body}`;

export const addresses = (one: { readonly addresses: Pod['addresses'] }): string =>
  one.addresses.map(formatAddress).join(' ');

export const podNamed = (cluster: ClusterSnapshot, name: string): Pod => {
  const found = cluster.pods.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no pod ${name}`);
  return found;
};

export const showEndpoints = ({ endpoints, ports }: Service): readonly string[] =>
  endpoints.map(({ address, targetPorts }) => {
    const targets = [...targetPorts].map(([i, target]) => `${ports[i]?.port ?? '?'}->${target}`);
    return `${formatAddress(address)} ${targets.join(' ')}`;
  });
