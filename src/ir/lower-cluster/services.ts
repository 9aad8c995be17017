/** Services with their ready endpoints: from EndpointSlices, Endpoints, or selectors and pods. */
import { addressKey, type Address } from '../../address.js';
import {
  selectorMatches,
  type OutsideAccess,
  type Service,
  type ServiceEndpoint,
  type ServicePort,
} from '../cluster.js';
import type { ClusterObject, Fields } from './fields.js';
import type { PodRecord } from './pods.js';
import type { LabelSelector } from '../model.js';
import { append } from '../../multimap.js';

/** What tells where a Service's packets go. */
export interface EndpointSources {
  readonly slices: readonly ClusterObject[];
  readonly endpoints: readonly ClusterObject[];
  readonly pods: readonly PodRecord[];
}

/** The Service port with what it is translated to. */
interface PortEntry extends ServicePort {
  readonly target: number | string;
}

export interface LoweredService {
  readonly service: Service;
  /** No cluster has given it an address yet, nor has its author said that it has none. */
  readonly manifest: boolean;
}

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/** Finds the endpoint objects and the pods of Services without going through all for each. */
export class ServiceLowering {
  readonly #slices = new Map<string, ClusterObject[]>();
  readonly #endpoints = new Map<string, ClusterObject>();
  readonly #pods = new Map<string, PodRecord[]>();

  constructor(sources: EndpointSources) {
    for (const slice of sources.slices) {
      const service = slice.metadata.labels('labels').get(SERVICE_NAME_LABEL);
      if (service !== undefined) append(this.#slices, `${slice.namespace}/${service}`, slice);
    }
    for (const object of sources.endpoints) {
      this.#endpoints.set(`${object.namespace}/${object.name}`, object);
    }
    for (const record of sources.pods) append(this.#pods, record.pod.namespace, record);
  }

  lower(source: ClusterObject): LoweredService {
    const { namespace, name } = source;
    const spec = source.fields.mapping('spec');
    const entries = spec === undefined ? [] : lowerPorts(spec);
    const isExternal = spec?.string('type') === 'ExternalName';
    const found = new EndpointSet();
    if (spec !== undefined && !isExternal) this.#find(source, spec, entries, found);
    const outside = spec === undefined ? undefined : lowerOutside(spec);
    const selector = spec?.labels('selector');
    const service = {
      namespace,
      name,
      addresses: spec === undefined || isExternal ? [] : clusterAddresses(spec),
      ports: entries.map(({ name: portName, protocol, port }) => ({
        name: portName,
        protocol,
        port,
      })),
      endpoints: found.sorted(),
      ...(selector === undefined || selector.size === 0 || isExternal ? {} : { selector }),
      ...(outside === undefined ? {} : { outside }),
    };
    // As in the API, an empty text asks for an address.
    const told = [spec?.string('clusterIP') ?? '', ...(spec?.strings('clusterIPs') ?? [])].join('');
    return { service, manifest: spec !== undefined && !isExternal && told === '' };
  }

  #find(
    source: ClusterObject,
    spec: Fields,
    entries: readonly PortEntry[],
    found: EndpointSet,
  ): void {
    const key = `${source.namespace}/${source.name}`;
    const slices = this.#slices.get(key);
    const endpoints = this.#endpoints.get(key);
    if (slices !== undefined) fromSlices(slices, entries, found);
    else if (endpoints !== undefined) fromEndpoints(endpoints, entries, found);
    else fromPods(this.#pods.get(source.namespace) ?? [], spec, entries, found);
  }
}

interface Endpoint {
  readonly address: Address;
  readonly servicePort: number;
  readonly targetPort: number;
  /** It terminates, but still serves. */
  readonly leaving: boolean;
}

/**
 * As kube-proxy does, for each family and port by itself: the ready endpoints, else those that
 * still serve while they terminate.
 */
class EndpointSet {
  readonly #found: Endpoint[] = [];

  add(endpoint: Endpoint): void {
    this.#found.push(endpoint);
  }

  /** By address, with the target ports that they have in all sources together. */
  sorted(): readonly ServiceEndpoint[] {
    const ready = new Set(this.#found.filter(({ leaving }) => !leaving).map(audience));
    const byAddress = new Map<string, { address: Address; targetPorts: Map<number, number> }>();
    for (const endpoint of this.#found) {
      if (endpoint.leaving && ready.has(audience(endpoint))) continue;
      const { address, servicePort, targetPort } = endpoint;
      const key = addressKey(address);
      const known = byAddress.get(key);
      if (known !== undefined) known.targetPorts.set(servicePort, targetPort);
      else byAddress.set(key, { address, targetPorts: new Map([[servicePort, targetPort]]) });
    }
    return [...byAddress.values()].sort(({ address: a }, { address: b }) =>
      a.family === b.family
        ? Number(a.value > b.value) - Number(a.value < b.value)
        : a.family - b.family,
    );
  }
}

function audience({ address, servicePort }: Endpoint): string {
  return `${String(address.family)} ${String(servicePort)}`;
}

function lowerPorts(spec: Fields): readonly PortEntry[] {
  return spec.mappings('ports').flatMap((entry) => {
    const port = entry.port('port');
    if (port === undefined) {
      if (!entry.has('port')) {
        entry.report('cluster/missing-field', { field: 'port', where: 'a Service port' }, []);
      }
      return [];
    }
    const target = entry.portOrName('targetPort') ?? port;
    return [{ name: entry.string('name') ?? '', protocol: entry.protocol(), port, target }];
  });
}

function lowerOutside(spec: Fields): OutsideAccess | undefined {
  const type = spec.string('type');
  if (type !== 'NodePort' && type !== 'LoadBalancer') return undefined;
  const ports = spec.mappings('ports').map((entry) => entry.port('nodePort'));
  return {
    type,
    nodePorts: new Map(
      ports.flatMap((port, i) => (port === undefined ? [] : [[i, port] as const])),
    ),
    keepsClient: spec.string('externalTrafficPolicy') === 'Local',
  };
}

/** `None` marks a headless Service; an empty text one that has no address yet. */
function clusterAddresses(spec: Fields): readonly Address[] {
  const isAddress = (text: string | undefined): boolean =>
    text !== undefined && text !== '' && text !== 'None';
  const listed = spec.strings('clusterIPs');
  if (listed.length > 0) return listed.every(isAddress) ? spec.addresses('clusterIPs') : [];
  const single = isAddress(spec.string('clusterIP')) ? spec.address('clusterIP') : undefined;
  return single === undefined ? [] : [single];
}

function fromSlices(
  slices: readonly ClusterObject[],
  entries: readonly PortEntry[],
  found: EndpointSet,
): void {
  for (const { fields } of slices) {
    if (fields.string('addressType') === 'FQDN') continue;
    const targets = slicePorts(fields.mappings('ports'), entries);
    for (const endpoint of fields.mappings('endpoints')) {
      const conditions = endpoint.mapping('conditions');
      const ready = conditions?.boolean('ready') ?? true;
      const leaving =
        !ready &&
        conditions?.boolean('serving') === true &&
        conditions.boolean('terminating') === true;
      if (!ready && !leaving) continue;
      for (const address of endpoint.addresses('addresses')) {
        for (const [servicePort, targetPort] of targets) {
          found.add({ address, servicePort, targetPort, leaving });
        }
      }
    }
  }
}

/** Ports of slices and subsets carry the name of the Service port that they serve. */
function slicePorts(
  ports: readonly Fields[],
  entries: readonly PortEntry[],
): readonly (readonly [servicePort: number, target: number])[] {
  return ports.flatMap((port) => {
    const name = port.string('name') ?? '';
    const number = port.port('port');
    const protocol = port.protocol();
    const index = entries.findIndex((one) => one.name === name && one.protocol === protocol);
    return index < 0 || number === undefined ? [] : [[index, number] as const];
  });
}

function fromEndpoints(
  { fields }: ClusterObject,
  entries: readonly PortEntry[],
  found: EndpointSet,
): void {
  for (const subset of fields.mappings('subsets')) {
    const targets = slicePorts(subset.mappings('ports'), entries);
    for (const entry of subset.mappings('addresses')) {
      const address = entry.address('ip');
      if (address === undefined) continue;
      for (const [servicePort, targetPort] of targets) {
        found.add({ address, servicePort, targetPort, leaving: false });
      }
    }
  }
}

/** What the endpoint controllers would make of the selector. */
function fromPods(
  records: readonly PodRecord[],
  spec: Fields,
  entries: readonly PortEntry[],
  found: EndpointSet,
): void {
  const labels = spec.labels('selector');
  // Without a selector, endpoints are made by hand.
  if (labels.size === 0) return;
  const selector: LabelSelector = {
    requirements: [...labels].map(([key, value]) => ({ key, operator: 'In', values: [value] })),
  };
  const unready = spec.boolean('publishNotReadyAddresses') ?? false;
  for (const { pod, ready, terminating } of records) {
    if (!selectorMatches(selector, pod.labels)) continue;
    if (!unready && !ready) continue;
    entries.forEach(({ target, protocol }, servicePort) => {
      const targetPort =
        typeof target === 'number'
          ? target
          : pod.ports.find((one) => one.name === target && one.protocol === protocol)?.port;
      if (targetPort === undefined) return;
      const leaving = terminating && !unready;
      for (const address of pod.addresses) {
        found.add({ address, servicePort, targetPort, leaving });
      }
    });
  }
}
