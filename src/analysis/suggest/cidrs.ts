/** The fewest prefixes that hold given addresses: no other address unless a length to widen to is given. */
import {
  ADDRESS_BITS,
  hostPrefix,
  maskAddress,
  prefixContains,
  prefixCovers,
  type Address,
  type Family,
  type Prefix,
} from '../../address.js';

/** Prefix lengths that addresses outside are widened to; `any` is every address outside. */
export type Widening = Readonly<Record<Family, number>> | 'any';

export function coverAddresses(addresses: readonly Address[]): readonly Prefix[] {
  return mergePrefixes(addresses.map(hostPrefix));
}

/** Widens each address, but never over one of those that somebody of the cluster holds. */
export function widenAddresses(
  addresses: readonly Address[],
  widening: Readonly<Record<Family, number>>,
  held: readonly Prefix[],
): readonly Prefix[] {
  return mergePrefixes(
    addresses.map((address) => {
      const wide = maskAddress(
        address,
        Math.min(widening[address.family], ADDRESS_BITS[address.family]),
      );
      const touches = held.some((one) => prefixCovers(wide, one) || prefixContains(one, wide));
      return touches ? hostPrefix(address) : wide;
    }),
  );
}

/** Joins halves, and drops what others hold; ascending, IPv4 first. */
export function mergePrefixes(prefixes: readonly Prefix[]): readonly Prefix[] {
  return ([4, 6] as const).flatMap((family) => {
    const sorted = prefixes
      .filter((one) => one.family === family)
      .sort((a, b) => (a.value === b.value ? a.length - b.length : a.value < b.value ? -1 : 1));
    const merged: Prefix[] = [];
    for (const prefix of sorted) {
      const last = merged.at(-1);
      if (last !== undefined && prefixCovers(last, prefix)) continue;
      merged.push(prefix);
      joinHalves(merged);
    }
    return merged;
  });
}

/** As long as the last two are halves of one prefix. */
function joinHalves(merged: Prefix[]): void {
  for (;;) {
    const [low, high] = merged.slice(-2);
    if (low === undefined || high === undefined || low.length !== high.length) return;
    if (low.length === 0) return;
    const whole = maskAddress(low, low.length - 1);
    if (!prefixCovers(whole, high) || low.value === high.value) return;
    merged.splice(-2, 2, whole);
  }
}
