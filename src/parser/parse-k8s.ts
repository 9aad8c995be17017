/** Kubernetes manifests and `kubectl get -o yaml|json` output → Kubernetes objects. */
import { diagnostic, hasErrors, type Diagnostic, type Outcome } from '../diagnostics.js';
import { span, type SourceFile } from '../source.js';
import { classify } from './k8s/kinds.js';
import { K8sObject } from './k8s/objects.js';
import { withRegions } from './k8s/regions.js';
import { parseDocuments, type ParsedDocument } from './yaml/documents.js';
import { contentStart, firstLine, type NodePositions } from './yaml/positions.js';
import { describeType, isArray, isObject, type JsonObject, type JsonValue } from './yaml/value.js';

/**
 * Reads every object of the files, with Lists flattened, in the order of the texts. Objects are not
 * looked into: policies are checked when they are lowered, the rest when a cluster is made of it.
 */
export function parseK8s(files: readonly SourceFile[]): Outcome<readonly K8sObject[]> {
  const objects: K8sObject[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const file of files) {
    const parsed = parseDocuments(file);
    for (const one of parsed.diagnostics) diagnostics.push(one);
    const reader = new ObjectReader(
      withRegions(file, parsed.documents),
      parsed.positions,
      objects,
      diagnostics,
    );
    for (const document of parsed.documents) reader.readDocument(document);
  }
  return hasErrors(diagnostics) ? { diagnostics } : { value: objects, diagnostics };
}

/** The type that items of a typed list have where they do not say it themselves. */
interface ItemType {
  readonly apiVersion: string;
  readonly kind: string;
}

/** Whether objects stand in `items` for certain; other kinds may end in List by chance. */
function isListOfObjects(apiVersion: string, kind: string): boolean {
  if (kind === 'List') return apiVersion === 'v1';
  return kind.endsWith('List') && classify(apiVersion, kind.slice(0, -4)).kind === 'policy';
}

class ObjectReader {
  constructor(
    readonly file: SourceFile,
    readonly positions: NodePositions,
    readonly objects: K8sObject[],
    readonly diagnostics: Diagnostic[],
  ) {}

  readDocument(document: ParsedDocument): void {
    const { value, start } = document;
    this.#read(value, this.file.text.startsWith('---', start) ? start + 3 : start);
  }

  #read(value: JsonValue, near: number, itemType?: ItemType): void {
    if (!isObject(value)) {
      this.#complain('k8s/not-an-object', { found: describeType(value) }, value, near);
      return;
    }
    const apiVersion = value['apiVersion'] ?? itemType?.apiVersion;
    const kind = value['kind'] ?? itemType?.kind;
    if (typeof apiVersion !== 'string' || typeof kind !== 'string' || kind === '') {
      const missing = [
        ...(typeof apiVersion === 'string' ? [] : ['apiVersion']),
        ...(typeof kind === 'string' && kind !== '' ? [] : ['kind']),
      ];
      const keys = Object.keys(value).filter((key) => key !== 'apiVersion' && key !== 'kind');
      this.#complain('k8s/no-kind', { missing, keys: keys.slice(0, 3) }, value, near);
      return;
    }
    const object = new K8sObject(apiVersion, kind, value, this.file, this.positions);
    const { items } = value;
    if (kind.endsWith('List') && (isArray(items) || (items ?? null) === null)) {
      if (items === undefined && isListOfObjects(apiVersion, kind)) {
        const args = { field: 'items', where: `this ${kind}` };
        this.diagnostics.push(diagnostic('k8s/missing-field', args, object.keySpanOf([])));
      }
      this.#readItems(value, isArray(items) ? items : [], { apiVersion, kind }, near);
      return;
    }
    if (items !== undefined && isListOfObjects(apiVersion, kind)) {
      const args = { field: 'items', expected: 'a list', found: describeType(items) };
      this.diagnostics.push(diagnostic('k8s/wrong-type', args, object.spanOf(['items'])));
      return;
    }
    this.objects.push(object);
  }

  #readItems(list: JsonObject, items: readonly JsonValue[], type: ItemType, near: number): void {
    const kind = type.kind.slice(0, -'List'.length);
    // Items of a typed list need not repeat the type; those of a plain List must say it.
    const itemType = kind === '' ? undefined : { apiVersion: type.apiVersion, kind };
    const at = this.positions.extentOf(list)?.start ?? near;
    for (const item of items) this.#read(item, at, itemType);
  }

  #complain<Code extends 'k8s/not-an-object' | 'k8s/no-kind'>(
    code: Code,
    args: Parameters<typeof diagnostic<Code>>[1],
    value: JsonValue,
    near: number,
  ): void {
    const { text } = this.file;
    const extent =
      typeof value === 'object' && value !== null ? this.positions.extentOf(value) : undefined;
    const found = firstLine(text, extent ?? { start: contentStart(text, near), end: text.length });
    this.diagnostics.push(diagnostic(code, args, span(this.file, found.start, found.end)));
  }
}
