/** Reads chevrotain's concrete syntax tree: children by name, texts, numbers and spans. */
import type { CstElement, CstNode, IToken } from 'chevrotain';
import { StringLiteral } from '../../../grammar/tokens.js';
import { bug, diagnostic, type Diagnostic } from '../../diagnostics.js';
import { span, type SourceFile, type Span } from '../../source.js';
import type { NumberNode, Text } from '../ast.js';
import { readString } from './strings.js';
import { endOf } from './tokens.js';

function isNode(element: CstElement): element is CstNode {
  return 'children' in element;
}

export function nodesOf(node: CstNode, name: string): readonly CstNode[] {
  return (node.children[name] ?? []).filter(isNode);
}

export function tokensOf(node: CstNode, name: string): readonly IToken[] {
  return (node.children[name] ?? []).filter((one): one is IToken => !isNode(one));
}

export function nodeOf(node: CstNode, name: string): CstNode | undefined {
  const found = node.children[name]?.[0];
  return found !== undefined && isNode(found) ? found : undefined;
}

export function tokenOf(node: CstNode, name: string): IToken | undefined {
  const found = node.children[name]?.[0];
  return found !== undefined && !isNode(found) ? found : undefined;
}

export function hasToken(node: CstNode, name: string): boolean {
  return tokenOf(node, name) !== undefined;
}

/** For trees without syntax errors, where a part that the grammar asks for is there. */
export function requireNode(node: CstNode, name: string): CstNode {
  return nodeOf(node, name) ?? bug(`${node.name} has no ${name}`);
}

export function requireToken(node: CstNode, name: string): IToken {
  return tokenOf(node, name) ?? bug(`${node.name} has no ${name}`);
}

/** The one file that is being read, with what there is to say about it. */
export class CstReader {
  readonly diagnostics: Diagnostic[] = [];

  constructor(readonly file: SourceFile) {}

  spanOf(node: CstNode): Span {
    const start = node.location?.startOffset ?? 0;
    const last = node.location?.endOffset;
    return span(this.file, start, last === undefined ? start : last + 1);
  }

  spanOfToken(token: IToken): Span {
    return span(this.file, token.startOffset, endOf(token));
  }

  /** A word as it is, a string by its value. */
  text(token: IToken): Text {
    const text = token.tokenType === StringLiteral ? readString(token.image) : token.image;
    return { text, span: this.spanOfToken(token) };
  }

  number(token: IToken): NumberNode {
    return { value: Number(token.image), span: this.spanOfToken(token) };
  }

  /** The text of a `name` or `anyName` below the node. */
  name(node: CstNode, label: string): Text {
    return this.text(requireToken(requireNode(node, label), 'word'));
  }

  /** Keeps the first of a clause, and reports a second. */
  once(word: string, seen: boolean, at: Span): boolean {
    if (seen) this.diagnostics.push(diagnostic('syntax/repeated', { word }, at));
    return !seen;
  }
}
