/** Leaves out instructions that control cannot reach, and jumps to what follows anyway. */
import { bug } from '../../diagnostics.js';
import type { Instruction, Label, ListingItem } from './listing.js';

/** @throws Bug if control can fall off the end of the function */
export function removeDeadCode(name: string, items: readonly ListingItem[]): ListingItem[] {
  const reached = findReached(name, items);
  const live = items.filter((item, i) => item.kind === 'label' || reached[i] === true);
  return live.filter((item, i) => !jumpsToNext(item, live, i));
}

function findReached(name: string, items: readonly ListingItem[]): readonly boolean[] {
  const places = new Map<Label, number>();
  items.forEach((item, i) => {
    if (item.kind === 'label') places.set(item.name, i);
  });
  const reached: boolean[] = items.map(() => false);
  const pending = [0];
  for (let start = pending.pop(); start !== undefined; start = pending.pop()) {
    for (let i = start; ; i += 1) {
      const item = items[i] ?? bug(`control falls off the end of \`${name}\``);
      if (reached[i] === true) break;
      reached[i] = true;
      if (item.kind === 'label') continue;
      const target = targetOf(item.instruction);
      if (target !== undefined) pending.push(places.get(target) ?? bug(`no label \`${target}\``));
      if (endsBlock(item.instruction)) break;
    }
  }
  return reached;
}

function jumpsToNext(item: ListingItem, items: readonly ListingItem[], at: number): boolean {
  if (item.kind !== 'instruction' || item.instruction.kind !== 'jump') return false;
  for (let i = at + 1; ; i += 1) {
    const next = items[i];
    if (next?.kind !== 'label') return false;
    if (next.name === item.instruction.target) return true;
  }
}

/** Where the instruction may jump to. */
export function targetOf(instruction: Instruction): Label | undefined {
  return instruction.kind === 'jump' || instruction.kind === 'branch'
    ? instruction.target
    : undefined;
}

/** Whether control never goes on to the next instruction. */
export function endsBlock(instruction: Instruction): boolean {
  return instruction.kind === 'jump' || instruction.kind === 'exit';
}
