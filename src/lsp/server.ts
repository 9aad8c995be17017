/** The language server: what editors ask and tell, over one connection. */
import {
  createConnection,
  DidChangeConfigurationNotification,
  DidChangeWatchedFilesNotification,
  type Connection,
  type InitializeParams,
  type InitializeResult,
} from 'vscode-languageserver/node';
import { CAPABILITIES, clientOf, NO_CLIENT, type Client } from './capabilities.js';
import { Checker } from './checker.js';
import { writeExplanations } from './language/explanations.js';
import { answerRequests } from './requests.js';
import { readSettings } from './settings.js';
import { OpenDocuments } from './workspace/documents.js';
import type { Settings } from './workspace/settings.js';
import { filePath } from './workspace/uri.js';
import { isConfig, Workspace } from './workspace/workspace.js';

export interface ServerOptions {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Absolute paths of the cluster, from the command line. */
  readonly cluster: readonly string[];
}

/** Serves until the editor says `exit` or goes away, which ends the process. */
export function serve(options: ServerOptions): Promise<never> {
  new Server(options).listen();
  return new Promise(() => undefined);
}

class Server {
  readonly #connection: Connection;
  readonly #documents = new OpenDocuments();
  readonly #workspace = new Workspace(this.#documents);
  readonly #checker: Checker;
  #client: Client = NO_CLIENT;
  #fromStart: Settings = {};

  constructor(private readonly options: ServerOptions) {
    this.#connection = createConnection(options.input, options.output);
    this.#checker = new Checker(this.#connection, this.#documents, this.#workspace);
  }

  listen(): void {
    const connection = this.#connection;
    connection.onInitialize((params) => this.#initialize(params));
    connection.onInitialized(() => {
      this.#register();
    });
    connection.onShutdown(() => {
      this.#checker.stop();
    });
    this.#followDocuments();
    this.#followFiles();
    connection.onDidChangeConfiguration(({ settings }) => {
      this.#useSettings(settings);
    });
    answerRequests({
      connection,
      documents: this.#documents,
      workspace: this.#workspace,
      checker: this.#checker,
      client: () => this.#client,
      now: this.options.now,
    });
    connection.listen();
  }

  #initialize(params: InitializeParams): InitializeResult {
    this.#client = clientOf(params);
    this.#fromStart = readSettings(params.initializationOptions);
    this.#workspace.setFolders(foldersOf(params));
    this.#workspace.setSettings(this.#settings({}));
    this.#checker.configure({
      relatedInformation: this.#client.relatedInformation,
      hintsInMessages: !this.#client.relatedInformation || this.#client.hidesRelated,
      versions: this.#client.versions,
      watchesFiles: this.#client.watchesFiles,
      hrefOf: this.#client.codeLinks ? writeExplanations(this.options.env) : () => undefined,
    });
    return {
      capabilities: CAPABILITIES,
      serverInfo: { name: 'policyc', version: this.options.version },
    };
  }

  /** The command line goes before the editor's settings, and those before what it said at the start. */
  #settings(settings: Settings): Settings {
    const { cluster } = this.options;
    return {
      ...this.#fromStart,
      ...settings,
      ...(cluster.length === 0 ? {} : { cluster }),
    };
  }

  #useSettings(settings: unknown): void {
    this.#workspace.setSettings(this.#settings(readSettings(settings)));
    this.#checker.soon();
  }

  #register(): void {
    const { client } = this.#connection;
    if (this.#client.watchesFiles) {
      const globPattern = '**/*.{pol,yaml,yml,json}';
      void client.register(DidChangeWatchedFilesNotification.type, { watchers: [{ globPattern }] });
    }
    if (this.#client.pushesSettings) {
      void client.register(DidChangeConfigurationNotification.type, { section: 'policyc' });
    }
    if (this.#client.workspaceFolders) {
      this.#connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
        const gone = new Set(removed.flatMap(({ uri }) => filePath(uri) ?? []));
        const kept = this.#workspace.folders.filter((one) => !gone.has(one));
        this.#workspace.setFolders([...kept, ...added.flatMap(({ uri }) => filePath(uri) ?? [])]);
        this.#checker.soon();
      });
    }
    this.#checker.soon();
  }

  #followDocuments(): void {
    const connection = this.#connection;
    connection.onDidOpenTextDocument(({ textDocument }) => {
      const { uri, languageId, version, text } = textDocument;
      this.#documents.open(uri, languageId, version, text);
      this.#documentChanged(uri, true);
    });
    connection.onDidChangeTextDocument(({ textDocument, contentChanges }) => {
      this.#documents.change(textDocument.uri, textDocument.version, contentChanges);
      this.#documentChanged(textDocument.uri, false);
    });
    connection.onDidSaveTextDocument(() => {
      this.#filesChanged();
    });
    connection.onDidCloseTextDocument(({ textDocument }) => {
      this.#documents.close(textDocument.uri);
      this.#documentChanged(textDocument.uri, true);
    });
  }

  #documentChanged(uri: string, cameOrWent: boolean): void {
    if (isConfig(filePath(uri) ?? uri)) this.#workspace.forgetConfig();
    else if (cameOrWent) this.#workspace.forgetFiles();
    this.#checker.soon();
  }

  #followFiles(): void {
    this.#connection.onDidChangeWatchedFiles(({ changes }) => {
      if (changes.some(({ uri }) => isConfig(filePath(uri) ?? uri))) this.#workspace.forgetConfig();
      this.#filesChanged();
    });
  }

  #filesChanged(): void {
    this.#workspace.forgetFiles();
    this.#checker.soon();
  }
}

/** Folders, or the one root of older clients. */
function foldersOf({ workspaceFolders, ...older }: InitializeParams): readonly string[] {
  const { rootUri } = older as { readonly rootUri?: string | null };
  const uris = (workspaceFolders ?? []).map(({ uri }) => uri);
  const all = uris.length === 0 && typeof rootUri === 'string' ? [rootUri] : uris;
  return all.flatMap((uri) => filePath(uri)?.replace(/(?<=.)\/+$/, '') ?? []);
}
