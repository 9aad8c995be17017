/** Explanations for people: the answer first, then both sides, then what would change it, then the bytecode. */
import type { Answer, ExplainedSide, Explanation } from '../../analysis/explain.js';
import { nameOf } from '../../analysis/explain/members.js';
import { byNearness } from '../../analysis/explain/nearness.js';
import { portName } from '../../analysis/explain/words.js';
import { portText } from '../../analysis/port-set.js';
import { formatAddress } from '../../address.js';
import type { FlowEnd } from '../../ir/flows.js';
import type { KnownEnd } from '../../ir/flows/ends.js';
import { reportJudgement } from '../../ir/flows.js';
import { policyName, type NormalModel } from '../../ir/normal-model.js';
import type { Verdict } from '../../ir/model.js';
import { escapeMarkdown } from '../../render/markdown.js';
import { plain } from '../../render/paint.js';
import { plural } from '../../render/terminal.js';
import { padVisible, visible } from '../../render/visible-text.js';
import { reasonText, verdictStyle } from '../flow-table.js';
import { changesText } from './changes-text.js';
import { pathText } from './path-text.js';
import { missText, type TextOptions } from './rule-text.js';
import { sideText, verdictWord } from './side-text.js';

export function explanationText(
  explanation: Explanation,
  model: NormalModel,
  options: TextOptions,
): string {
  const { answers } = explanation;
  const parts = [
    headText(explanation, options),
    ...answers.flatMap((answer) => answerParts(answer, answers.length > 1, model, options)),
    ...noteParts(explanation, options),
  ];
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** For a comment on a change: the verdict, and the rest folded away in a block of text. */
export function explanationMarkdown(
  explanation: Explanation,
  model: NormalModel,
  options: TextOptions,
): string {
  const text = explanationText(explanation, model, { ...options, paint: plain });
  const { from, to, answers } = explanation;
  const rows = answers.map(
    ({ ports, judged }) => `- ${portText(ports)}: **${verdictWord(judged.verdict)}**`,
  );
  // Longer than any that a source line could hold.
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return [
    `**${escapeMarkdown(`${from.text} → ${to.text}`)}**`,
    rows.join('\n'),
    `<details><summary>Why</summary>\n\n${fence}text\n${text}${fence}\n\n</details>\n`,
  ].join('\n\n');
}

/** What everybody reads: the verdict of each port, and who decided at which side. */
function headText({ from, to, answers }: Explanation, { paint }: TextOptions): readonly string[] {
  const ends = `${from.text} → ${to.text}`;
  const [only, ...others] = answers;
  if (only !== undefined && others.length === 0) {
    return [
      paint('strong', `${visible(ends)}, ${portText(only.ports)}: `) +
        verdictText(only.judged.verdict, paint) +
        explainedBy(only, paint),
    ];
  }
  const width = Math.max(...answers.map(({ ports }) => portText(ports).length));
  const rows = answers.map(
    ({ ports, judged }) =>
      `  ${padVisible(portText(ports), width)}  ${verdictText(judged.verdict, paint)}`,
  );
  return [paint('strong', visible(ends)), ...rows];
}

function verdictText(verdict: Verdict, paint: TextOptions['paint']): string {
  return paint(verdictStyle(verdict), verdictWord(verdict));
}

function answerParts(
  answer: Answer,
  several: boolean,
  model: NormalModel,
  options: TextOptions,
): readonly (readonly string[])[] {
  const { sides, flow, judged, changes } = answer;
  const { paint } = options;
  const title = several
    ? [
        [
          paint('frame', '──') +
            paint('strong', ` ${portText(answer.ports)}: `) +
            verdictText(judged.verdict, paint) +
            explainedBy(answer, paint),
        ],
      ]
    : [];
  const bytecode = sides.flatMap((side) => pathText(side, model, options));
  return [
    ...title,
    summaryLines(answer, model, options),
    ...sides.map((side) => sideText(side, flow, options)),
    ...(changes === undefined ? [] : [changesText(changes, flow, options)]),
    ...(bytecode.length === 0
      ? []
      : [
          [
            paint('strong', 'What the bytecode did') +
              paint(
                'faint',
                ' (run in user space on what binding made; it says what the model says)',
              ),
            ...bytecode,
          ],
        ]),
  ];
}

/** The port that speaks for many. */
function explainedBy({ ports, flow }: Answer, paint: TextOptions['paint']): string {
  const name = portName(flow.protocol, flow.port);
  return portText(ports) === name ? '' : paint('faint', `, explained by ${name}`);
}

function summaryLines(
  { sides, flow, judged }: Answer,
  model: NormalModel,
  { paint }: TextOptions,
): readonly string[] {
  const rows: (readonly [string, string])[] = [];
  if (!sides.some(({ direction }) => direction === 'egress')) {
    rows.push([`egress of ${endName(flow.from)}`, `allowed: ${noSide(flow.from)}`]);
  }
  for (const side of sides) rows.push([sideName(side), sideSummary(side, model, paint)]);
  const told = sides.some(({ judgement }) => judgement.reason === 'no-endpoint');
  if (flow.targets.length === 0 && !told) {
    rows.push([`to ${flow.to.text}`, 'denied: no ready endpoint at that port']);
  } else if (!told && !sides.some(({ direction }) => direction === 'ingress')) {
    const behind = flow.targets.some(({ address }) => address !== flow.to.address);
    const why = behind ? 'its endpoints are no pods of the cluster' : noSide(flow.to);
    rows.push([`ingress of ${endName(flow.to)}`, `allowed: ${why}`]);
  }
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, text]) => `  ${padVisible(visible(name), width)}  ${text}`);
  return judged.verdict === 'deny' && rows.length === 0 ? ['  denied'] : lines;
}

function sideName({ direction, subject, alike }: ExplainedSide): string {
  const more = alike.length === 0 ? '' : ` +${alike.length}`;
  return `${direction} of ${nameOf(subject)}${more}`;
}

function sideSummary(side: ExplainedSide, model: NormalModel, paint: TextOptions['paint']): string {
  const report = reportJudgement(model, side.judgement);
  const place = report.at === null ? '' : ` (${report.at})`;
  const reason = visible(reasonText(report) + place + nearText(side));
  return `${verdictText(side.judgement.verdict, paint)}: ${reason}`;
}

/** Of a default deny: the rule that comes nearest, and by what it misses. */
function nearText({ cases, judgement }: ExplainedSide): string {
  if (judgement.reason !== 'isolation') return '';
  const tier = cases[0]?.trace?.tiers.find(({ outcome }) => outcome === 'decided');
  const [nearest] = byNearness((tier?.policies ?? []).flatMap(({ rules }) => rules));
  if (nearest === undefined) return '';
  const name = `${policyName(nearest.policy)} ${nearest.rule.name}`;
  return `; ${name} misses by ${missText(nearest.nearest.alternative)}`;
}

function endName(end: FlowEnd): string {
  return end.text;
}

function noSide({ address, node, pod }: FlowEnd): string {
  if (pod !== undefined) return '';
  if (node !== undefined) {
    return `it is node ${node}, and policies do not apply to nodes nor to pods on the host network`;
  }
  return `${formatAddress(address)} is no pod of the cluster, so that no policy applies there`;
}

function noteParts(
  { from, to, others, otherFamily, answers }: Explanation,
  { paint }: TextOptions,
): readonly (readonly string[])[] {
  const lines: string[] = [];
  const members = (end: KnownEnd, count: number): void => {
    const [first] = end.members ?? [];
    if (first === undefined || count < 2) return;
    const differ = others.differing.filter((one) => one.end === (end === from ? 'from' : 'to'));
    const same =
      differ.length === 0
        ? `its ${plural(count, 'pod')} all get this answer`
        : `${differ.length} of its ${plural(count, 'pod')} ${differ.length === 1 ? 'gets' : 'get'} another one: ${differ
            .slice(0, 3)
            .map(({ pod }) => pod)
            .join(', ')}${differ.length > 3 ? ', …' : ''}`;
    lines.push(`${end.text} is explained by ${nameOf(first)}; ${same}`);
  };
  members(from, others.from);
  members(to, others.to);
  if (answers.every(({ changes }) => changes === undefined)) {
    lines.push('ask about one port to see what would have to change');
  }
  if (otherFamily !== undefined) {
    lines.push(
      `over IPv${otherFamily.family} the answer is another one: ask with addresses to see why`,
    );
  }
  return lines.length === 0 ? [] : [lines.map((line) => paint('faint', `note: ${visible(line)}`))];
}
