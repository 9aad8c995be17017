/** Random worlds whose Services have selectors, and every flow of them that some boundary tells apart. */
import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import type { BruteFlow } from '../analysis/flow-space.js';
import { CIDRS, labels, NUMBERS } from '../oracle/alphabets.js';
import { REMOTES, worlds } from '../oracle/generate.js';
import { addressesOf, inCidr, isSubject } from '../oracle/naive.js';
import type { World } from '../oracle/objects.js';

/** In some worlds, the peers of NetworkPolicy rules are two blocks, as they seldom are by chance. */
const blocks = fc
  .tuple(fc.constantFrom(...CIDRS), fc.constantFrom(...CIDRS), fc.constantFrom(...CIDRS))
  .map(([a, b, except]) => {
    const inner = contains(a, except) ? { except: [except] } : {};
    return [{ ipBlock: { cidr: a, ...inner } }, { ipBlock: { cidr: b } }];
  });

function contains(outer: string, inner: string): boolean {
  const [network = '', length = ''] = inner.split('/');
  return Number(length) > Number(outer.split('/')[1]) && inCidr(outer, network);
}

type Blocks = typeof blocks extends fc.Arbitrary<infer One> ? One : never;

function withBlocks(world: World, peers: Blocks | undefined): World {
  if (peers === undefined) return world;
  const networkPolicies = world.networkPolicies.map((policy) => ({
    ...policy,
    spec: {
      ...policy.spec,
      ...(policy.spec.ingress == null
        ? {}
        : { ingress: policy.spec.ingress.map((rule) => ({ ...rule, from: peers })) }),
      ...(policy.spec.egress == null
        ? {}
        : { egress: policy.spec.egress.map((rule) => ({ ...rule, to: peers })) }),
    },
  }));
  return { ...world, networkPolicies };
}

export const selectedWorlds: fc.Arbitrary<World> = fc
  .tuple(
    worlds,
    fc.array(labels, { minLength: 2, maxLength: 2 }),
    fc.option(blocks, { nil: undefined, freq: 4 }),
  )
  .map(([plain, selectors, peers]) => {
    // `freq: 4` is mostly blocks; they are the exception here.
    const world = withBlocks(plain, plain.pods.length % 3 === 0 ? peers : undefined);
    return {
      ...world,
      services: world.services.map((service, i) => {
        const selector = selectors[i] ?? {};
        const empty = Object.keys(selector).length === 0;
        return { ...service, spec: { ...service.spec, ...(empty ? {} : { selector }) } };
      }),
    };
  });

/** With one that the parts of ::/0 do not hold. */
const ADDRESSES = [...REMOTES, 'fe80::1'];

const PORTS = [
  ...new Set([
    0,
    82,
    65535,
    29999,
    30000,
    32767,
    32768,
    ...NUMBERS.flatMap((one) => [one - 1, one, one + 1]),
  ]),
];

export function* flowsIn(world: World): Generator<BruteFlow> {
  const isPod = (address: string): boolean =>
    world.pods.some((pod) => isSubject(pod) && addressesOf(pod).includes(address));
  for (const from of ADDRESSES) {
    for (const to of ADDRESSES) {
      if (isIPv6(from) !== isIPv6(to)) continue;
      const pods = isPod(from) || isPod(to);
      const service = world.services.some(({ spec }) => spec.clusterIPs.includes(to));
      if (!pods && !service) continue;
      for (const port of PORTS) {
        for (const protocol of ['TCP', 'UDP', 'SCTP'] as const) yield { from, to, protocol, port };
      }
      if (pods) yield { from, to, protocol: isIPv6(to) ? 'ICMPv6' : 'ICMP', port: 0 };
    }
  }
}
