/** Quick fixes: what a finding's hint says to write, and files that declare an unknown name. */
import { posix } from 'node:path';
import { CodeActionKind, type CodeAction, type TextEdit } from 'vscode-languageserver';
import type { Diagnostic } from '../../diagnostics.js';
import { writtenName } from '../completion/items.js';
import type { View } from '../workspace/view.js';
import { rangeOf, textOf } from '../workspace/positions.js';
import { span, type SourceFile } from '../../source.js';
import type { UriOf } from '../language/navigate.js';

export interface Fix {
  readonly title: string;
  readonly edits: readonly TextEdit[];
  /** It is what the hint says; an editor may do it without asking which. */
  readonly preferred: boolean;
}

/** The text of a hint that names one replacement. */
const DID_YOU_MEAN = /^did you mean `([^`]+)`\?$/;
const WRITE = /^write `([^`…]+)`$/;

/** Codes whose hint shows exactly what to write in place of what is underlined. */
const WRITES_ALL: ReadonlySet<string> = new Set(['policy/bad-cidr', 'policy/host-bits']);

export function fixesFor(one: Diagnostic, view: View): readonly Fix[] {
  if (one.span === undefined) return [];
  return [...hinted(one), ...mechanical(one), ...imports(one, view)];
}

export function toCodeAction(fix: Fix, one: Diagnostic, lsp: unknown, uriOf: UriOf): CodeAction {
  const path = one.span?.file.path ?? '';
  return {
    title: fix.title,
    kind: CodeActionKind.QuickFix,
    diagnostics: [lsp as NonNullable<CodeAction['diagnostics']>[number]],
    ...(fix.preferred ? { isPreferred: true } : {}),
    edit: { changes: { [uriOf(path)]: [...fix.edits] } },
  };
}

function hinted(one: Diagnostic): readonly Fix[] {
  const { span: at, hint = '', code, message } = one;
  if (at === undefined) return [];
  const near = DID_YOU_MEAN.exec(hint)?.[1];
  const all = WRITES_ALL.has(code) ? WRITE.exec(hint)?.[1] : undefined;
  const wanted = near ?? all;
  if (wanted === undefined) return [];
  const old = textOf(at);
  // What is named in the message is what is to be replaced; the finding may underline more.
  const named = /`([^`]+)`/.exec(message)?.[1];
  // Names are quoted where they must be; words of the language and addresses never are.
  const isName = code.startsWith('policy/') && /^[\w.-]+$/.test(old) && all === undefined;
  const replacement = replacementOf(old, named, isName ? writtenName(wanted) : wanted);
  if (replacement === undefined) return [];
  const start = at.start + replacement.from;
  const range = rangeOf(span(at.file, start, start + replacement.length));
  return [
    {
      title: `Replace by ${replacement.text}`,
      edits: [{ range, newText: replacement.text }],
      preferred: near !== undefined,
    },
  ];
}

interface Replacement {
  readonly from: number;
  readonly length: number;
  readonly text: string;
}

/** Where in the underlined text the wrong name stands, and what takes its place. */
function replacementOf(
  old: string,
  named: string | undefined,
  wanted: string,
): Replacement | undefined {
  const isQuoted = /^"(?:[^"\\]|\\.)*"$/.test(old);
  if (isQuoted) return { from: 0, length: old.length, text: `"${wanted}"` };
  const isPlain = /^[\w./:-]+$/.test(old);
  if (isPlain && named !== undefined && old !== named && old.includes(named)) {
    return { from: old.indexOf(named), length: named.length, text: wanted };
  }
  if (isPlain) return { from: 0, length: old.length, text: wanted };
  if (named === undefined) return undefined;
  const from = old.indexOf(named);
  const isOnce = from >= 0 && !old.includes(named, from + 1);
  return isOnce ? { from, length: named.length, text: wanted } : undefined;
}

function mechanical({ code, span: at }: Diagnostic): readonly Fix[] {
  if (at === undefined) return [];
  const old = textOf(at);
  const replace = (title: string, newText: string): readonly Fix[] => [
    { title, edits: [{ range: rangeOf(at), newText }], preferred: true },
  ];
  const append = (title: string, text: string): Fix => ({
    title,
    edits: [{ range: rangeOf(span(at.file, at.end, at.end)), newText: text }],
    preferred: false,
  });
  switch (code) {
    case 'syntax/single-quotes':
      return replace(
        'Write it in double quotes',
        `"${old.replace(/^'|'$/g, '').replace(/(?<!\\)"/g, '\\"')}"`,
      );
    case 'syntax/unclosed-string':
      return [append('Close the text', old.endsWith('\\') ? '\\"' : '"')];
    case 'syntax/foreign-comment':
      return old.startsWith('//') ? replace('Write the comment with #', `#${old.slice(2)}`) : [];
    case 'syntax/stray-close':
      return replace('Remove the }', '');
    case 'policy/ports-unstated':
      return [append('Add `port 443/tcp`', ' port 443/tcp'), append('Add `any port`', ' any port')];
    default:
      return [];
  }
}

/** `use` the file that declares the name. */
function imports({ code, span: at }: Diagnostic, view: View): readonly Fix[] {
  if (at === undefined || code !== 'policy/unknown-name') return [];
  const [first = '', second] = textOf(at)
    .split('/')
    .map((one) => one.replace(/^"|"$/g, ''));
  const [namespace, name] = second === undefined ? [undefined, first] : [first, second];
  const { path } = at.file;
  const declaring = view.files.filter(({ file }) => {
    if (file.source.path === path) return false;
    return file.statements.some((statement) => {
      if (statement.kind === 'namespace') {
        return (
          statement.name.text === namespace &&
          statement.statements.some((one) => isNamed(one, name))
        );
      }
      return namespace === undefined && isNamed(statement, name);
    });
  });
  return declaring.map(({ file }) => {
    const used = posix.relative(posix.dirname(path), file.source.path);
    return {
      title: `Use "${used}", which declares ${name}`,
      edits: [useEdit(at.file, used)],
      preferred: declaring.length === 1,
    };
  });
}

function isNamed(node: { readonly kind: string }, name: string): boolean {
  const declares = node.kind === 'group' || node.kind === 'set' || node.kind === 'ports';
  return declares && 'name' in node && (node.name as { readonly text: string }).text === name;
}

/** Behind the last `use`, or in front of the first statement, past the comments that open the file. */
function useEdit(file: SourceFile, used: string): TextEdit {
  const { text } = file;
  const last = [...text.matchAll(/^use[ \t]+"[^"\r\n]*".*$/gm)].at(-1);
  if (last !== undefined) {
    const end = last.index + last[0].length;
    return { range: rangeOf(span(file, end, end)), newText: `\nuse "${used}"` };
  }
  const opening = /^(?:#[^\r\n]*(?:\r\n|\n|\r))*(?:[ \t]*(?:\r\n|\n|\r))?/.exec(text)?.[0] ?? '';
  const at = span(file, opening.length, opening.length);
  return { range: rangeOf(at), newText: `use "${used}"\n\n` };
}
