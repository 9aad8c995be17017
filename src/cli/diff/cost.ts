/** What changes in cost, in lines for people. */
import type { BeforeAfter, DiffDocument } from '../../analysis/diff/clusters.js';
import { plural } from '../../render/terminal.js';

/** What stays the same is left out; one line says so where all does. */
export function costLines(document: DiffDocument): readonly string[] {
  const { programs, clusters } = document;
  const { was, is } = programs;
  const lines = [
    ...numberLine('instructions', { was: was.instructions, is: is.instructions }),
    ...(['ingress', 'egress'] as const).flatMap((direction) =>
      was.layout[direction] === is.layout[direction]
        ? []
        : [`${direction} by ${was.layout[direction]} → ${is.layout[direction]}`],
    ),
    ...clusters.flatMap((cluster) => clusterLines(cluster, clusters.length > 1)),
  ];
  const cut = document.changes.filter(({ tag }) => tag === 'narrowed').length;
  const running =
    cut === 0 ? [] : [`running connections of ${plural(cut, 'narrowed change')} are cut`];
  return lines.length === 0 ? ['unchanged', ...running] : [...lines, ...running];
}

function clusterLines(
  { name, cost: { bound, statefulPods } }: DiffDocument['clusters'][number],
  withName: boolean,
): readonly string[] {
  const { was, is } = bound;
  const where = is.node === undefined ? '' : ` on ${is.node}, the fullest node:`;
  const lines = [
    ...numberLine(`map entries${where}`, { was: was.entries, is: is.entries }),
    ...numberLine(`bytes of tables and maps${where}`, { was: was.bytes, is: is.bytes }),
    ...(was.lookups === is.lookups ? [] : [`lookups by ${was.lookups} → ${is.lookups}`]),
    ...numberLine('pods that need connection state', statefulPods),
  ];
  return withName ? lines.map((line) => `${name}: ${line}`) : lines;
}

function numberLine(what: string, { was, is }: BeforeAfter<number>): readonly string[] {
  if (was === is) return [];
  const difference = is - was;
  return [`${what} ${was} → ${is} (${difference > 0 ? '+' : '−'}${Math.abs(difference)})`];
}
