/** What is said beside a draft: how far it goes, what is left out and why, and what to look at. */
import type { Draft, DraftNote } from '../../analysis/suggest/draft.js';
import { diagnostic, unreachable, type Diagnostic } from '../../diagnostics.js';
import type { FlowLog } from '../../read-flow-logs.js';
import { plural } from '../../render/terminal.js';
import { countText } from '../replay/text.js';

/** Of what is left out, so many are told one by one. */
const MOST_TOLD = 10;

/** So many names in one sentence. */
const MOST_NAMES = 8;

/** Ahead of the draft, without clocks: the same logs make the same text. */
export function headerOf(
  { drafted, covered, leftOut }: Draft['flows'],
  logs: readonly FlowLog[],
): readonly string[] {
  const counts = [
    `${countText(drafted)} ${drafted === 1 ? 'flow is' : 'flows are'} allowed by this`,
    ...(covered === 0 ? [] : [`${countText(covered)} need nothing`]),
    ...(leftOut === 0 ? [] : [`${countText(leftOut)} are left out`]),
  ];
  return [
    `Drafted by policyc suggest from ${logs.map(({ path }) => path).join(', ')}:`,
    `${counts.join(', ')}. Read it before you apply it: a log shows what happened, not what should.`,
  ];
}

export function draftSummary({ policies, flows }: Draft): string {
  return (
    `${plural(policies.length, 'policy')} for ${countText(flows.drafted)} flows; ` +
    `${countText(flows.covered)} need nothing, ${countText(flows.leftOut)} are left out`
  );
}

export function suggestDiagnostics({ leftOut, notes, policies }: Draft): readonly Diagnostic[] {
  const told = leftOut.slice(0, MOST_TOLD).map(({ why, from, to, ports, seen }) => {
    const flow = to === '' ? from : `${from} → ${to} ${ports}`;
    return diagnostic('suggest/left-out', { flow, why, count: seen.count, at: seen.at });
  });
  const rest = leftOut.slice(MOST_TOLD);
  const flows = rest.reduce((sum, { seen }) => sum + seen.count, 0);
  return [
    ...(policies.length === 0 ? [diagnostic('suggest/nothing', {})] : []),
    ...notes.map(noteDiagnostic),
    ...told,
    ...(rest.length === 0
      ? []
      : [diagnostic('suggest/more-left-out', { count: rest.length, flows })]),
  ];
}

function noteDiagnostic(note: DraftNote): Diagnostic {
  switch (note.kind) {
    case 'inexact':
      return diagnostic('suggest/inexact-selector', {
        unit: note.unit,
        others: names(note.others),
      });
    case 'isolates':
      return diagnostic('suggest/isolates', { unit: note.unit, direction: note.direction });
    case 'dns-tcp':
      return diagnostic('suggest/dns-tcp', { unit: note.unit });
    case 'node-addresses':
      return diagnostic('suggest/node-addresses', { unit: note.unit, count: note.count });
    case 'many-addresses':
      return diagnostic('suggest/many-addresses', {
        unit: note.unit,
        direction: note.direction,
        count: note.count,
      });
    case 'silent':
      return diagnostic('suggest/silent', { units: names(note.units) });
    case 'gone':
      return diagnostic('suggest/gone', { units: names(note.units) });
    default:
      return unreachable(note);
  }
}

function names(all: readonly string[]): string {
  const shown = all.slice(0, MOST_NAMES).map((name) => `\`${name}\``);
  const rest = all.length - shown.length;
  return `${shown.join(', ')}${rest === 0 ? '' : ` and ${rest} more`}`;
}
