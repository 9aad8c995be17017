/** A difference as SARIF, for code scanning: each change at the line of the rule that now decides. */
import type { DiffDocument, ReportedChange } from '../../analysis/diff/clusters.js';
import { sarifLog, sarifPlace, type SarifResult } from '../../render/sarif.js';
import { flowText, portsText, verdictText } from './text.js';

const RULES = [
  {
    id: 'diff/widened',
    shortDescription: { text: 'Connections that were denied are allowed.' },
    defaultConfiguration: { level: 'warning' },
  },
  {
    id: 'diff/narrowed',
    shortDescription: { text: 'Connections that were allowed are denied.' },
    defaultConfiguration: { level: 'warning' },
  },
] as const;

export function diffSarif(document: DiffDocument, version: string): string {
  const results = document.changes.map((change) => resultOf(document, change));
  return sarifLog(RULES, results, version);
}

function resultOf(document: DiffDocument, change: ReportedChange): SarifResult {
  const { tag, from, to, causes, fingerprint, accepted } = change;
  const [cause] = causes;
  const madeUp = cause?.madeUp === undefined ? '' : ` with ${cause.madeUp.cast.join('; ')}`;
  const detail =
    cause === undefined
      ? ''
      : `\n\nWas ${verdictText(cause.was, cause.sides)}.\nNow ${verdictText(cause.is, cause.sides)}.\nTry ${flowText(cause.witness)}${madeUp}.`;
  const verb = tag === 'widened' ? 'is allowed now' : 'is denied now';
  const sides = causes.flatMap(({ was, is, sides: changed }) =>
    changed.flatMap((side) => [is[side], was[side]]),
  );
  const [location] = sides.flatMap((side) => sarifPlace(side?.at, document.old));
  return {
    ruleId: `diff/${tag}`,
    level: 'warning',
    message: { text: `${from.text} → ${to.text}, ${portsText(change)}: ${verb}${detail}` },
    locations: location === undefined ? [] : [location],
    partialFingerprints: { 'policycChange/v1': fingerprint },
    ...(accepted === undefined
      ? {}
      : { suppressions: [{ kind: 'external', status: 'accepted', justification: accepted }] }),
  };
}
