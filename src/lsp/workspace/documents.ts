/** The documents that are open in the editor: what it shows counts, not what is on the disk. */
import { realpathSync } from 'node:fs';
import type { TextDocumentContentChangeEvent } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { SourceFile } from '../../source.js';
import { pathOfUri, uriOfPath } from './uri.js';

export interface OpenDocument {
  /** As the editor writes it. */
  readonly uri: string;
  readonly version: number;
  readonly source: SourceFile;
}

class Buffer {
  #source: SourceFile | undefined;

  constructor(
    readonly path: string,
    readonly realPath: string,
    public text: TextDocument,
  ) {}

  update(changes: readonly TextDocumentContentChangeEvent[], version: number): void {
    this.text = TextDocument.update(this.text, [...changes], version);
    this.#source = undefined;
  }

  /** The same value until the text changes, so that what is known of it stays known. */
  get document(): OpenDocument {
    const text = this.text.getText();
    if (this.#source === undefined || this.#source.text !== text)
      this.#source = new SourceFile(this.path, text);
    return { uri: this.text.uri, version: this.text.version, source: this.#source };
  }
}

export class OpenDocuments {
  readonly #byUri = new Map<string, Buffer>();
  readonly #byRealPath = new Map<string, Buffer>();
  /** Asking the disk for each of thousands of files takes longer than all else. */
  readonly #realPaths = new Map<string, string>();

  open(uri: string, languageId: string, version: number, text: string): void {
    const path = pathOfUri(uri, languageId);
    const buffer = new Buffer(
      path,
      realPathOf(path),
      TextDocument.create(uri, languageId, version, text),
    );
    this.#byUri.set(uri, buffer);
    this.#byRealPath.set(buffer.realPath, buffer);
  }

  change(uri: string, version: number, changes: readonly TextDocumentContentChangeEvent[]): void {
    this.#byUri.get(uri)?.update(changes, version);
  }

  close(uri: string): void {
    const buffer = this.#byUri.get(uri);
    if (buffer === undefined) return;
    this.#byUri.delete(uri);
    if (this.#byRealPath.get(buffer.realPath) === buffer) this.#byRealPath.delete(buffer.realPath);
  }

  byUri(uri: string): OpenDocument | undefined {
    return this.#byUri.get(uri)?.document;
  }

  /** The open text of a file, also where the editor came to it through a link. */
  byPath(path: string): OpenDocument | undefined {
    if (this.#byRealPath.size === 0) return undefined;
    const known = this.#realPaths.get(path) ?? realPathOf(path);
    this.#realPaths.set(path, known);
    return (this.#byRealPath.get(path) ?? this.#byRealPath.get(known))?.document;
  }

  *all(): Generator<OpenDocument> {
    for (const buffer of this.#byUri.values()) yield buffer.document;
  }

  /** Links may have changed. */
  forgetLinks(): void {
    this.#realPaths.clear();
  }

  /** The URI under which the editor knows a file. */
  uriOf(path: string): string {
    return this.byPath(path)?.uri ?? uriOfPath(path);
  }
}

export function realPathOf(path: string): string {
  if (!path.startsWith('/')) return path;
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
