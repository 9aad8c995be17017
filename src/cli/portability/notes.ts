/** What is different where policies are judged as an implementation has them: a few lines beside the answer. */
import type { ClusterSnapshot } from '../../ir/cluster.js';
import type { Edition } from '../../ir/implementations.js';
import type { PolicyModel } from '../../ir/model.js';
import { touchReports, type TouchReport } from '../../portability.js';
import type { Paint } from '../../render/paint.js';
import { padVisible, visible } from '../../render/visible-text.js';
import type { Session } from '../base/session.js';

export function editionText({ implementation, version, text }: Edition): string {
  const [, ...settings] = text.split('+');
  const name = [implementation.title, version].filter((part) => part !== '').join(' ');
  return settings.length === 0 ? name : `${name} with ${settings.join(', ')}`;
}

/** On standard error, so that the answer stays what it is. */
export function tellDifferences(
  session: Session,
  edition: Edition,
  model: PolicyModel,
  clusters: readonly ClusterSnapshot[],
): void {
  const touches = touchReports(edition, model, clusters);
  session.progress.end();
  session.io.stderr.write(notesText(`judged as ${editionText(edition)}`, touches, session.paint));
}

/** Those that are modelled first. */
export function notesText(title: string, touches: readonly TouchReport[], paint: Paint): string {
  if (touches.length === 0) return `${title}; none of its differences touches these policies\n`;
  const width = Math.max(...touches.map(({ id }) => id.length));
  const line = ({ id, does, places }: TouchReport): string =>
    `  ${paint('strong', padVisible(id, width))}  ${visible(does)}${paint('faint', placesText(places))}\n`;
  const modelled = touches.filter((one) => one.modelled);
  const others = touches.filter((one) => !one.modelled);
  return [
    `${title}; its differences that touch these policies (docs/portability.md):\n`,
    ...modelled.map(line),
    ...(others.length === 0
      ? []
      : ['  not judged, as it cannot be told from policies and cluster:\n']),
    ...others.map(line),
  ].join('');
}

export function placesText(places: readonly string[]): string {
  const [first] = places;
  if (first === undefined) return '';
  const more = places.length === 1 ? '' : ` and ${places.length - 1} more`;
  return `  ${visible(first)}${more}`;
}
