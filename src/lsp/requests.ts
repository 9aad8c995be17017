/** What the server answers, request by request: each is put to the project that the document is of. */
import {
  type CodeAction,
  type CodeActionParams,
  type Connection,
  type Position,
  type TextDocumentPositionParams,
} from 'vscode-languageserver';
import type { Client } from './capabilities.js';
import type { Checker } from './checker.js';
import { completePolicy } from './completion/complete-policy.js';
import { formatEdits } from './edits/format.js';
import { fixesFor, toCodeAction } from './edits/quick-fixes.js';
import { prepareRename, rename } from './edits/rename.js';
import { hoverPolicy } from './hover/hover-policy.js';
import { foldsOf } from './language/folds.js';
import { definition, highlights, references, type Cursor } from './language/navigate.js';
import { manifestOutline, outlineOf, projectSymbols } from './language/outline.js';
import { toLsp } from './publish.js';
import { semanticTokens } from './semantic-tokens.js';
import type { OpenDocument, OpenDocuments } from './workspace/documents.js';
import { holds, offsetAt, rangeOf } from './workspace/positions.js';
import type { View } from './workspace/view.js';
import type { Workspace } from './workspace/workspace.js';
import { completeManifest } from './yaml/complete-yaml.js';
import { hoverManifest } from './yaml/hover-yaml.js';
import { parseK8s } from '../parser/parse-k8s.js';
import { parseTolerant } from '../parser/parse-tolerant.js';
import type { SourceFile } from '../source.js';

export interface RequestContext {
  readonly connection: Connection;
  readonly documents: OpenDocuments;
  readonly workspace: Workspace;
  readonly checker: Checker;
  readonly client: () => Client;
  readonly now: () => number;
}

interface Subject extends Cursor {
  readonly document: OpenDocument;
  readonly source: SourceFile;
  readonly isPolicy: boolean;
}

export function answerRequests(context: RequestContext): void {
  const { connection, documents, workspace } = context;
  const uriOf = (path: string): string => documents.uriOf(path);
  const at = ({ textDocument, position }: TextDocumentPositionParams): Subject | undefined =>
    subjectAt(context, textDocument.uri, position);
  /** Only policy files have names of their own. */
  const inPolicy = (params: TextDocumentPositionParams): Subject | undefined => {
    const subject = at(params);
    return subject?.isPolicy === true ? subject : undefined;
  };

  connection.onHover((params) => {
    const subject = at(params);
    if (subject === undefined) return null;
    const found = subject.isPolicy
      ? hoverPolicy(subject, subject.source)
      : hoverManifest(subject, subject.source);
    if (found === undefined) return null;
    const kind = context.client().markdown ? 'markdown' : 'plaintext';
    const value = kind === 'markdown' ? found.text : found.text.replace(/\*\*|`/g, '');
    return { contents: { kind, value }, range: rangeOf(found.at) };
  });
  connection.onCompletion((params) => {
    const subject = at(params);
    if (subject === undefined) return null;
    if (!subject.isPolicy) return completeManifest(subject, subject.source);
    return completePolicy(subject, subject.source, {
      snippets: context.client().snippets,
      trigger: params.context?.triggerCharacter,
      now: context.now,
    });
  });
  connection.onDefinition((params) => {
    const subject = inPolicy(params);
    return subject === undefined ? null : [...definition(subject, uriOf)];
  });
  connection.onReferences((params) => {
    const subject = inPolicy(params);
    if (subject === undefined) return null;
    return [...references(subject, params.context.includeDeclaration, uriOf)];
  });
  connection.onDocumentHighlight((params) => {
    const subject = inPolicy(params);
    return subject === undefined ? null : [...highlights(subject)];
  });
  connection.onPrepareRename((params) => {
    const subject = inPolicy(params);
    return subject === undefined ? null : prepareRename(subject);
  });
  connection.onRenameRequest((params) => {
    const subject = inPolicy(params);
    return subject === undefined ? null : rename(subject, params.newName, uriOf);
  });
  connection.onDocumentFormatting(({ textDocument }) => {
    const source = documents.byUri(textDocument.uri)?.source;
    return source?.path.endsWith('.pol') === true ? [...formatEdits(source)] : null;
  });
  connection.onDocumentSymbol(({ textDocument }) => {
    const source = documents.byUri(textDocument.uri)?.source;
    if (source === undefined) return null;
    if (source.path.endsWith('.pol')) return [...outlineOf(parseTolerant(source))];
    return [...manifestOutline(parseK8s([source]).value ?? [])];
  });
  connection.onWorkspaceSymbol(({ query }) =>
    workspace.projects().flatMap(({ view }) => [...projectSymbols(view, query, uriOf)]),
  );
  connection.onFoldingRanges(({ textDocument }) => {
    const source = documents.byUri(textDocument.uri)?.source;
    return source?.path.endsWith('.pol') === true ? [...foldsOf(source)] : null;
  });
  connection.onCodeAction((params) => codeActions(context, params));
  connection.languages.semanticTokens.on(({ textDocument }) => {
    const document = documents.byUri(textDocument.uri);
    const view = viewOf(context, document);
    if (document === undefined || view === undefined) return { data: [] };
    if (!document.source.path.endsWith('.pol')) return { data: [] };
    return { data: [...semanticTokens(view, document.source)] };
  });
}

function viewOf(
  { workspace }: RequestContext,
  document: OpenDocument | undefined,
): View | undefined {
  return document === undefined ? undefined : workspace.projectOf(document)?.view;
}

function subjectAt(context: RequestContext, uri: string, position: Position): Subject | undefined {
  const document = context.documents.byUri(uri);
  const view = viewOf(context, document);
  if (document === undefined || view === undefined) return undefined;
  const { source } = document;
  return {
    document,
    source,
    view,
    path: source.path,
    offset: offsetAt(source, position),
    isPolicy: source.path.endsWith('.pol'),
  };
}

function codeActions(context: RequestContext, params: CodeActionParams): CodeAction[] | null {
  const { textDocument, range } = params;
  const document = context.documents.byUri(textDocument.uri);
  const view = viewOf(context, document);
  if (document === undefined || view === undefined) return null;
  const { source } = document;
  const start = offsetAt(source, range.start);
  const end = offsetAt(source, range.end);
  return context.checker
    .findingsIn(source.path)
    .filter(({ span: at }) => {
      // What was found in another text may stand elsewhere by now.
      if (at?.file.text !== source.text) return false;
      return (at.start <= end && start <= at.end) || holds(at, start);
    })
    .flatMap((one) => {
      const lsp = toLsp(one, context.checker.publishOptions);
      return fixesFor(one, view).map((fix) =>
        toCodeAction(fix, one, lsp, (path) => context.documents.uriOf(path)),
      );
    });
}
