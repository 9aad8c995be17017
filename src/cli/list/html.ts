/** A list of connections as one page that loads nothing: a matrix to search, and a graph to open up. */
import type { ListReport } from '../../analysis/list.js';
import { PAGE_SCRIPT, PAGE_STYLE } from './html-parts.js';

export function listHtml(title: string, report: ListReport): string {
  const data = {
    workloads: report.workloads,
    connections: report.connections.map(({ from, to, ports, family, ...ends }) => ({
      from: from.text,
      to: to.text,
      ports: family === undefined ? ports : `${ports} (IPv${family})`,
      sources: ends.fromWorkloads,
      destinations: ends.toWorkloads,
      // Pods alone are in the graph's boxes; whatever else takes part stands outside them.
      outside: {
        from: from.groups.some(({ kind }) => kind === 'outside'),
        to: to.groups.some(({ kind }) => kind === 'outside'),
      },
    })),
  };
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
<span id="count"></span></p>
<h2>Graph</h2>
<p>A box is a namespace: a click opens it, a click on a box or a workload shows its connections alone, and Escape all again.</p>
<svg id="graph" role="img" aria-label="connections between namespaces"></svg>
<h2>Matrix</h2>
<table><thead><tr><th>from</th><th>to</th><th>ports</th></tr></thead><tbody id="rows"></tbody></table>
<script id="data" type="application/json">${JSON.stringify(data).replace(/</g, '\\u003c')}</script>
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
