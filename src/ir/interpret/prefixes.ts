/** Prefixes by length: finds what is filed under any prefix that holds an address. */
import { ADDRESS_BITS, type Address, type Family, type Prefix } from '../../address.js';

/** Addresses of IPv4 as plain numbers, which are hashed many times faster. */
type UpperBits = number | bigint;

interface LengthBucket<Item> {
  readonly upperBits: (address: Address) => UpperBits;
  readonly items: Map<UpperBits, Item[]>;
}

/** The bits of addresses that prefixes of a length look at. */
function upperBitsOf(family: Family, length: number): (address: Address) => UpperBits {
  const rest = ADDRESS_BITS[family] - length;
  if (family === 4) return ({ value }) => Math.floor(Number(value) / 2 ** rest);
  const shift = BigInt(rest);
  return ({ value }) => value >> shift;
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
      bucket = { upperBits: upperBitsOf(prefix.family, prefix.length), items: new Map() };
      lengths.set(prefix.length, bucket);
    }
    const key = bucket.upperBits(prefix);
    const found = bucket.items.get(key);
    if (found === undefined) bucket.items.set(key, [item]);
    else found.push(item);
  }

  /** The items of every prefix that holds the address. */
  find(address: Address): readonly Item[] {
    const found: Item[] = [];
    for (const bucket of this.#lengths[address.family].values()) {
      const items = bucket.items.get(bucket.upperBits(address));
      if (items !== undefined) for (const item of items) found.push(item);
    }
    return found;
  }

  has(address: Address): boolean {
    for (const bucket of this.#lengths[address.family].values()) {
      if (bucket.items.has(bucket.upperBits(address))) return true;
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
