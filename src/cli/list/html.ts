/** A list of connections as one page that loads nothing: a matrix, a graph, and lines to search. */
import type { ListReport } from '../../analysis/list.js';
import type { PartyGroup } from '../../analysis/report.js';
import { PAGE_SCRIPT, PAGE_STYLE } from './html-parts.js';

/** What the page's script reads. */
export interface PageData {
  /** Services stand behind the workloads, with no pods of their own. */
  readonly workloads: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly pods: number;
  }[];
  readonly connections: readonly {
    readonly from: string;
    readonly to: string;
    readonly ports: string;
    /** Positions among the workloads. */
    readonly sources: readonly number[];
    readonly destinations: readonly number[];
    /** Who else takes part that has a place in the matrix. */
    readonly others: { readonly from: readonly string[]; readonly to: readonly string[] };
  }[];
}

export function pageData(report: ListReport): PageData {
  const entries = report.workloads.map(({ namespace, name, pods }) => ({ namespace, name, pods }));
  const services = new Map<string, number>();
  const servicesOf = (groups: readonly PartyGroup[]): readonly number[] =>
    groups.flatMap((group) => {
      if (group.kind !== 'service') return [];
      const key = `${group.namespace}/${group.name}`;
      const known = services.get(key) ?? entries.length;
      if (known === entries.length) {
        services.set(key, known);
        entries.push({ namespace: group.namespace, name: `service ${group.name}`, pods: 0 });
      }
      return [known];
    });
  const connections = report.connections.map(({ from, to, ports, family, ...ends }) => ({
    from: from.text,
    to: to.text,
    ports: family === undefined ? ports : `${ports} (IPv${family})`,
    sources: [...ends.fromWorkloads, ...servicesOf(from.groups)],
    destinations: [...ends.toWorkloads, ...servicesOf(to.groups)],
    others: { from: othersOf(from.groups), to: othersOf(to.groups) },
  }));
  return { workloads: entries, connections };
}

function othersOf(groups: readonly PartyGroup[]): readonly string[] {
  const kinds = new Set(groups.map(({ kind }) => kind));
  return [
    ...(kinds.has('outside') ? ['outside the cluster'] : []),
    ...(kinds.has('nodes') || kinds.has('node-addresses') ? ['nodes'] : []),
  ];
}

export function listHtml(title: string, report: ListReport): string {
  const data = JSON.stringify(pageData(report)).replace(/</g, '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<h1>${escapeHtml(title)}</h1>
<p><input id="search" type="search" placeholder="namespace, workload or port" aria-label="search">
<button id="open">open all namespaces</button> <button id="close">close all</button>
<span id="count" role="status"></span></p>
<p class="weak">A click on a name shows what concerns it, a click on a cell of the matrix what is allowed there; Escape shows
everything again. A double click on a namespace, or a click on its ▸, opens it into its workloads.</p>
<h2>Matrix: from the row to the column</h2>
<p class="weak">Darker is more of the workloads; <span class="out">blue</span> is what some may, grey what nearly everyone may.</p>
<p id="tip" class="weak">&nbsp;</p>
<div class="frame"><canvas id="matrix" role="img" aria-label="who may talk to whom; the lines below say the same"></canvas></div>
<h2>Graph</h2>
<p class="weak"><span class="out">Blue</span> goes out from the name that is chosen or pointed at, <span class="in">orange</span> comes in. <span id="note"></span></p>
<div class="frame"><svg id="graph" role="img" aria-label="connections between namespaces; the lines below say the same"></svg></div>
<h2>Lines</h2>
<table><thead><tr><th>from</th><th>to</th><th>ports</th></tr></thead><tbody id="rows"></tbody></table>
<script id="data" type="application/json">${data}</script>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (one) => entities[one] ?? one);
}
