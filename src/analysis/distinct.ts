/** Distinct: numbers for lists of whole numbers, equal for equal lists; compared whole, never by hash alone. */

type Lists = readonly Int32Array[];

export class Distinct {
  readonly #known: Lists[] = [];
  readonly #byHash = new Map<number, number[]>();

  /** Numbers count from 0 in the order of first sight; the lists must not be changed afterwards. */
  idOf(lists: Lists): number {
    const hash = hashOf(lists);
    const candidates = this.#byHash.get(hash);
    const known = candidates?.find((id) => sameLists(this.#known[id] ?? [], lists));
    if (known !== undefined) return known;
    const id = this.#known.length;
    this.#known.push(lists);
    if (candidates === undefined) this.#byHash.set(hash, [id]);
    else candidates.push(id);
    return id;
  }
}

/** FNV-1a over whole numbers, with the lengths. */
function hashOf(lists: Lists): number {
  let hash = 0x811c9dc5;
  for (const list of lists) {
    hash = Math.imul(hash ^ list.length, 0x01000193);
    for (let i = 0; i < list.length; i += 1) hash = Math.imul(hash ^ (list[i] ?? 0), 0x01000193);
    hash ^= hash >>> 15;
  }
  return hash;
}

function sameLists(a: Lists, b: Lists): boolean {
  return a.length === b.length && a.every((list, i) => sameList(list, b[i]));
}

function sameList(a: Int32Array, b: Int32Array | undefined): boolean {
  if (a.length !== b?.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}
