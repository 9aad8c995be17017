/** The style and the script of the page that `policyc list --format html` writes. */

export const PAGE_STYLE = `
body { font: 14px/1.4 sans-serif; margin: 1.5rem; color: #1f2328; background: #fff }
h1 { font-size: 1.2rem } h2 { font-size: 1rem }
input { font: inherit; padding: .3rem .5rem; width: 24rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .25rem .75rem; border-bottom: 1px solid #d0d7de; vertical-align: top }
th { position: sticky; top: 0; background: #f6f8fa }
svg { width: 100%; border: 1px solid #d0d7de }
svg text { font-size: 12px; cursor: pointer; user-select: none }
.box { fill: #f6f8fa; stroke: #57606a } .box.chosen { stroke: #0969da; stroke-width: 2 }
.edge { fill: none; stroke: #57606a; stroke-opacity: .45 } .edge.faint { stroke-opacity: .06 }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117 } th, .box { background: #161b22; fill: #161b22 }
  svg text { fill: #e6edf3 } td, th, svg { border-color: #30363d }
}
`;

/**
 * Boxes stand in columns, one for each namespace and one for what is outside; an open one lists its
 * workloads. Edges between the same boxes are one line.
 */
export const PAGE_SCRIPT = `
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const search = document.getElementById('search');
const rows = document.getElementById('rows');
const count = document.getElementById('count');
const graph = document.getElementById('graph');
const OUTSIDE = 'outside the cluster';
const LINE = 18, WIDTH = 230, GAP = 90, MOST_ROWS = 2000;
const opened = new Set();
let chosen = null;

function nameOf(i) { const w = data.workloads[i]; return w.namespace + '/' + w.name; }
const texts = data.connections.map((c) => [c.from, c.to, c.ports,
  ...(c.sources.length < 40 ? c.sources.map(nameOf) : []),
  ...(c.destinations.length < 40 ? c.destinations.map(nameOf) : [])].join(' ').toLowerCase());

function shown() {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  return data.connections.filter((c, i) => words.every((word) => texts[i].includes(word)));
}

function drawRows(list) {
  rows.textContent = '';
  for (const c of list.slice(0, MOST_ROWS)) {
    const row = rows.insertRow();
    for (const text of [c.from, c.to, c.ports]) row.insertCell().textContent = text;
  }
  count.textContent = list.length + ' of ' + data.connections.length +
    (list.length > MOST_ROWS ? ', the first ' + MOST_ROWS + ' shown' : '');
}

function placeOf(i) {
  const { namespace } = data.workloads[i];
  return opened.has(namespace) ? nameOf(i) : namespace;
}

function edgesOf(list) {
  const edges = new Set();
  for (const c of list) {
    const from = new Set(c.sources.map(placeOf));
    const to = new Set(c.destinations.map(placeOf));
    if (c.outside.from) from.add(OUTSIDE);
    if (c.outside.to) to.add(OUTSIDE);
    for (const a of from) for (const b of to) if (a !== b) edges.add(a + '\\n' + b);
  }
  return [...edges].map((edge) => edge.split('\\n'));
}

function make(kind, attributes, parent) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

function drawGraph(list) {
  graph.textContent = '';
  const names = [OUTSIDE, ...new Set(data.workloads.map((w) => w.namespace).sort())];
  const columns = Math.max(1, Math.min(4, Math.ceil(Math.sqrt(names.length / 2))));
  const heights = new Array(columns).fill(20);
  const anchors = new Map();
  const lines = make('g', {}, graph);
  for (const name of names) {
    const inside = opened.has(name) ? data.workloads.filter((w) => w.namespace === name) : [];
    const column = heights.indexOf(Math.min(...heights));
    const x = 20 + column * (WIDTH + GAP), y = heights[column];
    const height = LINE * (inside.length + 1) + 12;
    heights[column] += height + 24;
    make('rect', { x, y, width: WIDTH, height, rx: 4,
      class: chosen === name ? 'box chosen' : 'box' }, graph);
    const size = data.workloads.filter((w) => w.namespace === name).length;
    const title = make('text', { x: x + 8, y: y + LINE }, graph);
    title.textContent = name === OUTSIDE ? name : (opened.has(name) ? '▾ ' : '▸ ') + name + ' (' + size + ')';
    title.addEventListener('click', () => {
      if (name !== OUTSIDE) { if (!opened.delete(name)) opened.add(name); }
      chosen = opened.has(name) ? null : name;
      draw();
    });
    anchors.set(name, [x, y + 12]);
    inside.forEach((w, i) => {
      const key = w.namespace + '/' + w.name;
      const text = make('text', { x: x + 20, y: y + LINE * (i + 2),
        'font-weight': chosen === key ? 'bold' : 'normal' }, graph);
      text.textContent = w.name + (w.pods > 1 ? ' ×' + w.pods : '');
      text.addEventListener('click', () => { chosen = chosen === key ? null : key; draw(); });
      anchors.set(key, [x, y + LINE * (i + 2) - 5]);
    });
  }
  for (const [a, b] of edgesOf(list)) {
    const from = anchors.get(a), to = anchors.get(b);
    if (!from || !to) continue;
    const x1 = from[0] + WIDTH, x2 = to[0], bend = Math.max(40, Math.abs(x2 - x1) / 2);
    const faint = chosen !== null && a !== chosen && b !== chosen;
    const path = make('path', { class: faint ? 'edge faint' : 'edge', 'marker-end': 'url(#tip)',
      d: 'M' + x1 + ',' + from[1] + ' C' + (x1 + bend) + ',' + from[1] + ' ' + (x2 - bend) + ',' + to[1] + ' ' + x2 + ',' + to[1] }, lines);
    make('title', {}, path).textContent = a + ' → ' + b;
  }
  const tip = make('marker', { id: 'tip', viewBox: '0 0 8 8', refX: 8, refY: 4,
    markerWidth: 7, markerHeight: 7, orient: 'auto' }, make('defs', {}, graph));
  make('path', { d: 'M0,0 L8,4 L0,8 z', fill: '#57606a' }, tip);
  graph.setAttribute('viewBox', '0 0 ' + (columns * (WIDTH + GAP)) + ' ' + (Math.max(...heights) + 20));
}

function draw() { const list = shown(); drawRows(list); drawGraph(list); }
search.addEventListener('input', draw);
document.addEventListener('keydown', (event) => { if (event.key === 'Escape') { chosen = null; draw(); } });
draw();
`;
