/** What the server offers, and what of a client's abilities it looks at. */
import {
  CodeActionKind,
  TextDocumentSyncKind,
  type InitializeParams,
  type ServerCapabilities,
} from 'vscode-languageserver';
import { TOKEN_MODIFIERS, TOKEN_TYPES } from './semantic-tokens.js';

export const CAPABILITIES: ServerCapabilities = {
  textDocumentSync: {
    openClose: true,
    change: TextDocumentSyncKind.Incremental,
    save: { includeText: false },
  },
  hoverProvider: true,
  completionProvider: { triggerCharacters: [' ', '"', '/'] },
  definitionProvider: true,
  referencesProvider: true,
  documentHighlightProvider: true,
  documentSymbolProvider: true,
  workspaceSymbolProvider: true,
  documentFormattingProvider: true,
  renameProvider: { prepareProvider: true },
  codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
  foldingRangeProvider: true,
  semanticTokensProvider: {
    legend: { tokenTypes: [...TOKEN_TYPES], tokenModifiers: [...TOKEN_MODIFIERS] },
    full: true,
  },
  workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
};

export interface Client {
  readonly relatedInformation: boolean;
  /** It takes related places, but shows none of them. */
  readonly hidesRelated: boolean;
  readonly codeLinks: boolean;
  readonly versions: boolean;
  readonly snippets: boolean;
  readonly markdown: boolean;
  readonly watchesFiles: boolean;
  readonly pushesSettings: boolean;
  readonly workspaceFolders: boolean;
  readonly outline: boolean;
}

/** One that says nothing of itself. */
export const NO_CLIENT: Client = {
  relatedInformation: false,
  hidesRelated: false,
  codeLinks: false,
  versions: false,
  snippets: false,
  markdown: false,
  watchesFiles: false,
  pushesSettings: false,
  workspaceFolders: false,
  outline: false,
};

const HIDES_RELATED = /^(?:neovim|vim|helix|eglot|emacs)/i;

export function clientOf({ capabilities, clientInfo }: InitializeParams): Client {
  const { textDocument, workspace } = capabilities;
  const diagnostics = textDocument?.publishDiagnostics;
  return {
    relatedInformation: diagnostics?.relatedInformation === true,
    hidesRelated: HIDES_RELATED.test(clientInfo?.name ?? ''),
    codeLinks: diagnostics?.codeDescriptionSupport === true,
    versions: diagnostics?.versionSupport === true,
    snippets: textDocument?.completion?.completionItem?.snippetSupport === true,
    markdown: textDocument?.hover?.contentFormat?.includes('markdown') === true,
    watchesFiles: workspace?.didChangeWatchedFiles?.dynamicRegistration === true,
    pushesSettings: workspace?.didChangeConfiguration?.dynamicRegistration === true,
    workspaceFolders: workspace?.workspaceFolders === true,
    outline: textDocument?.documentSymbol?.hierarchicalDocumentSymbolSupport === true,
  };
}
