/** Goes over all ports once, with the arms that match each stretch of them. */
import type { SubjectArm } from '../../codegen/bind/views.js';

/**
 * Calls back for each stretch of ports that the arms cut, unless none matches there.
 *
 * @param arms in the order of decision, which the callback's arms have too; each rule once there
 */
export function sweepPorts(
  arms: readonly SubjectArm[],
  visit: (active: readonly SubjectArm[]) => void,
): void {
  const events: { readonly at: number; readonly position: number; readonly step: 1 | -1 }[] = [];
  for (const [position, { intervals }] of arms.entries()) {
    for (const [first, last] of intervals) {
      if (first > last) continue;
      events.push({ at: first, position, step: 1 }, { at: last + 1, position, step: -1 });
    }
  }
  events.sort((a, b) => a.at - b.at);
  const depth = new Int32Array(arms.length);
  const active: number[] = [];
  for (let i = 0; i < events.length;) {
    const at = events[i]?.at;
    for (let event = events[i]; event !== undefined && event.at === at; event = events[i]) {
      const { position, step } = event;
      const before = depth[position] ?? 0;
      depth[position] = before + step;
      if (before === 0 && step === 1) active.splice(placeOf(active, position), 0, position);
      if (before === 1 && step === -1) active.splice(placeOf(active, position), 1);
      i += 1;
    }
    const here: SubjectArm[] = [];
    for (const position of active) {
      const arm = arms[position];
      if (arm !== undefined && arm.arm.rule !== here.at(-1)?.arm.rule) here.push(arm);
    }
    if (here.length > 0) visit(here);
  }
}

/** Where the number stands in the ascending list, or would stand. */
function placeOf(list: readonly number[], wanted: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
