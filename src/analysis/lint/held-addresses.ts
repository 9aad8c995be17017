/** The addresses of a cluster in order, to ask quickly which of them lie in a block. */
import { prefixLast, type Address, type Family, type Prefix } from '../../address.js';

export class HeldAddresses {
  readonly #sorted: Readonly<Record<Family, readonly bigint[]>>;

  constructor(addresses: readonly Address[]) {
    const of = (family: Family): readonly bigint[] =>
      addresses
        .filter((one) => one.family === family)
        .map(({ value }) => value)
        .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
    this.#sorted = { 4: of(4), 6: of(6) };
  }

  countIn(block: Prefix): number {
    return (
      this.#below(block.family, prefixLast(block) + 1n) - this.#below(block.family, block.value)
    );
  }

  /** How many are less than the number. */
  #below(family: Family, limit: bigint): number {
    const list = this.#sorted[family];
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((list[middle] ?? 0n) < limit) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
