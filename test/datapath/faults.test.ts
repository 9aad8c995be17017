/** Can the cases fail? Each fault that is put into the emitted listing must be noticed by one of them. */
import { expect, it } from 'vitest';
import { emitDatapath } from '../../src/codegen/emit.js';
import { CASES } from './cases.js';
import { CLUSTER, firstSurprise, type PacketCase } from './case.js';
import { prepare, vmEngine, type Engine, type Layout, type Prepared } from './engines.js';
import { faultsOf, withFault, type Fault } from './faults.js';
import { CLIENT } from './policies.js';
import { cutSurprise, pieceSurprise, SAMPLES } from './samples.js';

/** Branches left out, bytes not swapped, limits off by one, the wrong map, the wrong direction. */
const KINDS = /: (no `|no swap|mul|.* for it)/;

/** Faults that change nothing that a packet could show. */
const EQUIVALENT: readonly (readonly [fault: RegExp, why: string])[] = [
  [
    /^(to|from)_pod ipv6\+(29|30|31|32|33): no `eq`/,
    'a shortcut: skip_extensions says the same of a packet without extension headers',
  ],
  [
    / (fast_entry|row_default|row_dense|row|cell_dense|cell_default)(_\d)?\+\d+: no `ge`/,
    'tables that bind made keep to their shape; it is the verifier that asks for the test',
  ],
  [
    /^(to|from)_pod (fast_ports|trie_\w+)\+\d+: no `(ge|gt|lt)`|^find_address[46] .*: no `(ge|gt|lt)`|^find_address6 next\+1:/,
    'as the rows: the tries keep to their shape',
  ],
  [
    / (classify\+10|quoted_indexes\+12|address6(_1)?\+10|fast_others\+\d): no `set`/,
    'and so no lookup in them says that they are corrupt',
  ],
  [
    / (start\+(11|24)|fast_plain6\+13): no `eq`/,
    'a shortcut: what is no IPv6 or TCP for the fast path is for the whole parser',
  ],
  [
    / (start\+4: no `ne`|(start\+16|fast_plain6\+3): no `eq`)/,
    'a shortcut: in these layouts all tables are arrays, or none is a trie',
  ],
  [
    / fast_ports_1\+(5|11): no `ne`/,
    'a shortcut: where the lower half is that of the pod, the whole way compares the upper one',
  ],
  [
    /^(to|from)_pod (fast_denied\+4: no `set`|foreign_answer\+5: no `lt`)/,
    'a shortcut: behind the frame the whole way comes to the same end',
  ],
  [
    / (frame\+4|frame6\+2): no `gt`/,
    'the fast path has seen the whole header; the verifier has not',
  ],
  [
    /^((to|from)_pod (promote|counted|next_place|enter|entered)|collect_(in|out) )/,
    'nothing is crowded here; test/datapath/live.test.ts looks for these faults where everything is',
  ],
  [
    /^(to|from)_pod maybe_needs_state\+\d+: (mul|no `eq`)/,
    'where a flow is noted, or whether it is, decides nothing',
  ],
  [
    /^(to|from)_pod maybe_needs_state\+\d+: no `ne`/,
    'no two flows of the cases share a place; those of test/datapath/recent.test.ts do',
  ],
  [
    /^judge_(in|e)gress cell\+2: no `eq`/,
    'of what judges say, replies take the verdict, and the decider only where no default allows them',
  ],
  [
    / (classify\+5|address6(_1)?\+3|quoted_indexes\+7|(address_lpm|address_maps)(_[123])?\+3): no `eq`/,
    'a shortcut: a map that the shape calls empty is empty, and a look into it finds nothing',
  ],
  [/ related\+5: no `gt`/, 'the parser has seen the whole ICMP header; the verifier has not'],
  [
    /^from_pod (related\+26|quoted6\+9): no `eq`/,
    'a pod without an address of the family has been stopped for its source',
  ],
  [
    /^from_pod allowed\+2: no `ge`/,
    'a shortcut: packets of other protocols have no TCP flags in their bits',
  ],
  [
    /^skip_(tags (start\+8|another\+7)|extensions read_\d\+6): no `ne`/,
    'bpf_skb_load_bytes leaves zeros where it fails, which lead to the same end',
  ],
  [
    / (leave|ask_other_half|foreign_answer)(_\d+)?\+\d+: no `/,
    'without a gate there is no other half to ask; test/loader/gate.test.ts has gates',
  ],
];

const LAYOUTS: readonly Layout[] = ['tables', 'hashes'];

const all = process.env['POLICYC_TEST_ALL'] === '1';
/** Each of them takes a moment, so that a run without more ado tries one of these. */
const STRIDE = all ? 1 : 7;

it(
  'every fault is noticed',
  () => {
    const listing = emitDatapath(prepare(CLIENT, CLUSTER, 'tables').plan);
    const faults = faultsOf(listing)
      .filter(({ name }) => KINDS.test(name))
      .filter(({ name }) => !EQUIVALENT.some(([fault]) => fault.test(name)))
      .filter((_, i) => i % STRIDE === 0);
    expect(faults.length).toBeGreaterThan(50);
    const order = new NoticeOrder();
    const unnoticed = faults.filter((fault) => !isNoticed(fault, order));
    expect(unnoticed.map(({ name }) => name)).toEqual([]);
  },
  all ? 900_000 : 180_000,
);

it('each fault that is called equivalent is there', () => {
  const faults = faultsOf(emitDatapath(prepare(CLIENT, CLUSTER, 'tables').plan));
  for (const [pattern] of EQUIVALENT) {
    expect(
      faults.some(({ name }) => pattern.test(name)),
      String(pattern),
    ).toBe(true);
  }
});

it('without a fault nothing is noticed', () => {
  for (const layout of LAYOUTS) {
    expect(surprise(() => vmEngine(), layout, CASES)).toBeUndefined();
  }
});

/** The cases that noticed most so far come first. */
class NoticeOrder {
  readonly #noticed = new Map<PacketCase, number>();

  cases(): readonly PacketCase[] {
    const count = (one: PacketCase): number => this.#noticed.get(one) ?? 0;
    return [...CASES].sort((a, b) => count(b) - count(a));
  }

  credit(one: PacketCase): void {
    this.#noticed.set(one, (this.#noticed.get(one) ?? 0) + 1);
  }
}

function isNoticed(fault: Fault, order: NoticeOrder): boolean {
  const start = (): Engine => vmEngine((listing) => withFault(listing, fault));
  return LAYOUTS.some((layout) => {
    const found = surprise(start, layout, order.cases());
    if (found === undefined) return false;
    if (found !== 'a sample') order.credit(found);
    return true;
  });
}

/** The first case that goes otherwise than expected; a fault of the VM counts as well. */
function surprise(
  start: () => Engine,
  layout: Layout,
  cases: readonly PacketCase[],
): PacketCase | 'a sample' | undefined {
  const engine = start();
  const bound: { now?: Prepared } = {};
  const found = cases.find((one) => fails(() => firstSurprise(engine, layout, one, bound)));
  if (found !== undefined) return found;
  const sample = SAMPLES.some(
    (one) =>
      fails(() => cutSurprise(engine, layout, one, 14)) ||
      fails(() => pieceSurprise(engine, layout, one)),
  );
  return sample ? 'a sample' : undefined;
}

function fails(run: () => string | undefined): boolean {
  try {
    return run() !== undefined;
  } catch {
    return true;
  }
}
