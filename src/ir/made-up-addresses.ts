/** Made-up addresses, for pods and Services of manifests that no cluster has seen yet. */
import type { Address } from '../address.js';

/** 240.0.0.0/4 is reserved and routed nowhere (RFC 1112), so no policy names it. */
const FIRST_IPV4 = { pods: 0xf000_0001n, services: 0xf800_0001n } as const;
/** A unique local prefix of policyc's own (RFC 4193): fd70:6f6c:6963:7963::/64, and the one behind it. */
const FIRST_IPV6 = {
  pods: 0xfd70_6f6c_6963_7963_0000_0000_0000_0001n,
  services: 0xfd70_6f6c_6963_7964_0000_0000_0000_0001n,
} as const;

/** Hands out addresses that nothing in the snapshot has, one of each family at a time. */
export function* inventAddresses(
  holders: 'pods' | 'services',
  isTaken: (address: Address) => boolean,
): Generator<readonly Address[], never> {
  for (let i = 0n; ; i += 1n) {
    const pair: readonly Address[] = [
      { family: 4, value: FIRST_IPV4[holders] + i },
      { family: 6, value: FIRST_IPV6[holders] + i },
    ];
    if (!pair.some(isTaken)) yield pair;
  }
}
