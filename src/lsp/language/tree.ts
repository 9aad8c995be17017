/** Ways through a syntax tree: from a place to the nodes around it, and over all nodes. */
import type { PolicyFile } from '../../parser/ast.js';
import type { Span } from '../../source.js';
import { holds } from '../workspace/positions.js';

/** Any node of the tree, by the fields that all have. */
export interface TreeNode {
  readonly span: Span;
  readonly kind?: unknown;
}

export function isNode(value: unknown): value is TreeNode {
  return typeof value === 'object' && value !== null && 'span' in value;
}

/** The nodes directly below a node, in the order of the tree's fields. */
export function* childrenOf(node: object): Generator<TreeNode> {
  for (const [key, value] of Object.entries(node) as [string, unknown][]) {
    if (key === 'span') continue;
    if (Array.isArray(value)) {
      for (const one of value as unknown[]) if (isNode(one)) yield one;
    } else if (isNode(value)) yield value;
    // Tails, claims and scopes are nodes without a place of their own.
    else if (typeof value === 'object' && value !== null && !('file' in value)) {
      yield* childrenOf(value);
    }
  }
}

/** The nodes that hold the place, outermost first. */
export function nodesAt(file: PolicyFile, offset: number): readonly TreeNode[] {
  const path: TreeNode[] = [];
  let here: TreeNode | undefined = file.statements.find(({ span }) => holds(span, offset));
  while (here !== undefined) {
    path.push(here);
    here = [...childrenOf(here)].find(({ span }) => holds(span, offset));
  }
  return path;
}

/** The namespace block that a place lies in. */
export function namespaceAt(file: PolicyFile, offset: number): string | undefined {
  const block = file.statements.find(({ span }) => span.start <= offset && offset <= span.end);
  return block?.kind === 'namespace' ? block.name.text : undefined;
}

/** The statements of a file and of its namespace blocks; blocks of other kinds as a whole. */
export function* statementsOf(
  file: PolicyFile,
): Generator<{ readonly statement: TreeNode; readonly namespace?: string }> {
  for (const top of file.statements) {
    if (top.kind === 'namespace') {
      for (const statement of top.statements) yield { statement, namespace: top.name.text };
    } else yield { statement: top };
  }
}
