/** Completion in Kubernetes manifests: fields by the policies' schemas, and what the cluster knows. */
import { CompletionItemKind, type CompletionList } from 'vscode-languageserver';
import type { K8sPolicyKind } from '../../parser/k8s/kinds.js';
import { schemaOf } from '../../parser/k8s/schema-policies.js';
import { placeAt, span, type SourceFile } from '../../source.js';
import {
  keyOffers,
  namedPortOffers,
  namespaceOffers,
  RANK,
  toItem,
  valueOffers,
  type Offer,
} from '../completion/items.js';
import { labelsOf, type LabelOwner } from '../completion/labels.js';
import type { Cursor } from '../language/navigate.js';
import { rangeOf } from '../workspace/positions.js';
import { objectAt, type ManifestObject } from './manifest.js';
import {
  documentAt,
  lineAt,
  parentAt,
  samePath,
  scalarAt,
  type YamlDocument,
  type YamlPath,
} from './walk.js';

interface Around {
  readonly cursor: Cursor;
  readonly document: YamlDocument;
  readonly object: ManifestObject;
  /** From the object down to the mapping or list that the cursor is in. */
  readonly path: YamlPath;
}

export function completeManifest(cursor: Cursor, source: SourceFile): CompletionList {
  const nothing: CompletionList = { isIncomplete: false, items: [] };
  const { line: number, column } = placeAt(source, cursor.offset);
  const line = number - 1;
  const before = lineAt(source, line).slice(0, column - 1);
  if (/(?:^|\s)#/.test(before)) return nothing;
  const document = documentAt(source, line);
  const parent = parentAt(source, document, line, column - 1);
  const object = objectAt(document, parent);
  if (object === undefined) return nothing;
  const path = parent.slice(object.root.length);
  const around = { cursor, document, object, path };
  const behindKey =
    /^[ \t]*(?:-[ \t]+)*(?:"([^"]*)"|'([^']*)'|([^\s#:'"]+))[ \t]*:[ \t]+(.*)$/.exec(before);
  const key = behindKey?.[1] ?? behindKey?.[2] ?? behindKey?.[3];
  const offers = key === undefined ? [...keys(around), ...itemValues(around)] : values(around, key);
  const typed =
    key === undefined ? before.replace(/^[ \t]*(?:-[ \t]+)*/, '') : (behindKey?.[4] ?? '');
  const rest = /^[\w./-]*["']?/.exec(source.text.slice(cursor.offset))?.[0] ?? '';
  const range = rangeOf(span(source, cursor.offset - typed.length, cursor.offset + rest.length));
  return { isIncomplete: false, items: offers.map((offer) => toItem(offer, range, false)) };
}

/** Words that YAML would read as something else than a text. */
export function yamlText(text: string): string {
  const isPlain =
    /^[A-Za-z0-9_./][\w./-]*$/.test(text) &&
    !/^(?:true|false|null|yes|no|on|off|y|n|~)$/i.test(text) &&
    !/^[-+.]?[0-9][0-9a-fA-FxXoO_.:eE+-]*$/.test(text);
  return isPlain ? text : JSON.stringify(text);
}

function keys(around: Around): readonly Offer[] {
  const { cursor, object, path } = around;
  if (path.at(-1) === 'matchLabels') {
    return keyOffers(labelsOf(ownerOf(around), cursor.view), (key) => `${yamlText(key)}: `);
  }
  const fields = propertiesAt(object.kind, path);
  return Object.entries(fields).map(([name, schema]) => ({
    label: name,
    insert: isNested(schema) ? `${name}:` : `${name}: `,
    kind: CompletionItemKind.Property,
    rank: RANK.keyword,
  }));
}

/** Texts in a list: `policyTypes`, the values of an expression. */
function itemValues(around: Around): readonly Offer[] {
  const { path, object, cursor, document } = around;
  if (typeof path.at(-1) !== 'number') return [];
  const list = path.slice(0, -1);
  if (list.at(-1) === 'values') {
    const expression = list.slice(0, -1);
    const key = scalarAt(document, [...object.root, ...expression, 'key']);
    if (key === undefined) return [];
    const owner = ownerOf(around);
    return valueOffers(labelsOf(owner, cursor.view), key, nounOf(owner), yamlText);
  }
  return enumOffers(schemaAt(object.kind, path));
}

function values(around: Around, key: string): readonly Offer[] {
  const { path, object, cursor } = around;
  const { view } = cursor;
  const parent = path.at(-1);
  if (parent === 'matchLabels') {
    const owner = ownerOf(around);
    return valueOffers(labelsOf(owner, view), key, nounOf(owner), yamlText);
  }
  if (key === 'key' && path.at(-2) === 'matchExpressions') {
    return keyOffers(labelsOf(ownerOf(around), view), yamlText);
  }
  if (key === 'namespace' && parent === 'metadata') {
    return namespaceOffers(view.cluster).map((one) => ({ ...one, insert: yamlText(one.label) }));
  }
  const isPortName = key === 'port' || key === 'namedPort' || parent === 'namedPort';
  if (isPortName) return unique(namedPortOffers(view.cluster, (name) => yamlText(name)));
  return enumOffers(schemaAt(object.kind, [...path, key]));
}

function unique(offers: readonly Offer[]): readonly Offer[] {
  return [...new Map(offers.map((one) => [one.label, one])).values()];
}

function nounOf({ kind }: LabelOwner): string {
  return { pods: 'pod', namespaces: 'namespace', nodes: 'node' }[kind];
}

/** Whose labels a selector is about, by the fields above it; a NetworkPolicy selects in its own namespace. */
function ownerOf({ path, object, document }: Around): LabelOwner {
  const above = path.filter((part) => typeof part === 'string');
  const selector = above.findLast((part) => SELECTORS.has(part));
  if (selector === 'nodes') return { kind: 'nodes' };
  if (selector === 'namespaceSelector' || selector === 'namespaces') return { kind: 'namespaces' };
  const isOwn = object.kind === 'NetworkPolicy' && !hasSibling(path, document, object);
  if (!isOwn) return { kind: 'pods' };
  const namespace = scalarAt(document, [...object.root, 'metadata', 'namespace']) ?? 'default';
  return { kind: 'pods', namespace };
}

const SELECTORS: ReadonlySet<string> = new Set([
  'podSelector',
  'namespaceSelector',
  'namespaces',
  'nodes',
  'pods',
]);

/** Beside a namespaceSelector a podSelector speaks of other namespaces. */
function hasSibling(path: YamlPath, { entries }: YamlDocument, { root }: ManifestObject): boolean {
  const peer = path.slice(0, path.lastIndexOf('podSelector'));
  const sibling = [...root, ...peer, 'namespaceSelector'];
  return entries.some((one) => samePath(one.path, sibling));
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function schemaAt(kind: K8sPolicyKind, path: YamlPath): Fields | undefined {
  let schema: unknown = schemaOf(kind);
  for (const part of path) {
    if (!isFields(schema)) return undefined;
    const { properties, items } = schema;
    if (typeof part === 'number') schema = items;
    else schema = isFields(properties) ? properties[part] : undefined;
  }
  return isFields(schema) ? schema : undefined;
}

function propertiesAt(kind: K8sPolicyKind, path: YamlPath): Fields {
  const properties = schemaAt(kind, path)?.['properties'];
  return isFields(properties) ? properties : {};
}

function isNested(schema: unknown): boolean {
  const type = isFields(schema) ? schema['type'] : undefined;
  return Array.isArray(type) && (type.includes('object') || type.includes('array'));
}

function enumOffers(schema: Fields | undefined): readonly Offer[] {
  const allowed = schema?.['enum'];
  if (!Array.isArray(allowed)) return [];
  return (allowed as unknown[])
    .filter((one) => typeof one === 'string')
    .map((label) => ({ label, kind: CompletionItemKind.EnumMember, rank: RANK.name }));
}
