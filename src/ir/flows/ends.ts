/** Who the ends of a flow are: pods, workloads, Services and addresses by the names people write. */
import { parseAddress, type Address, type Family } from '../../address.js';
import { diagnostic, type Diagnostic } from '../../diagnostics.js';
import { NameSearch } from '../../did-you-mean.js';
import type { Span } from '../../source.js';
import { isPolicyPod, type ClusterSnapshot, type Pod, type Service } from '../cluster.js';
import type { Flow, FlowEnd, FlowTarget } from '../flows.js';
import { endpointsBehind, hasPorts, type Protocol } from '../interpret.js';
import { createAddressBook, type AddressBook } from '../interpret/addresses.js';
import { compareText } from '../normalize.js';

/** A name that was understood, with every address that it may mean. */
export interface KnownEnd {
  readonly text: string;
  readonly kind: 'pod' | 'service' | 'address';
  /** At most one per family. */
  readonly addresses: readonly Address[];
  /** Where the name is a workload's: its pods that have addresses, by name. The first speaks for them. */
  readonly members?: readonly Pod[];
}

/** Where the name stands: the entry for messages, and its text. */
export interface EndPlace {
  readonly where: string;
  readonly span: Span | undefined;
}

export interface EndDirectory {
  /** A name without a namespace is understood where only one pod or workload has it. */
  readonly find: (text: string, place: EndPlace) => KnownEnd | Diagnostic;
  readonly book: AddressBook;
}

export function isDiagnostic(value: object): value is Diagnostic {
  return 'code' in value && 'severity' in value;
}

export function createEndDirectory(cluster: ClusterSnapshot): EndDirectory {
  const book = createAddressBook(cluster);
  const pods = new Map<string, Pod>();
  const workloads = new Map<string, Pod[]>();
  const bare = new Map<string, Set<string>>();
  const addBare = (name: string, path: string): void => {
    const paths = bare.get(name);
    if (paths === undefined) bare.set(name, new Set([path]));
    else paths.add(path);
  };
  for (const pod of cluster.pods) {
    const path = `${pod.namespace}/${pod.name}`;
    if (!pods.has(path)) pods.set(path, pod);
    addBare(pod.name, path);
    if (pod.workload === undefined) continue;
    const workload = `${pod.namespace}/${pod.workload.name}`;
    addBare(pod.workload.name, workload);
    const members = workloads.get(workload);
    if (members === undefined) workloads.set(workload, [pod]);
    else members.push(pod);
  }
  const services = new Map(cluster.services.map((one) => [`${one.namespace}/${one.name}`, one]));

  const names = new NameSearch();

  const findPod = (text: string, path: string, place: EndPlace): KnownEnd | Diagnostic => {
    const { where, span } = place;
    const named = pods.get(path);
    if (named !== undefined) return podEnd(text, named, place);
    const members = workloads.get(path) ?? [];
    const kinds = [...new Set(members.map((pod) => pod.workload?.kind ?? ''))].sort(compareText);
    if (kinds.length > 1) {
      const choices = kinds.map((kind) => `the ${kind}`);
      return diagnostic('flows/ambiguous-name', { where, text, choices }, span);
    }
    const live = members.filter((pod) => !pod.completed && pod.addresses.length > 0);
    const sorted = (live.length > 0 ? live : members).sort((a, b) => compareText(a.name, b.name));
    const [first] = sorted;
    if (first !== undefined) {
      const end = podEnd(text, first, place);
      return isDiagnostic(end) ? end : { ...end, members: sorted };
    }
    const near = names.nearest(path, () => new Set([...pods.keys(), ...workloads.keys()]));
    return diagnostic('flows/unknown-pod', { where, text, near }, span);
  };

  const findService = (
    text: string,
    path: string,
    { where, span }: EndPlace,
  ): KnownEnd | Diagnostic => {
    const service = services.get(path);
    if (service === undefined) {
      const near = names.nearest(path, () => services.keys());
      const args = { where, text, near: near === undefined ? undefined : `service ${near}` };
      return diagnostic('flows/unknown-service', args, span);
    }
    if (service.addresses.length === 0) {
      return diagnostic('flows/headless-service', { where, text }, span);
    }
    return { text, kind: 'service', addresses: service.addresses };
  };

  const find = (text: string, place: EndPlace): KnownEnd | Diagnostic => {
    const { where, span } = place;
    const service = /^service\s+(\S+\/\S+)$/.exec(text)?.[1];
    if (service !== undefined) return findService(text, service, place);
    const address = parseAddress(text);
    if (address !== undefined) return { text, kind: 'address', addresses: [address] };
    if (/^[^\s/]+\/[^\s/]+$/.test(text)) return findPod(text, text, place);
    if (!/^[^\s/]+$/.test(text)) return diagnostic('flows/bad-end', { where, text }, span);
    const [only, ...others] = [...(bare.get(text) ?? [])].sort(compareText);
    if (only !== undefined && others.length === 0) return findPod(text, only, place);
    if (only !== undefined) {
      return diagnostic('flows/ambiguous-name', { where, text, choices: [only, ...others] }, span);
    }
    const near = names.nearest(text, () => bare.keys());
    return diagnostic('flows/unknown-pod', { where, text, near }, span);
  };
  return { find, book };
}

function podEnd(text: string, pod: Pod, { where, span }: EndPlace): KnownEnd | Diagnostic {
  if (pod.completed || pod.addresses.length === 0) {
    return diagnostic('flows/no-address', { where, text }, span);
  }
  return { text, kind: 'pod', addresses: pod.addresses };
}

/** What of a flow does not depend on who its ends are. */
export type FlowShape = Pick<
  Flow,
  'index' | 'protocol' | 'sourcePort' | 'port' | 'icmpType' | 'icmpCode'
>;

/** Chooses the family, IPv4 where both ends have it, and finds who holds the addresses. */
export function connectEnds(
  book: AddressBook,
  shape: FlowShape,
  from: KnownEnd,
  to: KnownEnd,
  { where, span }: EndPlace,
): Flow | Diagnostic {
  if (from.kind === 'service') {
    return diagnostic('flows/service-as-source', { where, text: from.text }, span);
  }
  const common = ([4, 6] as const).filter(
    (family) => addressOf(from, family) !== undefined && addressOf(to, family) !== undefined,
  );
  const [first] = common;
  if (first === undefined) {
    return diagnostic('flows/no-common-family', { where, from: from.text, to: to.text }, span);
  }
  const { protocol } = shape;
  const needed = protocol === 'ICMP' ? 4 : protocol === 'ICMPv6' ? 6 : first;
  const source = addressOf(from, needed);
  const destination = addressOf(to, needed);
  if (source === undefined || destination === undefined) {
    return diagnostic('flows/wrong-icmp', { where, protocol, family: first }, span);
  }
  return {
    ...shape,
    from: endAt(book, from.text, source),
    to: endAt(book, to.text, destination),
    family: needed,
    targets: targetsOf(book, destination, protocol, shape.port),
  };
}

function addressOf(end: KnownEnd, family: Family): Address | undefined {
  return end.addresses.find((address) => address.family === family);
}

function endAt(book: AddressBook, text: string, address: Address): FlowEnd {
  const holder = book.holderOf(address);
  const [node] = [...(holder?.nodes ?? [])].sort(compareText);
  return {
    text,
    address,
    ...(holder?.pod === undefined ? {} : { pod: holder.pod }),
    ...(node === undefined ? {} : { node }),
  };
}

/** A packet to a Service's address arrives at its endpoints; any other where it is addressed to. */
function targetsOf(
  book: AddressBook,
  address: Address,
  protocol: Protocol,
  port: number,
): readonly FlowTarget[] {
  const holder = book.holderOf(address);
  const service: Service | undefined = holder?.service;
  if (service === undefined || !hasPorts(protocol)) {
    return [{ address, port, ...podAt(book, address) }];
  }
  return endpointsBehind(service, address, protocol, port).map((endpoint) => ({
    address: endpoint.address,
    port: endpoint.targetPort,
    ...podAt(book, endpoint.address),
  }));
}

function podAt(book: AddressBook, address: Address): { readonly pod?: Pod } {
  const pod = book.holderOf(address)?.pod;
  return pod !== undefined && isPolicyPod(pod) ? { pod } : {};
}
