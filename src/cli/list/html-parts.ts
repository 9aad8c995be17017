/** The style and the script of the page that `policyc list --format html` writes. */

export const PAGE_STYLE = `
:root { --ink: #1f2328; --page: #fff; --line: #d0d7de; --band: #f6f8fa; --weak: #57606a; --mark: #0969da; --in: #bc4c00 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --page: #0d1117; --line: #30363d; --band: #161b22; --weak: #8b949e; --mark: #58a6ff; --in: #f0883e }
}
body { font: 14px/1.4 sans-serif; margin: 1.5rem; color: var(--ink); background: var(--page) }
h1 { font-size: 1.2rem } h2 { font-size: 1rem; margin: 1.2rem 0 .3rem } p { margin: .3rem 0 .6rem }
input, button { font: inherit; padding: .3rem .5rem; color: inherit; background: var(--band); border: 1px solid var(--line); border-radius: 4px }
input { width: 24rem }
.weak { color: var(--weak) }
.frame { border: 1px solid var(--line); overflow: auto; max-height: 90vh }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .25rem .75rem; border-bottom: 1px solid var(--line); vertical-align: top }
th { position: sticky; top: 0; background: var(--band) }
canvas { display: block } svg { display: block; margin: 0 auto }
svg text { font-size: 12px; cursor: pointer; user-select: none; fill: var(--ink) }
svg text.chosen { font-weight: bold; fill: var(--mark) } svg text.faint { opacity: .35 }
.edge { fill: none; stroke: var(--weak) } .edge.out { stroke: var(--mark) } .edge.in { stroke: var(--in) }
.out { color: var(--mark) } .in { color: var(--in) }
`;

/**
 * Rows and columns of the matrix, and names around the graph, are the same things: namespaces, or where one is
 * open its workloads; and what is outside, and nodes. What (nearly) everyone may do would be a line from everywhere
 * to everywhere: the graph writes it beside the name, and draws what tells workloads apart.
 */
export const PAGE_SCRIPT = String.raw`
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const byId = (id) => document.getElementById(id);
const search = byId('search'), rows = byId('rows'), count = byId('count');
const graph = byId('graph'), matrix = byId('matrix'), tip = byId('tip'), note = byId('note');
const OUTSIDE = 'outside the cluster', NODES = 'nodes';
const MOST_ROWS = 2000, CELL = 15, LABEL = 12, EVERYONE = 0.9, FEW = 10;
const opened = new Set();
/** A name, or a pair of them by a cell of the matrix. */
let chosen = null, hovered = null;
let drawn = { things: [], cells: new Map(), left: 0, top: 0 };

const sizes = new Map();
for (const w of data.workloads) sizes.set(w.namespace, (sizes.get(w.namespace) || 0) + (w.pods > 0 ? 1 : 0));
const real = data.workloads.filter((w) => w.pods > 0).length;

function nameOf(i) { const w = data.workloads[i]; return w.namespace + '/' + w.name; }
const texts = data.connections.map((c) => [c.from, c.to, c.ports,
  ...(c.sources.length < 40 ? c.sources.map(nameOf) : []),
  ...(c.destinations.length < 40 ? c.destinations.map(nameOf) : [])].join(' ').toLowerCase());

function found() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  return data.connections.filter((c, i) => words.every((word) => texts[i].includes(word)));
}

function placeOf(i) {
  const { namespace } = data.workloads[i];
  return opened.has(namespace) ? nameOf(i) : namespace;
}

/** How many workloads of each thing are at an end of a connection. */
function ends(ids, others) {
  const at = new Map();
  for (const i of ids) { const key = placeOf(i); at.set(key, (at.get(key) || 0) + 1); }
  for (const one of others) at.set(one, 1);
  return at;
}

function everyone(ids) { return real >= FEW && ids.length >= EVERYONE * real; }

/** The things that are told apart: name, how it is written, how many workloads it stands for. */
function thingsOf() {
  const list = [];
  for (const one of [OUTSIDE, NODES]) {
    if (data.connections.some((c) => c.others.from.includes(one) || c.others.to.includes(one)))
      list.push({ key: one, text: one, size: 1 });
  }
  for (const namespace of [...sizes.keys()].sort()) {
    if (!opened.has(namespace)) {
      list.push({ key: namespace, text: namespace + ' (' + sizes.get(namespace) + ')', size: Math.max(1, sizes.get(namespace)), namespace });
      continue;
    }
    const inside = data.workloads.map((w, i) => ({ w, i })).filter(({ w }) => w.namespace === namespace);
    inside.forEach(({ w, i }, at) => list.push({ key: nameOf(i), size: 1, namespace, first: at === 0,
      text: namespace + '/' + w.name + (w.pods > 1 ? ' ×' + w.pods : '') }));
  }
  return list;
}

/** By from and to: which ports, between how many of the pairs, and whether it is what everyone may. */
function cellsOf(list) {
  const cells = new Map();
  for (const c of list) {
    const from = ends(c.sources, c.others.from), to = ends(c.destinations, c.others.to);
    const wide = everyone(c.sources) || everyone(c.destinations);
    for (const [a, m] of from) for (const [b, n] of to) {
      const key = a + '\n' + b;
      let cell = cells.get(key);
      if (!cell) cells.set(key, cell = { a, b, pairs: 0, ports: new Set(), wide: true });
      cell.pairs += m * n;
      cell.ports.add(c.ports);
      if (!wide) cell.wide = false;
    }
  }
  return cells;
}

function concerns(c) {
  if (chosen === null) return true;
  const from = ends(c.sources, c.others.from), to = ends(c.destinations, c.others.to);
  return chosen.pair ? from.has(chosen.pair[0]) && to.has(chosen.pair[1])
    : from.has(chosen.name) || to.has(chosen.name);
}

function drawRows(list) {
  rows.textContent = '';
  for (const c of list.slice(0, MOST_ROWS)) {
    const row = rows.insertRow();
    for (const text of [c.from, c.to, c.ports]) row.insertCell().textContent = text;
  }
  const what = chosen === null ? '' : ' for ' + (chosen.pair ? chosen.pair.join(' → ') : chosen.name);
  count.textContent = list.length + ' of ' + data.connections.length + ' lines' + what +
    (list.length > MOST_ROWS ? ', the first ' + MOST_ROWS + ' shown' : '');
}

function color(name) { return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim(); }

function sideOf(thing) { return thing.namespace === undefined ? '' : opened.has(thing.namespace) ? (thing.first ? '▾ ' : '   ') : '▸ '; }

function drawMatrix(things, cells) {
  const pen = matrix.getContext('2d');
  pen.font = LABEL + 'px sans-serif';
  const left = 12 + Math.max(...things.map((t) => pen.measureText(sideOf(t) + t.text).width));
  const width = left + CELL * things.length, height = left + CELL * things.length;
  const ratio = window.devicePixelRatio || 1;
  matrix.width = width * ratio; matrix.height = height * ratio;
  matrix.style.width = width + 'px'; matrix.style.height = height + 'px';
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.font = LABEL + 'px sans-serif';
  pen.textBaseline = 'middle';
  const at = new Map(things.map((t, i) => [t.key, i]));
  things.forEach((t, i) => {
    if (i % 2 === 0) {
      pen.fillStyle = color('band');
      pen.fillRect(0, left + CELL * i, width, CELL);
      pen.fillRect(left + CELL * i, 0, CELL, height);
    }
  });
  const [mark, weak] = [color('mark'), color('weak')];
  for (const { a, b, pairs, wide } of cells.values()) {
    const i = at.get(a), j = at.get(b);
    if (i === undefined || j === undefined) continue;
    const part = Math.min(1, pairs / (things[i].size * things[j].size));
    pen.fillStyle = wide ? weak : mark;
    pen.globalAlpha = wide ? 0.15 + 0.45 * part : 0.4 + 0.6 * part;
    pen.fillRect(left + CELL * j + 1, left + CELL * i + 1, CELL - 2, CELL - 2);
  }
  pen.globalAlpha = 1;
  things.forEach((t, i) => {
    pen.fillStyle = chosen !== null && chosen.name === t.key ? color('mark') : color('ink');
    pen.textAlign = 'left';
    pen.fillText(sideOf(t) + t.text, 4, left + CELL * (i + 0.5));
    pen.save();
    pen.translate(left + CELL * (i + 0.5), left - 4);
    pen.rotate(-Math.PI / 2);
    pen.fillText(t.text, 0, 0);
    pen.restore();
  });
  drawn = { things, cells, left };
}

function make(kind, attributes, parent) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

/** What everyone may reach of a thing, and where it may go that everyone may: told beside its name. */
function widesOf(list) {
  const wides = new Map();
  const add = (key, text) => { if (!wides.has(key)) wides.set(key, new Set()); wides.get(key).add(text); };
  for (const c of list) {
    if (everyone(c.sources)) for (const key of ends(c.destinations, c.others.to).keys()) add(key, 'from everyone: ' + c.ports);
    if (everyone(c.destinations)) for (const key of ends(c.sources, c.others.from).keys()) add(key, 'to everyone: ' + c.ports);
  }
  return wides;
}

function drawGraph(things, cells, wides) {
  graph.textContent = '';
  const radius = Math.max(180, (things.length * 15) / (2 * Math.PI));
  const margin = 30 + 7 * Math.max(...things.map((t) => t.text.length + 2));
  const size = 2 * (radius + margin), middle = size / 2;
  graph.setAttribute('viewBox', '0 0 ' + size + ' ' + size);
  graph.setAttribute('width', size); graph.setAttribute('height', size);
  const anchors = new Map();
  const lines = make('g', {}, graph);
  const edges = [...cells.values()].filter(({ a, b, wide }) => a !== b && !wide);
  things.forEach((t, i) => {
    const angle = (2 * Math.PI * i) / things.length - Math.PI / 2;
    const x = middle + radius * Math.cos(angle), y = middle + radius * Math.sin(angle);
    anchors.set(t.key, [x, y]);
    const flipped = Math.cos(angle) < -1e-9;
    const turn = (180 * angle) / Math.PI + (flipped ? 180 : 0);
    const text = make('text', { transform: 'translate(' + (middle + (radius + 8) * Math.cos(angle)) + ',' +
      (middle + (radius + 8) * Math.sin(angle)) + ') rotate(' + turn + ')',
      'text-anchor': flipped ? 'end' : 'start', 'dominant-baseline': 'central' }, graph);
    const wide = wides.get(t.key);
    text.textContent = (sideOf(t) + t.text).trimStart() + (wide ? ' ●' : '');
    make('title', {}, text).textContent = wide ? [...wide].join('\n') : t.text;
    t.label = text;
    text.addEventListener('click', () => choose(t));
    text.addEventListener('dblclick', () => toggle(t));
    text.addEventListener('mouseenter', () => { hovered = t.key; light(); });
    text.addEventListener('mouseleave', () => { hovered = null; light(); });
  });
  const parts = [];
  for (const { a, b, ports } of edges) {
    const from = anchors.get(a), to = anchors.get(b);
    if (!from || !to) continue;
    const pull = (p) => [middle + 0.35 * (p[0] - middle), middle + 0.35 * (p[1] - middle)];
    const [c, d] = [pull(from), pull(to)];
    const path = make('path', { d: 'M' + from + ' C' + c + ' ' + d + ' ' + to, 'marker-end': 'url(#tip-end)' }, lines);
    make('title', {}, path).textContent = a + ' → ' + b + '\n' + [...ports].join('\n');
    parts.push({ a, b, path });
  }
  const end = make('marker', { id: 'tip-end', viewBox: '0 0 8 8', refX: 8, refY: 4,
    markerWidth: 6, markerHeight: 6, orient: 'auto' }, make('defs', {}, graph));
  make('path', { d: 'M0,0 L8,4 L0,8 z', fill: 'context-stroke' }, end);
  const usual = Math.max(0.12, Math.min(0.7, 60 / Math.max(1, parts.length)));
  light = () => {
    const key = hovered || (chosen && chosen.name) || null;
    const near = new Set([key]);
    for (const { a, b, path } of parts) {
      const out = a === key, into = b === key;
      if (out) near.add(b);
      if (into) near.add(a);
      path.setAttribute('class', 'edge' + (out ? ' out' : into ? ' in' : ''));
      path.setAttribute('opacity', key === null ? usual : out || into ? 0.95 : 0.04);
      path.setAttribute('stroke-width', out || into ? 2 : 1);
    }
    for (const t of things) t.label.setAttribute('class', key === null ? '' : t.key === key ? 'chosen' : near.has(t.key) ? '' : 'faint');
  };
  light();
  const left = [...cells.values()].filter(({ wide }) => wide).length;
  note.textContent = parts.length + ' lines between ' + things.length + ' names' +
    (left === 0 ? '' : '; what nearly everyone may is not drawn, but marked by ●, and told when the pointer is on it');
}

let light = () => undefined;

function choose(thing) {
  chosen = chosen !== null && chosen.name === thing.key ? null : { name: thing.key };
  draw();
}

function toggle(thing) {
  if (thing.namespace === undefined) return;
  if (!opened.delete(thing.namespace)) opened.add(thing.namespace);
  chosen = null;
  draw();
}

function draw() {
  const list = found();
  const things = thingsOf(), cells = cellsOf(list);
  drawRows(list.filter(concerns));
  if (things.length === 0) return;
  drawMatrix(things, cells);
  drawGraph(things, cells, widesOf(list));
}

/** What is below the pointer: a label, a cell, or nothing. */
function under(event) {
  const { things, left } = drawn;
  const x = event.offsetX, y = event.offsetY;
  const row = things[Math.floor((y - left) / CELL)], column = things[Math.floor((x - left) / CELL)];
  if (y >= left && x < left) return row && { label: row, mark: x < 16 };
  if (x >= left && y < left) return column && { label: column, mark: false };
  return row && column && { a: row.key, b: column.key };
}

matrix.addEventListener('mousemove', (event) => {
  const at = under(event);
  const cell = at && at.a !== undefined ? drawn.cells.get(at.a + '\n' + at.b) : undefined;
  tip.textContent = at === undefined || at.label ? ' '
    : at.a + ' → ' + at.b + ': ' + (cell ? [...cell.ports].join('; ') : 'nothing');
});
matrix.addEventListener('click', (event) => {
  const at = under(event);
  if (at === undefined) return;
  if (at.label) { if (at.mark) toggle(at.label); else choose(at.label); return; }
  chosen = drawn.cells.has(at.a + '\n' + at.b) ? { pair: [at.a, at.b] } : null;
  draw();
});
matrix.addEventListener('dblclick', (event) => {
  const at = under(event);
  if (at !== undefined && at.label && !at.mark) toggle(at.label);
});
byId('open').addEventListener('click', () => { for (const name of sizes.keys()) opened.add(name); draw(); });
byId('close').addEventListener('click', () => { opened.clear(); chosen = null; draw(); });
let waiting;
search.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(draw, 120); });
document.addEventListener('keydown', (event) => { if (event.key === 'Escape') { chosen = null; draw(); } });
draw();
`;
