/** Prefixes by length: finds what is filed under any prefix that holds an address. */
import { ADDRESS_BITS, type Address, type Prefix } from '../address.js';

interface LengthBucket<Item> {
  readonly shift: bigint;
  readonly items: Map<bigint, Item[]>;
}

/** A lookup costs one map access for each length in use. */
export class PrefixBuckets<Item> {
  readonly #lengths = {
    4: new Map<number, LengthBucket<Item>>(),
    6: new Map<number, LengthBucket<Item>>(),
  };

  add(prefix: Prefix, item: Item): void {
    const lengths = this.#lengths[prefix.family];
    let bucket = lengths.get(prefix.length);
    if (bucket === undefined) {
      const shift = BigInt(ADDRESS_BITS[prefix.family] - prefix.length);
      bucket = { shift, items: new Map() };
      lengths.set(prefix.length, bucket);
    }
    const key = prefix.value >> bucket.shift;
    const found = bucket.items.get(key);
    if (found === undefined) bucket.items.set(key, [item]);
    else found.push(item);
  }

  /** The items of every prefix that holds the address. */
  find(address: Address): readonly Item[] {
    const found: Item[] = [];
    for (const bucket of this.#lengths[address.family].values()) {
      for (const item of bucket.items.get(address.value >> bucket.shift) ?? []) found.push(item);
    }
    return found;
  }

  has(address: Address): boolean {
    for (const bucket of this.#lengths[address.family].values()) {
      if (bucket.items.has(address.value >> bucket.shift)) return true;
    }
    return false;
  }
}

const sets = new WeakMap<readonly Prefix[], PrefixBuckets<true>>();

/** Whether some prefix of the list holds the address. */
export function someContains(prefixes: readonly Prefix[], address: Address): boolean {
  let set = sets.get(prefixes);
  if (set === undefined) {
    set = new PrefixBuckets<true>();
    for (const prefix of prefixes) set.add(prefix, true);
    sets.set(prefixes, set);
  }
  return set.has(address);
}
