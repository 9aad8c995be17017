/** Connections as a graph: in the DOT language, and laid out as SVG. */

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  readonly kind: 'added' | 'removed' | 'allowed';
}

/** Green and whole for what is added, red and dashed for what is removed: told apart without colours too. */
const STYLES: Readonly<Record<GraphEdge['kind'], string>> = {
  added: 'color="#1a7f37", fontcolor="#1a7f37", penwidth=2',
  removed: 'color="#cf222e", fontcolor="#cf222e", style=dashed',
  allowed: 'color="#57606a", fontcolor="#57606a"',
};
const SIGNS: Readonly<Record<GraphEdge['kind'], string>> = {
  added: '+ ',
  removed: '− ',
  allowed: '',
};

/** The same edges make the same text. */
export function graphDot(title: string, edges: readonly GraphEdge[]): string {
  const nodes = [...new Set(edges.flatMap(({ from, to }) => [from, to]))];
  const lines = [
    'digraph connections {',
    `  graph [rankdir=LR, label=${quote(title)}, labelloc=t, fontname="sans-serif"];`,
    '  node [shape=box, style=rounded, fontname="sans-serif", fontsize=11];',
    '  edge [fontname="sans-serif", fontsize=9];',
    ...nodes.map((node, i) => `  n${i} [label=${quote(node)}];`),
    ...edges.map(
      ({ from, to, label, kind }) =>
        `  n${nodes.indexOf(from)} -> n${nodes.indexOf(to)} [label=${quote(`${SIGNS[kind]}${label}`)}, ${STYLES[kind]}];`,
    ),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

/** Graphviz itself, compiled to WebAssembly; loaded only for those who want a picture. */
export async function graphSvg(dot: string): Promise<string> {
  const { instance } = await import('@viz-js/viz');
  const viz = await instance();
  return viz.renderString(dot, { format: 'svg', engine: 'dot' });
}

/** In DOT a backslash begins an escape, and lines are broken by hand. */
function quote(text: string): string {
  const broken = text.replace(/(.{32}[^,]*,) /g, '$1\n');
  return `"${broken.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\r?\n/g, '\\n')}"`;
}
