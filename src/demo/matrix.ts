/** The table of a scenario's verdicts: who reaches what, as it was enforced and as the model says. */
import type { Paint } from '../render/paint.js';
import type { Attempt } from './attempts.js';
import type { Scenario } from './scenario.js';

/** What became of an attempt: `broken` is neither an answer nor silence. */
export type Outcome = 'passes' | 'denied' | 'broken';

export interface Judged {
  readonly attempt: Attempt;
  readonly enforced: Outcome;
  readonly model: Outcome;
}

export function isMismatch({ enforced, model }: Judged): boolean {
  return enforced !== model;
}

const MARKS: Readonly<Record<Outcome, string>> = { passes: '+', denied: '.', broken: '?' };
/** The families differ. */
const MIXED = '%';

interface Cell {
  readonly text: string;
  readonly style: 'success' | 'faint' | 'error';
}

/** One row for each source; each cell shows what was enforced, then what the model says. */
export function renderMatrix(scenario: Scenario, judged: readonly Judged[], paint: Paint): string {
  const byCell = new Map<string, Judged[]>();
  for (const one of judged) {
    const key = `${one.attempt.row} ${one.attempt.column}`;
    const found = byCell.get(key);
    if (found === undefined) byCell.set(key, [one]);
    else found.push(one);
  }
  const names = scenario.sources.map(({ kind, name }) => (kind === 'host' ? `(${name})` : name));
  const first = Math.max(...names.map((name) => name.length), 'from'.length);
  const widths = scenario.targets.map(({ title, port, protocol }) =>
    Math.max(title.length, String(port).length, protocol.length, '+ +!'.length),
  );
  const heading = (label: string, texts: readonly string[]): string =>
    [label.padEnd(first), ...texts.map((text, i) => text.padEnd(widths[i] ?? 0))]
      .join(' ')
      .trimEnd();
  const head = [
    heading(
      '',
      scenario.targets.map(({ title }) => title),
    ),
    heading(
      '',
      scenario.targets.map(({ port }) => String(port)),
    ),
    heading(
      'from',
      scenario.targets.map(({ protocol }) => protocol),
    ),
  ].map((line) => `${paint('strong', line)}\n`);
  const rows = names.map((name, row) => {
    const cells = scenario.targets.map((_, column) => {
      const { text, style } = cellOf(byCell.get(`${row} ${column}`) ?? []);
      return paint(style, text) + ' '.repeat((widths[column] ?? 0) - text.length);
    });
    return `${[name.padEnd(first), ...cells].join(' ').trimEnd()}\n`;
  });
  return head.join('') + rows.join('');
}

function cellOf(judged: readonly Judged[]): Cell {
  if (judged.length === 0) return { text: '=', style: 'faint' };
  const enforced = markOf(judged.map((one) => one.enforced));
  const text = `${enforced} ${markOf(judged.map((one) => one.model))}`;
  if (judged.some(isMismatch)) return { text: `${text}!`, style: 'error' };
  return { text, style: enforced === MARKS.denied ? 'faint' : 'success' };
}

function markOf(outcomes: readonly Outcome[]): string {
  const [first, ...rest] = outcomes;
  if (first === undefined || rest.some((one) => one !== first)) return MIXED;
  return MARKS[first];
}
