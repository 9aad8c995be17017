/** Connections to Services that an assertion names: each of its ports, by what is behind it. */
import type { Family } from '../../address.js';
import { formatAddress } from '../../address.js';
import type { Service } from '../../ir/cluster.js';
import type { Assertion, PeerGroup } from '../../ir/model.js';
import { portIndex } from '../../codegen/layout.js';
import { witnessFlow } from '../diff/witness.js';
import type { WitnessEnd } from '../findings.js';
import { LabelTable } from '../rectangles.js';
import { serviceConnections, type ServiceSource } from '../services.js';
import type { FlowEntry } from '../report.js';
import type { Arena } from './arena.js';
import type { Membership } from './membership.js';
import { asksFor } from './ports.js';

/** A flow to a Service's port, and whether it is allowed. */
export interface ServiceFlow {
  readonly entry: FlowEntry;
  readonly allowed: boolean;
}

/** Services with cluster addresses; a headless one is its pods. */
export function servicesOf({ peers }: PeerGroup, { universe }: Arena): readonly Service[] {
  return universe.cluster.services.filter(
    ({ namespace, name, addresses }) =>
      addresses.length > 0 &&
      peers.some(
        (peer) => peer.kind === 'service' && peer.namespace === namespace && peer.name === name,
      ),
  );
}

/** The group without them. */
export function withoutServices(group: PeerGroup, services: readonly Service[]): PeerGroup {
  const isOne = (namespace: string, name: string): boolean =>
    services.some((one) => one.namespace === namespace && one.name === name);
  const peers = group.peers.filter(
    (peer) => peer.kind !== 'service' || !isOne(peer.namespace, peer.name),
  );
  return { ...group, peers };
}

/** One flow for each class of sources, port of a Service and family. */
export function* serviceFlows(
  from: Membership,
  wanted: readonly Service[],
  asked: Extract<Assertion, { ports: unknown }>['ports'],
  { universe, space, searches }: Arena,
): Generator<ServiceFlow> {
  const [search] = searches;
  if (wanted.length === 0 || space === undefined || search === undefined) return;
  const { ends, composer, spread } = search;
  const labels = new LabelTable(composer);
  const found = serviceConnections(universe, ends, space, composer, labels, spread, 'allowed');
  const targets = found.targets.map((target, i) => ({ target, i }));
  for (const [number, source] of found.sources.entries()) {
    const row = found.grid.rowOf(number);
    for (const family of [4, 6] as const) {
      const end = memberIn(source, from, family);
      if (end === undefined) continue;
      for (const service of wanted) {
        const address = service.addresses.find((one) => one.family === family);
        if (address === undefined) continue;
        for (const port of service.ports.filter((one) => asksFor(asked, one))) {
          const place = targets.find(
            ({ target }) =>
              target.service === service &&
              target.port.protocol === port.protocol &&
              target.port.port === port.port,
          );
          const served = place?.target.families.has(family) === true;
          const at = place === undefined ? -1 : (row?.destinations.indexOf(place.i) ?? -1);
          const label = at === -1 ? [] : (labels.labels[row?.labels[at] ?? 0] ?? []);
          const allowed = served && label.some((one) => (one.family ?? family) === family);
          const index = portIndex(port.protocol, port.port);
          const pair = { from: end, to: end, family };
          const { from: text } = witnessFlow(pair, [[index, index]], space);
          const entry = {
            from: text,
            to: formatAddress(address),
            protocol: port.protocol,
            port: port.port,
          };
          yield { entry, allowed };
        }
      }
    }
  }
}

function memberIn(source: ServiceSource, from: Membership, family: Family): WitnessEnd | undefined {
  if (source.kind === 'addresses') {
    if (!source.families.has(family)) return undefined;
    const one = source.classes.find((candidate) => from(candidate) === 'all');
    return one === undefined ? undefined : { kind: 'address', one };
  }
  const pod = source.pods.find(({ classes }) => {
    const one = classes.get(family);
    return one !== undefined && from(one) === 'all';
  });
  return pod === undefined ? undefined : { kind: 'pod', pod };
}
