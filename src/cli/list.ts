/** `policyc list`: who may talk to whom over what, what is exposed, and what no policy protects. */
import { listConnections, type ListReport } from '../analysis/list.js';
import { diagnostic, InputError } from '../diagnostics.js';
import { NameSearch } from '../did-you-mean.js';
import { SourceCache } from '../front-end.js';
import { editionNamed, policiesAs } from '../portability.js';
import { isPolicyPod, type ClusterSnapshot, type Pod } from '../ir/cluster.js';
import { normalize } from '../ir/normalize.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import { graphDot, graphSvg, type GraphEdge } from './graph.js';
import { listHtml } from './list/html.js';
import { listMarkdown, listText } from './list/text.js';
import { listSarif } from './list/sarif.js';
import { editionText, tellDifferences } from './portability/notes.js';
import type { Session } from './base/session.js';
import { readPoliciesInCluster } from './policies-in-cluster.js';
import { policycVersion } from './version.js';

export async function run(session: Session): Promise<ExitCode> {
  const at = session.instant('at');
  const as = session.text('as');
  const edition = as === undefined ? undefined : editionNamed(as);
  const cache = new SourceCache(session.io.stdin);
  const { model, cluster: snapshot } = await readPoliciesInCluster(session, cache);
  const text = session.text('focus');
  const focus = text === undefined ? undefined : focusOf(text, snapshot);
  session.progress.stage('listing');
  if (edition) tellDifferences(session, edition, model, [snapshot]);
  const judged = edition === undefined ? model : policiesAs(edition, model, snapshot);
  const report = listConnections(normalize(judged), snapshot, at, focus);
  const where = `${session.operands.join(' ')} in ${session.list('cluster').join(' ')}`;
  const title = edition === undefined ? where : `${where} as ${editionText(edition)}`;
  session.print(await render(session, title, report));
  return DONE;
}

/** A pod, or all pods of a workload, as `namespace/name`. */
function focusOf(text: string, { pods }: ClusterSnapshot): (pod: Pod) => boolean {
  const pathsOf = (pod: Pod): readonly string[] =>
    [pod.name, pod.workload?.name].flatMap((name) =>
      name === undefined ? [] : [`${pod.namespace}/${name}`],
    );
  const known = pods.filter(isPolicyPod);
  if (!known.some((pod) => pathsOf(pod).includes(text))) {
    const near = new NameSearch().nearest(text, () => known.flatMap(pathsOf));
    throw new InputError([diagnostic('list/unknown-focus', { text, near })]);
  }
  const chosen = new Set(known.filter((pod) => pathsOf(pod).includes(text)));
  return (pod) => chosen.has(pod);
}

async function render(session: Session, title: string, report: ListReport): Promise<string> {
  switch (session.requiredText('format')) {
    case 'markdown':
      return listMarkdown(title, report);
    case 'json':
      return `${JSON.stringify(report, undefined, 2)}\n`;
    case 'sarif':
      return listSarif(report, policycVersion());
    case 'dot':
      return listDot(title, report);
    case 'svg':
      return graphSvg(listDot(title, report));
    case 'html':
      return listHtml(title, report);
    default:
      return listText(title, report, session.paint);
  }
}

function listDot(title: string, { connections }: ListReport): string {
  const edges = connections.map(({ from, to, ports }): GraphEdge => ({
    from: from.text,
    to: to.text,
    label: ports,
    kind: 'allowed',
  }));
  return graphDot(title, edges);
}
