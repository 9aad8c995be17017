/** Kind sets: sets of small numbers, as bits. */
export class KindSet {
  private constructor(
    readonly size: number,
    readonly words: Uint32Array,
  ) {}

  /** Of numbers below `size`. */
  static empty(size: number): KindSet {
    return new KindSet(size, new Uint32Array(Math.ceil(size / 32)));
  }

  static of(size: number, numbers: Iterable<number>): KindSet {
    const set = KindSet.empty(size);
    for (const one of numbers) {
      set.words[one >>> 5] = (set.words[one >>> 5] ?? 0) | (1 << (one & 31));
    }
    return set;
  }

  has(one: number): boolean {
    return (((this.words[one >>> 5] ?? 0) >>> (one & 31)) & 1) === 1;
  }

  and(other: KindSet): KindSet {
    return new KindSet(
      this.size,
      this.words.map((word, i) => word & (other.words[i] ?? 0)),
    );
  }

  without(other: KindSet): KindSet {
    return new KindSet(
      this.size,
      this.words.map((word, i) => word & ~(other.words[i] ?? 0)),
    );
  }

  complement(): KindSet {
    const words = this.words.map((word) => ~word);
    const spare = words.length * 32 - this.size;
    const last = words.length - 1;
    if (spare > 0) words[last] = (words[last] ?? 0) & (0xffffffff >>> spare);
    return new KindSet(this.size, words);
  }

  get isEmpty(): boolean {
    return this.words.every((word) => word === 0);
  }

  get count(): number {
    let sum = 0;
    for (const word of this.words) sum += countBits(word);
    return sum;
  }

  /** How many are in both. */
  countWith(other: KindSet): number {
    let sum = 0;
    for (let i = 0; i < this.words.length; i += 1) {
      sum += countBits((this.words[i] ?? 0) & (other.words[i] ?? 0));
    }
    return sum;
  }

  first(): number | undefined {
    const at = this.words.findIndex((word) => word !== 0);
    const word = this.words[at];
    return word === undefined ? undefined : at * 32 + (31 - Math.clz32(word & -word));
  }

  get key(): string {
    return this.words.join();
  }
}

function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555);
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
