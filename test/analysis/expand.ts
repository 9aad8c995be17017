/** Findings read back as flows: whether a flow is among those that a finding names. */
import { parseAddress, type Address } from '../../src/address.js';
import { hasPort } from '../../src/analysis/port-set.js';
import type { EndSet, Finding, Findings } from '../../src/analysis/findings.js';
import { portIndex, PORT_INDEX } from '../../src/codegen/layout.js';
import type { PlacedPod, Universe } from '../../src/analysis/universe.js';
import type { BruteFlow } from './flow-space.js';

export function addressFrom(text: string): Address {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`bad address ${text}`);
  return address;
}

function podOf({ pods }: Universe, address: Address): PlacedPod | undefined {
  return pods.find(({ pod }) =>
    pod.addresses.some((one) => one.family === address.family && one.value === address.value),
  );
}

function indexOf({ protocol, port }: BruteFlow): number {
  return protocol === 'ICMP' || protocol === 'ICMPv6'
    ? PORT_INDEX.other
    : portIndex(protocol, port);
}

/** The findings that name the flow. */
export function findingsOf({ universe, findings }: Findings, flow: BruteFlow): readonly Finding[] {
  const from = addressFrom(flow.from);
  const to = addressFrom(flow.to);
  const source = podOf(universe, from);
  const destination = podOf(universe, to);
  if (source !== undefined && source === destination) return [];
  const ownNode = universe.addresses.classOf(from).nodes[0];
  if (source === undefined && ownNode !== undefined && destination?.pod.node === ownNode) return [];
  const index = indexOf(flow);
  const service = universe.addresses.classOf(to).service;
  const throughService = service !== undefined && index !== PORT_INDEX.other;
  const holds = (set: EndSet, address: Address, pod: PlacedPod | undefined): boolean =>
    pod === undefined
      ? set.classes.includes(universe.addresses.classOf(address))
      : set.pods.includes(pod);
  return findings.filter((one) => {
    if (one.family !== undefined && one.family !== from.family) return false;
    if (!hasPort(one.ports, index) || !holds(one.from, from, source)) return false;
    if (!throughService) return one.to.services.length === 0 && holds(one.to, to, destination);
    return one.to.services.some(
      (target) =>
        target.families.has(to.family) &&
        target.service === service.service &&
        target.port.protocol === flow.protocol &&
        target.port.port === flow.port,
    );
  });
}
