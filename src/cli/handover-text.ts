/** What became of connections that were open, in words. */
import type { NamedCut, NodeResult } from '../apply.js';
import { diagnostic, type Diagnostic } from '../diagnostics.js';
import type { Paint } from '../render/paint.js';
import { renderTable } from './base/table.js';

const HEAD = ['POD', 'WAY', 'PORT', 'PEER', 'WHY'];

/** How many were kept, and a table of those that are cut. */
export function handoverText({ kept, cut }: NodeResult['handover'], paint: Paint): string {
  const counts = `open connections: ${kept} got state, ${cut.length} cut\n`;
  if (cut.length === 0) return kept === 0 ? '' : counts;
  const rows = cut.map((one) => [
    { text: one.pod },
    { text: one.direction === 'egress' ? 'to' : 'from' },
    { text: `${one.localPort}/${one.protocol}` },
    { text: `${one.peer} port ${one.peerPort}` },
    { text: whyText(one) },
  ]);
  return `${counts}${renderTable(HEAD, rows, paint)}`;
}

function whyText({ reason, rule, at }: NamedCut): string {
  const place = at === null ? '' : ` (${at})`;
  switch (reason) {
    case 'rule':
      return `${rule ?? reason}${place}`;
    case 'isolation':
      return `isolated by ${rule ?? 'a policy'}${place}`;
    case 'crowded':
      return 'the pod has as many connections with state as it may';
    default:
      return reason;
  }
}

/** Of pods whose sockets nobody could look at. */
export function unseenSockets({ unseen }: NodeResult['handover']): readonly Diagnostic[] {
  return unseen.map((one) => diagnostic('deploy/sockets-unseen', one));
}
