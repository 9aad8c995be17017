/** Makes jumps of more than 32,767 slots reach their targets, over trampolines on the way. */
import { bug } from '../../diagnostics.js';
import { endsBlock, targetOf } from './dead-code.js';
import { slotsOf } from './isa.js';
import type { Label, ListingItem } from './listing.js';

/** A jump's distance is a signed 16-bit number of slots. */
const REACH = 0x7fff;
/** Trampolines stand closer than that: others will be put between a jump and its trampoline. */
const HOP = 30_000;
/** How far before a hop's end a block's end is looked for, where a trampoline costs nothing. */
const SEARCH = 4_000;
const MAX_ROUNDS = 1_000;

/** Returns the items with trampolines put in and far jumps led over them. */
export function relaxJumps(name: string, items: readonly ListingItem[]): readonly ListingItem[] {
  let current = items;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const next = addTrampolines(current, round);
    if (next === undefined) return current;
    current = next;
  }
  return bug(`the jumps of \`${name}\` do not come into reach`);
}

interface Trampoline {
  readonly label: Label;
  readonly target: Label;
  /** Where it stands, before the slots of other trampolines are counted. */
  readonly slot: number;
}

/** The trampolines of a round: by the item before which they go, and by where they lead. */
interface Islands {
  readonly byPlace: Map<number, Trampoline[]>;
  readonly byTarget: Map<Label, Trampoline[]>;
}

/** One round: undefined if every jump reaches its target. */
function addTrampolines(items: readonly ListingItem[], round: number): ListingItem[] | undefined {
  const slots = slotsBefore(items);
  const labels = new Map<Label, number>();
  items.forEach((item, i) => {
    if (item.kind === 'label') labels.set(item.name, at(slots, i));
  });
  if (at(slots, items.length) <= REACH) return undefined;
  const islands: Islands = { byPlace: new Map(), byTarget: new Map() };
  const retargeted = items.map((item, i) => {
    if (item.kind === 'label') return item;
    const { instruction } = item;
    const target = targetOf(instruction);
    if (target === undefined) return item;
    const from = at(slots, i) + 1;
    const to = labels.get(target) ?? bug(`no label \`${target}\``);
    if (Math.abs(to - from) <= REACH) return item;
    const label = trampolineFor(items, slots, islands, from, to, target, round);
    return { ...item, instruction: { ...instruction, target: label } } as ListingItem;
  });
  if (islands.byPlace.size === 0) return undefined;
  return insertIslands(retargeted, islands, round);
}

/** The number of slots before each item, and of all of them at the end. */
function slotsBefore(items: readonly ListingItem[]): Int32Array {
  const slots = new Int32Array(items.length + 1);
  items.forEach((item, i) => {
    slots[i + 1] = at(slots, i) + (item.kind === 'label' ? 0 : slotsOf(item.instruction));
  });
  return slots;
}

function at(slots: Int32Array, index: number): number {
  return slots[index] ?? bug(`no item ${index}`);
}

function trampolineFor(
  items: readonly ListingItem[],
  slots: Int32Array,
  islands: Islands,
  from: number,
  to: number,
  target: Label,
  round: number,
): Label {
  const forward = to > from;
  const known = islands.byTarget.get(target) ?? [];
  for (const { slot, label } of known) {
    const between = forward ? slot > from && slot < to : slot < from && slot > to;
    if (between && Math.abs(slot - from) <= HOP) return label;
  }
  const place = findPlace(items, slots, forward ? from + HOP : from - HOP, forward);
  const list = islands.byPlace.get(place) ?? [];
  const label = `${target}.far${round}.${place}.${list.length}`;
  const trampoline = { label, target, slot: at(slots, place) };
  islands.byPlace.set(place, [...list, trampoline]);
  islands.byTarget.set(target, [...known, trampoline]);
  return label;
}

/** The item near a slot before which trampolines go: behind the end of a block if there is one. */
function findPlace(
  items: readonly ListingItem[],
  slots: Int32Array,
  wanted: number,
  forward: boolean,
): number {
  const nearest = lowerBound(slots, wanted);
  const step = forward ? -1 : 1;
  for (let i = nearest; Math.abs(at(slots, i) - wanted) < SEARCH; i += step) {
    const before = items[i - 1];
    if (before?.kind === 'instruction' && endsBlock(before.instruction)) return i;
    if (i + step < 1 || i + step > items.length - 1) break;
  }
  return nearest;
}

/** The first index whose slot is not less than `wanted`. */
function lowerBound(slots: Int32Array, wanted: number): number {
  let low = 0;
  let high = slots.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(slots, middle) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function insertIslands(
  items: readonly ListingItem[],
  islands: Islands,
  round: number,
): ListingItem[] {
  const result: ListingItem[] = [];
  items.forEach((item, i) => {
    const list = islands.byPlace.get(i);
    if (list !== undefined) {
      const before = result.at(-1);
      const fallsIn = before?.kind !== 'instruction' || !endsBlock(before.instruction);
      const over = `over.far${round}.${i}`;
      if (fallsIn) result.push(jumpTo(over, `step over trampolines`));
      for (const { label, target } of list) {
        result.push({ kind: 'label', name: label }, jumpTo(target, `trampoline to ${target}`));
      }
      if (fallsIn) result.push({ kind: 'label', name: over });
    }
    result.push(item);
  });
  return result;
}

function jumpTo(target: Label, comment: string): ListingItem {
  return { kind: 'instruction', instruction: { kind: 'jump', target }, comment };
}
