/** Faults in what `bind` makes: tables, maps and subjects with one thing wrong, all over or in one entry. */
import { bind } from '../../src/codegen/bind.js';
import type { BoundMap, BoundSubject, MapContents } from '../../src/codegen/contents.js';
import {
  CELL,
  PORT_INDEX,
  ROW_ASPECT_SHIFT,
  SHAPE,
  SHAPE_FLAG,
  SUBJECT,
  SUBJECT_FLAG,
  TABLES,
} from '../../src/codegen/layout.js';
import type { Bind, Compiled } from '../../src/validate/validate.js';

export interface BoundFault {
  readonly name: string;
  readonly bind: Bind;
}

type Change = (contents: MapContents) => MapContents;
type WordChange = (word: number, index: number, words: Uint32Array) => number;

/** Entries of one map, or different cells, that are changed one by one. */
const ONE_BY_ONE = 8;

/**
 * @param dense contents with arrays, and `hashed` with hashes, whose entries are changed one by one
 * @param stale what an earlier generation was bound from
 */
export function boundFaults(
  dense: MapContents,
  hashed: MapContents,
  stale: Compiled,
): readonly BoundFault[] {
  const changes = [
    ...subjectFaults(),
    ...shapeFaults(),
    ...tableFaults(dense),
    ...mapFaults(hashed),
  ];
  return [
    ...changes.map(({ name, change }): BoundFault => ({
      name,
      bind: (...args) => change(bind(...args)),
    })),
    ...staleFaults(stale),
  ];
}

interface NamedChange {
  readonly name: string;
  readonly change: Change;
}

function subjectFaults(): readonly NamedChange[] {
  const edit = (name: string, write: (view: DataView) => void): NamedChange => ({
    name: `subject: ${name}`,
    change: (contents) => ({
      ...contents,
      subjects: contents.subjects.map((one) => editSubject(one, write)),
    }),
  });
  const swap = (a: number, b: number) => (view: DataView) => {
    const [first, second] = [view.getUint32(a, true), view.getUint32(b, true)];
    view.setUint32(a, second, true);
    view.setUint32(b, first, true);
  };
  const add = (at: number, by: number) => (view: DataView) => {
    view.setUint32(at, (view.getUint32(at, true) + by) >>> 0, true);
  };
  const clearFlag = (flag: number) => (view: DataView) => {
    view.setUint32(SUBJECT.flags, view.getUint32(SUBJECT.flags, true) & ~flag, true);
  };
  const { ingress, egress } = SUBJECT.rowBase;
  return [
    edit('own IPv4 address with its bytes swapped', (view) => {
      view.setUint32(SUBJECT.own4, view.getUint32(SUBJECT.own4, false), true);
    }),
    edit('own IPv6 address with its halves swapped', (view) => {
      const [a, b] = [view.getBigUint64(SUBJECT.own6), view.getBigUint64(SUBJECT.own6 + 8)];
      view.setBigUint64(SUBJECT.own6, b);
      view.setBigUint64(SUBJECT.own6 + 8, a);
    }),
    edit('no IPv4 address', clearFlag(SUBJECT_FLAG.has4)),
    edit('no IPv6 address', clearFlag(SUBJECT_FLAG.has6)),
    edit('any source may be used', (view) => {
      view.setUint32(
        SUBJECT.flags,
        view.getUint32(SUBJECT.flags, true) | SUBJECT_FLAG.routes,
        true,
      );
    }),
    edit('rows of the other direction', swap(ingress, egress)),
    edit('rows of ingress one on', add(ingress, 1)),
    edit('rows of egress one on', add(egress, 1)),
    edit('rows of egress for ingress', (view) => {
      view.setUint32(ingress, view.getUint32(egress, true), true);
    }),
    edit('no own node', (view) => {
      view.setUint32(SUBJECT.ownNodeFirst, 1, true);
      view.setUint32(SUBJECT.ownNodeLast, 0, true);
    }),
    edit('own node from one class early', add(SUBJECT.ownNodeFirst, -1)),
    edit('own node to one class late', add(SUBJECT.ownNodeLast, 1)),
    {
      name: 'subject: that of the next pod',
      change: (contents) => ({
        ...contents,
        subjects: contents.subjects.map((one, i, all) => ({
          ...one,
          subject: all[(i + 1) % all.length]?.subject ?? one.subject,
        })),
      }),
    },
  ];
}

/** Only where a direction is in code. */
export function policyWordFaults(): readonly BoundFault[] {
  const words = [SUBJECT.policies.ingress, SUBJECT.policies.egress];
  return words.flatMap((at, i) =>
    [0, 1].map((bit) => ({
      name: `subject: policy bit ${bit} of ${i === 0 ? 'ingress' : 'egress'} flipped`,
      bind: (...args) => {
        const contents = bind(...args);
        const flip = (view: DataView): void => {
          view.setUint32(at, (view.getUint32(at, true) ^ (1 << bit)) >>> 0, true);
        };
        return { ...contents, subjects: contents.subjects.map((one) => editSubject(one, flip)) };
      },
    })),
  );
}

function editSubject(one: BoundSubject, write: (view: DataView) => void): BoundSubject {
  const subject = one.subject.slice();
  write(new DataView(subject.buffer));
  return { ...one, subject };
}

function shapeFaults(): readonly NamedChange[] {
  const word = (name: string, at: number, change: (word: number) => number): NamedChange => ({
    name: `shape: ${name}`,
    change: (contents) =>
      editTable(contents, TABLES.shape, (one, i) => (4 * i === at ? change(one) : one)),
  });
  const groups = ['TCP', 'UDP', 'SCTP', 'other'];
  return [
    ...groups.map((group, i) =>
      word(`port classes of ${group} one on`, SHAPE.portBase + 4 * i, (one) => one + 1),
    ),
    ...Object.entries(SHAPE_FLAG).map(([name, flag]) =>
      word(`flag ${name} flipped`, SHAPE.flags, (one) => one ^ flag),
    ),
  ];
}

function tableFaults(contents: MapContents): readonly NamedChange[] {
  const words = (table: string, name: string, change: WordChange): NamedChange => ({
    name: `${table}: ${name}`,
    change: (all) => editTable(all, table, change),
  });
  const distinct = [...new Set(wordsOf(contents, TABLES.cells))].filter((one) => one !== 0);
  const aspects = 0xf << ROW_ASPECT_SHIFT;
  return [
    ...distinct
      .slice(0, ONE_BY_ONE)
      .flatMap((cell) => [
        words(TABLES.cells, `0x${cell.toString(16)} with the other verdict`, (one) =>
          one === cell ? (one ^ (1 << CELL.allowBit)) >>> 0 : one,
        ),
        words(TABLES.cells, `0x${cell.toString(16)} by the next decider`, (one) =>
          one === cell ? one + 1 : one,
        ),
        words(TABLES.cells, `0x${cell.toString(16)} dropped`, (one) => (one === cell ? 0 : one)),
      ]),
    words(TABLES.cells, 'all one on', (_, i, words) => words[i + 1] ?? 0),
    words(TABLES.rows, 'no reply needs state', (one, i) => (i % 2 === 0 ? one & ~aspects : one)),
    words(TABLES.rows, 'cells of the next place', (one, i) => (i % 2 === 1 ? one + 1 : one)),
    words(TABLES.rows, 'all one class on', (_, i, words) => words[i + 2] ?? 0),
    words(TABLES.defaults, 'cells of the next place', (one, i) => (i % 2 === 1 ? one + 1 : one)),
    words(TABLES.bits, 'ingress and egress swapped', (_, i, words) => words[i ^ 1] ?? 0),
    ...[0, 1, 2].map((bit) =>
      words(TABLES.bits, `predicate ${bit} of ingress turned round`, (one, i) =>
        i % 2 === 0 ? (one ^ (1 << bit)) >>> 0 : one,
      ),
    ),
    ports('one port late', (image, at) => image[at - 1] ?? 0),
    ports('one port early', (image, at) => image[at + 1] ?? 0),
    ports('with its bytes swapped', (image, at) => image[((at & 0xff) << 8) | (at >>> 8) | 0] ?? 0),
    ports('UDP as TCP', (image, at) => image[at >>> 16 === 1 ? at & 0xffff : at] ?? 0),
    ports('SCTP as UDP', (image, at) => image[at >>> 16 === 2 ? at - 0x1_0000 : at] ?? 0),
    ports('fragments as ports', (image, at) => (at > PORT_INDEX.other ? 0 : (image[at] ?? 0))),
  ];
}

function ports(name: string, change: (image: Uint16Array, at: number) => number): NamedChange {
  return {
    name: `ports: ${name}`,
    change: (contents) => ({
      ...contents,
      tables: contents.tables.map((one) => {
        if (one.name !== TABLES.ports) return one;
        const image = new Uint16Array(one.bytes.slice().buffer);
        const changed = Uint16Array.from(image, (_, at) => change(image, at));
        return { ...one, bytes: new Uint8Array(changed.buffer) };
      }),
    }),
  };
}

function mapFaults(contents: MapContents): readonly NamedChange[] {
  return contents.maps
    .filter(({ count, lifetime }) => count > 0 && lifetime === 'generation')
    .flatMap(({ name, count }) => {
      const some = Array.from({ length: Math.min(count, ONE_BY_ONE) }, (_, i) =>
        Math.floor((i * count) / Math.min(count, ONE_BY_ONE)),
      );
      return [
        ...some.map((i) => onMap(`${name}: entry ${i} dropped`, name, (map) => without(map, i))),
        onMap(`${name}: every value one on`, name, (map) => withValues(map, (one) => one + 1)),
        onMap(`${name}: keys with their bytes reversed`, name, reversed),
      ];
    });
}

function onMap(name: string, map: string, change: (map: BoundMap) => BoundMap): NamedChange {
  return {
    name,
    change: (contents) => ({
      ...contents,
      maps: contents.maps.map((one) => (one.name === map ? change(one) : one)),
    }),
  };
}

function without(map: BoundMap, i: number): BoundMap {
  if (i >= map.count) return map;
  const cut = (bytes: Uint8Array, size: number): Uint8Array =>
    Uint8Array.of(...bytes.subarray(0, i * size), ...bytes.subarray((i + 1) * size));
  const { keySize, valueSize, keys, values } = map;
  return { ...map, count: map.count - 1, keys: cut(keys, keySize), values: cut(values, valueSize) };
}

function withValues(map: BoundMap, change: (word: number) => number): BoundMap {
  const words = new Uint32Array(map.values.slice().buffer);
  return { ...map, values: new Uint8Array(words.map(change).buffer) };
}

function reversed(map: BoundMap): BoundMap {
  const keys = map.keys.slice();
  const start = map.type === 'lpm_trie' ? 4 : 0;
  for (let i = 0; i < map.count; i += 1) {
    keys.subarray(i * map.keySize + start, (i + 1) * map.keySize).reverse();
  }
  return { ...map, keys };
}

/** One table, or the subjects, of an earlier generation among what is bound now. */
function staleFaults({ model, plan }: Compiled): readonly BoundFault[] {
  const withStale = (
    name: string,
    mix: (now: MapContents, before: MapContents) => MapContents,
  ): BoundFault => ({
    name: `stale: ${name}`,
    bind: (...args) => mix(bind(...args), bind(model, plan, args[2], args[3])),
  });
  const tables = [TABLES.rows, TABLES.cells, TABLES.ports, TABLES.bits, TABLES.trie4];
  return [
    ...tables.map((name) =>
      withStale(name, (now, before) => ({
        ...now,
        tables: now.tables.map((one) =>
          one.name === name ? (before.tables.find((old) => old.name === name) ?? one) : one,
        ),
      })),
    ),
    withStale('subjects', (now, before) => ({ ...now, subjects: before.subjects })),
    withStale('everything', (_, before) => before),
  ];
}

function wordsOf(contents: MapContents, name: string): readonly number[] {
  const bytes = contents.tables.find((one) => one.name === name)?.bytes.slice();
  return bytes === undefined ? [] : [...new Uint32Array(bytes.buffer, 0, bytes.length >> 2)];
}

function editTable(contents: MapContents, name: string, change: WordChange): MapContents {
  return {
    ...contents,
    tables: contents.tables.map((one) => {
      if (one.name !== name) return one;
      const words = new Uint32Array(one.bytes.slice().buffer, 0, one.bytes.length >> 2);
      const changed = words.map((word, i) => change(word, i, words) >>> 0);
      return { ...one, bytes: new Uint8Array(changed.buffer) };
    }),
  };
}
