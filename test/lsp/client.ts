/** An editor for tests: speaks the protocol to `policyc lsp` as a process of its own. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  createProtocolConnection,
  InitializeRequest,
  InitializedNotification,
  DidOpenTextDocumentNotification,
  DidChangeTextDocumentNotification,
  DidCloseTextDocumentNotification,
  DidChangeWatchedFilesNotification,
  ExitNotification,
  PublishDiagnosticsNotification,
  LogMessageNotification,
  RegistrationRequest,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  type ClientCapabilities,
  type Diagnostic,
  type InitializeResult,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
  type TextDocumentContentChangeEvent,
} from 'vscode-languageserver-protocol/node';

export const CAPABILITIES: ClientCapabilities = {
  textDocument: {
    publishDiagnostics: {
      relatedInformation: true,
      codeDescriptionSupport: true,
      versionSupport: true,
    },
    completion: { completionItem: { snippetSupport: false } },
    hover: { contentFormat: ['markdown'] },
    documentSymbol: { hierarchicalDocumentSymbolSupport: true },
  },
  workspace: { didChangeWatchedFiles: { dynamicRegistration: true } },
};

export interface StartOptions {
  /** The folder that is open; none for a lone file. */
  readonly root?: string;
  readonly settings?: unknown;
  readonly arguments?: readonly string[];
  readonly capabilities?: ClientCapabilities;
  readonly cache?: string;
  /** What the editor calls itself. */
  readonly name?: string;
}

export class Editor {
  readonly published = new Map<string, PublishDiagnosticsParams>();
  readonly logged: string[] = [];
  readonly exited: Promise<number | null>;
  stderr = '';
  initialized: InitializeResult | undefined;
  readonly #versions = new Map<string, number>();
  #waiting: (() => void)[] = [];
  #lastPublish = 0;

  private constructor(
    readonly process: ChildProcessWithoutNullStreams,
    readonly connection: ProtocolConnection,
  ) {
    this.exited = new Promise((resolve) => {
      process.on('close', (code) => {
        resolve(code);
      });
    });
    process.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    connection.onNotification(PublishDiagnosticsNotification.type, (params) => {
      this.published.set(params.uri, params);
      this.#lastPublish = Date.now();
      for (const one of this.#waiting) one();
    });
    connection.onNotification(LogMessageNotification.type, ({ message }) => {
      this.logged.push(message);
    });
    connection.onRequest(RegistrationRequest.type, () => undefined);
    connection.listen();
  }

  /** @param folder where {@link transpileSources} has put the program */
  static async start(folder: string, options: StartOptions = {}): Promise<Editor> {
    const child = spawn(
      process.execPath,
      [join(folder, 'bin/policyc.js'), 'lsp', ...(options.arguments ?? ['--stdio'])],
      { env: { ...process.env, XDG_CACHE_HOME: options.cache ?? join(folder, 'cache') } },
    );
    const connection = createProtocolConnection(
      new StreamMessageReader(child.stdout),
      new StreamMessageWriter(child.stdin),
    );
    const editor = new Editor(child, connection);
    const { root } = options;
    // Editors send it still.
    const older = { rootUri: root === undefined ? null : pathToFileURL(root).href };
    editor.initialized = await connection.sendRequest(InitializeRequest.type, {
      processId: process.pid,
      ...older,
      ...(options.name === undefined ? {} : { clientInfo: { name: options.name } }),
      workspaceFolders:
        root === undefined ? null : [{ uri: pathToFileURL(root).href, name: 'workspace' }],
      capabilities: options.capabilities ?? CAPABILITIES,
      initializationOptions: options.settings,
    });
    await connection.sendNotification(InitializedNotification.type, {});
    return editor;
  }

  async open(uri: string, text: string, languageId = 'pol'): Promise<void> {
    this.#versions.set(uri, 1);
    await this.connection.sendNotification(DidOpenTextDocumentNotification.type, {
      textDocument: { uri, languageId, version: 1, text },
    });
  }

  async change(uri: string, changes: TextDocumentContentChangeEvent[]): Promise<number> {
    const version = (this.#versions.get(uri) ?? 0) + 1;
    this.#versions.set(uri, version);
    await this.connection.sendNotification(DidChangeTextDocumentNotification.type, {
      textDocument: { uri, version },
      contentChanges: changes,
    });
    return version;
  }

  async close(uri: string): Promise<void> {
    await this.connection.sendNotification(DidCloseTextDocumentNotification.type, {
      textDocument: { uri },
    });
  }

  async filesChanged(...uris: string[]): Promise<void> {
    await this.connection.sendNotification(DidChangeWatchedFilesNotification.type, {
      changes: uris.map((uri) => ({ uri, type: 2 as const })),
    });
  }

  diagnostics(uri: string): readonly Diagnostic[] {
    return this.published.get(uri)?.diagnostics ?? [];
  }

  /** Waits until the document's newest text has been checked. */
  async settled(uri: string): Promise<readonly Diagnostic[]> {
    const version = this.#versions.get(uri);
    await this.until(() => {
      const last = this.published.get(uri);
      return last !== undefined && last.version === version;
    });
    return this.diagnostics(uri);
  }

  async until(holds: () => boolean, milliseconds = 20_000): Promise<void> {
    const end = Date.now() + milliseconds;
    while (!holds()) {
      if (Date.now() > end) throw new Error(`the server did not come to it\n${this.stderr}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 200);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
      this.#waiting = [];
    }
  }

  /** Nothing has been published for that long. */
  async quiet(milliseconds = 700): Promise<void> {
    this.#lastPublish = Date.now();
    await this.until(() => Date.now() - this.#lastPublish > milliseconds);
  }

  async stop(): Promise<number | null> {
    await this.connection.sendRequest(ShutdownRequest.type);
    await this.connection.sendNotification(ExitNotification.type);
    return this.exited;
  }
}
