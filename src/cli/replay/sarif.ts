/** A replay as SARIF, for code scanning: what is cut and opened at the rule that decides, idle rules where they stand. */
import { createHash } from 'node:crypto';
import type { ReplayRow, RowKind } from '../../analysis/replay/report.js';
import { sarifLog, sarifPlace, type SarifResult, type SarifRule } from '../../render/sarif.js';
import { flowText, verdictText } from '../diff/text.js';
import { durationText, seenText, type ReplayDocument } from './text.js';

const RULES: readonly SarifRule[] = [
  rule('replay/cut', 'error', 'Flows that were carried are denied.'),
  rule('replay/opened', 'warning', 'Flows that were denied are allowed.'),
  rule('replay/disagrees', 'note', 'The log has another verdict than the old policies.'),
  rule('replay/never-hit', 'note', 'No flow of the log matches the rule.'),
  rule('replay/not-needed', 'note', 'Other rules decide each flow that the rule matches.'),
];

function rule(id: string, level: 'note' | 'warning' | 'error', text: string): SarifRule {
  return { id, shortDescription: { text }, defaultConfiguration: { level } };
}

const LEVELS: Readonly<Record<RowKind, string>> = {
  cut: 'error',
  opened: 'warning',
  disagrees: 'note',
};

export function replaySarif(document: ReplayDocument, version: string): string {
  const when = document.period === null ? '' : ` in ${durationText(document.period)}`;
  const idle = document.idle.map(({ rule: name, at, matched }): SarifResult => ({
    ruleId: matched ? 'replay/not-needed' : 'replay/never-hit',
    level: 'note',
    message: {
      text: matched
        ? `other rules decide each flow that ${name} matches`
        : `no flow of the log${when} matches ${name}`,
    },
    locations: sarifPlace(at),
    partialFingerprints: fingerprint('idle', name),
  }));
  return sarifLog(RULES, [...document.rows.map(resultOf), ...idle], version);
}

function resultOf(row: ReplayRow): SarifResult {
  const { kind, from, to, ports, is, sides, example } = row;
  const now = verdictText(is, sides);
  const text = `${from} → ${to}, ${ports}: ${seenText(row)}.\n\nNow ${now}.\nTry ${flowText(example)}.`;
  const [location] = sides.flatMap((side) => sarifPlace(is[side]?.at));
  return {
    ruleId: `replay/${kind}`,
    level: LEVELS[kind],
    message: { text },
    locations: location === undefined ? [] : [location],
    // Counts and times of a log change from day to day; who talks to whom over what does not.
    partialFingerprints: fingerprint(kind, example.from, example.to, ports),
  };
}

function fingerprint(...parts: readonly string[]): object {
  const hash = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
  return { 'policycReplay/v1': hash };
}
