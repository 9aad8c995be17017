/** Every flow of a small world that any boundary tells apart, and what the oracle says of it. */
import { isIPv6 } from 'node:net';
import { NUMBERS } from '../oracle/alphabets.js';
import { REMOTES } from '../oracle/generate.js';
import { addressesOf, answer, endpointsOf, isSubject } from '../oracle/naive.js';
import type { PodObject, World } from '../oracle/objects.js';

export interface BruteFlow {
  readonly from: string;
  readonly to: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP' | 'ICMP' | 'ICMPv6';
  readonly port: number;
}

const BOUNDARIES = [
  ...new Set([0, 82, 65535, ...NUMBERS.flatMap((one) => [one - 1, one, one + 1])]),
];

function podAt(world: World, address: string): PodObject | undefined {
  return world.pods.find((pod) => isSubject(pod) && addressesOf(pod).includes(address));
}

/** All pairs of addresses of one family of which a pod holds one, with all ports at boundaries. */
export function* flowsOf(world: World): Generator<BruteFlow> {
  const held = REMOTES.map((address) => ({ address, pod: podAt(world, address) }));
  for (const from of held) {
    for (const to of held) {
      if (isIPv6(from.address) !== isIPv6(to.address)) continue;
      const service = world.services.some(({ spec }) => spec.clusterIPs.includes(to.address));
      if (from.pod === undefined && to.pod === undefined && !service) continue;
      const ends = { from: from.address, to: to.address };
      for (const port of BOUNDARIES) {
        for (const protocol of ['TCP', 'UDP', 'SCTP'] as const) yield { ...ends, protocol, port };
      }
      // A Service's address answers no ICMP for its endpoints, so no policy has a say.
      if (from.pod === undefined && to.pod === undefined) continue;
      yield { ...ends, protocol: isIPv6(to.address) ? 'ICMPv6' : 'ICMP', port: 0 };
    }
  }
}

/** Both sides, and every endpoint behind a Service. */
export function oracleAllows(world: World, { from, to, protocol, port }: BruteFlow): boolean {
  const source = podAt(world, from);
  const common = { protocol, port, localOrigin: false };
  if (source !== undefined) {
    const asked = { ...common, subject: source, direction: 'egress' as const, remote: to };
    if (answer(world, asked).verdict === 'deny') return false;
  }
  const service = world.services.find(({ spec }) => spec.clusterIPs.includes(to));
  const targets =
    service === undefined || protocol.startsWith('ICMP')
      ? [{ address: to, port }]
      : endpointsOf(world, service, to, protocol, port);
  if (targets.length === 0) return false;
  return targets.every((target) => {
    const pod = podAt(world, target.address);
    if (pod === undefined) return true;
    const asked = { subject: pod, direction: 'ingress' as const, remote: from, localOrigin: true };
    return answer(world, { ...asked, protocol, port: target.port }).verdict === 'allow';
  });
}
