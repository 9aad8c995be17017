/** A lookup plan as text: the layout of each direction, and why it was chosen. */
import type { LookupPlan, VerdictLayout } from '../ir/plan.js';

export function planText({ verdict }: LookupPlan): string {
  return (['ingress', 'egress'] as const)
    .map((direction) => `${direction}: ${layoutText(verdict[direction])}`)
    .join('\n');
}

function layoutText(layout: VerdictLayout): string {
  const head = `${layout.kind}, since: ${layout.why}\n`;
  if (layout.kind === 'tables') return head;
  const policies = layout.policies.map(
    ({ namespace, name }, bit) =>
      `  policy bit ${bit}: ${namespace === undefined ? name : `${namespace}/${name}`}\n`,
  );
  const peers = layout.predicates.map(({ key }, bit) => `  peer bit ${bit}: ${key}\n`);
  return head + [...policies, ...peers].join('');
}
