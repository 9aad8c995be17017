/** A difference as SARIF, for code scanning: each change at the line of the rule that now decides. */
import type { DiffDocument, ReportedChange } from '../../analysis/diff/clusters.js';
import type { SideReport } from '../../analysis/report.js';
import { flowText, portsText, verdictText } from './text.js';

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';

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
  const log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'policyc', version, rules: RULES } },
        columnKind: 'utf16CodeUnits',
        results: document.changes.map((change) => resultOf(document, change)),
      },
    ],
  };
  return `${JSON.stringify(log, undefined, 2)}\n`;
}

function resultOf(document: DiffDocument, change: ReportedChange): object {
  const { tag, from, to, causes, fingerprint, accepted } = change;
  const [cause] = causes;
  const detail =
    cause === undefined
      ? ''
      : `\n\nWas ${verdictText(cause.was, cause.sides)}.\nNow ${verdictText(cause.is, cause.sides)}.\nTry ${flowText(cause.witness)}.`;
  const verb = tag === 'widened' ? 'is allowed now' : 'is denied now';
  const sides = causes.flatMap(({ was, is, sides: changed }) =>
    changed.flatMap((side) => [is[side], was[side]]),
  );
  const [location] = sides.flatMap((side) => locationOf(document, side));
  return {
    ruleId: `diff/${tag}`,
    ruleIndex: tag === 'widened' ? 0 : 1,
    level: 'warning',
    message: { text: `${from.text} → ${to.text}, ${portsText(change)}: ${verb}${detail}` },
    locations: location === undefined ? [] : [location],
    partialFingerprints: { 'policycChange/v1': fingerprint },
    ...(accepted === undefined
      ? {}
      : { suppressions: [{ kind: 'external', status: 'accepted', justification: accepted }] }),
  };
}

/** A line of an old revision is told by the path that the file has there. */
function locationOf({ old }: DiffDocument, side: SideReport | undefined): readonly object[] {
  const match = /^(.*):(\d+):(\d+)$/s.exec(side?.at ?? '');
  const [, path, line, column] = match ?? [];
  if (path === undefined) return [];
  const revision = `${old.split(':')[0] ?? ''}:/`;
  const plain = path.startsWith(revision) ? path.slice(revision.length) : path;
  const uri = plain.split('/').map(encodeURIComponent).join('/');
  return [
    {
      physicalLocation: {
        artifactLocation: { uri },
        region: { startLine: Number(line), startColumn: Number(column) },
      },
    },
  ];
}
