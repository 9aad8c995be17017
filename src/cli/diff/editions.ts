/** `policyc diff --as A --as B POLICIES`: what two implementations judge differently. */
import {
  compareEditions,
  asDiagnostic,
  editionNamed,
  type PortabilityDocument,
} from '../../portability.js';
import type { NamedCluster } from '../../compare.js';
import { InputError } from '../../diagnostics.js';
import type { PolicyModel } from '../../ir/model.js';
import { DONE, NEGATIVE, type ExitCode } from '../base/exit-codes.js';
import type { Session } from '../base/session.js';
import { graphDot, graphSvg, type GraphEdge } from '../graph.js';
import { portabilityMarkdown, portabilityText } from '../portability/difference-text.js';
import { portsText } from './text.js';

/** @throws InputError where the options do not go together */
export function checkEditionOptions(session: Session, gates: readonly string[]): void {
  const misfit = (reason: string, hint: string): never => {
    throw new InputError([asDiagnostic(reason, hint)]);
  };
  if (session.list('as').length > 2) {
    misfit('`--as` is given more than twice', 'compare two implementations at a time');
  }
  if (session.operands.length > 1) {
    misfit(
      'two implementations are compared over the same policies, and there are two',
      'give one operand: `policyc diff --as cilium --as calico POLICIES --cluster PATH`',
    );
  }
  if (session.requiredText('format') === 'sarif') {
    misfit('there is no SARIF of two implementations', 'take text, markdown, json, dot or svg');
  }
  for (const option of ['accept', 'base', 'witnesses']) {
    if (session.text(option) !== undefined) {
      misfit(`\`--${option}\` is for two sets of policies`, 'leave it out with two `--as`');
    }
  }
  if (gates.includes('cost')) {
    misfit('two implementations have no cost to compare', 'fail on widen, narrow or any');
  }
  if (session.groups('cluster').length === 0) {
    misfit(
      'implementations are compared in a cluster, and none is given',
      'add `--cluster PATH` with manifests or a snapshot of the cluster',
    );
  }
}

export async function runEditions(
  session: Session,
  policies: { readonly name: string; readonly model: PolicyModel },
  clusters: readonly NamedCluster[],
  gates: readonly string[],
  at: number,
): Promise<ExitCode> {
  const [was = '', is = ''] = session.list('as');
  const document = compareEditions({
    policies,
    editions: [editionNamed(was), editionNamed(is)],
    clusters,
    at,
    onProgress: session.progress.report,
  });
  const failed = gates.filter((gate) =>
    document.changes.some(({ tag }) => gate === 'any' || `${gate}ed` === tag || `${gate}d` === tag),
  );
  const verdict = failed.length === 0 ? '' : `\nfails on ${failed.join(', ')}\n`;
  session.print(await render(session, document, failed, verdict));
  return failed.length === 0 ? DONE : NEGATIVE;
}

async function render(
  session: Session,
  document: PortabilityDocument,
  failed: readonly string[],
  verdict: string,
): Promise<string> {
  switch (session.requiredText('format')) {
    case 'markdown':
      return portabilityMarkdown(document) + verdict;
    case 'json':
      return `${JSON.stringify({ ...document, failed }, undefined, 2)}\n`;
    case 'dot':
      return dotOf(document);
    case 'svg':
      return graphSvg(dotOf(document));
    default:
      return portabilityText(document, session.paint) + verdict;
  }
}

function dotOf({ policies, was, is, changes }: PortabilityDocument): string {
  const edges = changes.map((change): GraphEdge => ({
    from: change.from.text,
    to: change.to.text,
    label: `${portsText(change)} (${change.differences.join(', ')})`,
    kind: change.tag === 'widened' ? 'added' : 'removed',
  }));
  return graphDot(`${policies}: ${was.name} → ${is.name}`, edges);
}
