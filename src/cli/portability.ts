/** `policyc portability`: which differences of implementations touch policies, and what they come to. */

import { SourceCache } from '../front-end.js';
import { IMPLEMENTATIONS } from '../ir/implementations.js';
import { editionNamed, surveyEditions, type Survey } from '../portability.js';
import { escapeMarkdown, tableMarkdown } from '../render/markdown.js';
import type { Paint } from '../render/paint.js';
import { visible } from '../render/visible-text.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import { renderTable } from './base/table.js';
import { placesText } from './portability/notes.js';
import type { Session } from './base/session.js';
import { readPoliciesInCluster } from './policies-in-cluster.js';

export async function run(session: Session): Promise<ExitCode> {
  const at = session.instant('at');
  const asked = session.list('as');
  const all = IMPLEMENTATIONS.map(({ name }) => name).filter((name) => name !== 'upstream');
  const editions = (asked.length === 0 ? all : asked).map(editionNamed);
  const cache = new SourceCache(session.io.stdin);
  const { model, cluster } = await readPoliciesInCluster(session, cache);
  session.progress.stage('comparing');
  const survey = surveyEditions({
    model,
    cluster,
    editions,
    at,
    onProgress: session.progress.report,
  });
  const title = `${session.operands.join(' ')} in ${session.list('cluster').join(' ')}`;
  if (session.json) session.printJson(survey);
  else if (session.requiredText('format') === 'markdown') session.print(markdown(title, survey));
  else session.print(text(title, survey, session.paint));
  return DONE;
}

const HEAD = ['AS', 'ALLOWED HERE ALONE', 'DENIED HERE ALONE', 'BECAUSE'];

function cellsOf({ edition, widened, narrowed, because }: Survey[number]): readonly string[] {
  return [
    [edition.name, edition.version].filter((part) => part !== '').join(' '),
    String(widened),
    String(narrowed),
    because.length === 0 ? '-' : because.join(', '),
  ];
}

/** Lines, not flows: a line is all that is alike, as in `diff`. */
function text(title: string, survey: Survey, paint: Paint): string {
  const table = renderTable(
    HEAD,
    survey.map((one) => cellsOf(one).map((cell) => ({ text: cell }))),
    paint,
  );
  const touched = survey.flatMap(({ touches }) => touches);
  const lines = touched.map(
    ({ id, does, modelled, places }) =>
      `${paint('strong', id)}  ${visible(does)}${modelled ? '' : '; not judged'}${paint('faint', placesText(places))}\n`,
  );
  const head = `${paint('strong', visible(title))}: lines that come apart from the text of the API\n`;
  const rows =
    lines.length === 0
      ? 'No difference touches these policies.\n'
      : `${paint('strong', 'TOUCHED')}  docs/portability.md has the sources\n${lines.join('')}`;
  const next =
    '\n`policyc diff --as upstream --as NAME POLICIES --cluster PATH` lists the lines.\n';
  return `${head}\n${table}\n${rows}${next}`;
}

function markdown(title: string, survey: Survey): string {
  const items = survey
    .flatMap(({ touches }) => touches)
    .map(
      ({ id, does, modelled, places, sources }) =>
        `* \`${id}\` ${escapeMarkdown(does)}${modelled ? '' : ' (not judged)'}${escapeMarkdown(placesText(places))}: ${sources.join(' ')}\n`,
    );
  const head = HEAD.map((one) => one.toLowerCase());
  return [
    `**${escapeMarkdown(title)}**: lines that come apart from the text of the API\n`,
    tableMarkdown(head, survey.map(cellsOf)),
    items.join(''),
  ].join('\n');
}
