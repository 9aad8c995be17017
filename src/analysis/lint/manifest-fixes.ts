/** Fixes in the text of manifests, for what the checks, the reader and lints have found there. */
import type { Edit, Fix } from '../../diagnostics.js';
import type { K8sObject } from '../../parser/k8s/objects.js';
import {
  hasSharedNodes,
  insertBefore,
  removeEntry,
  removeItem,
  type TextEdit,
} from '../../parser/yaml/edits.js';
import { isArray, valueAt, type JsonPath } from '../../parser/yaml/value.js';
import { span, type Span } from '../../source.js';
import { nameOf, SECTIONS } from './manifests.js';

function fixOf(
  object: K8sObject,
  does: string,
  ...edits: (TextEdit | undefined)[]
): Fix | undefined {
  const { file, extent } = object;
  if (file.path === '-' || file.regions.length > 0) return undefined;
  if (hasSharedNodes(file.text, extent)) return undefined;
  const made: Edit[] = [];
  for (const edit of edits) {
    if (edit === undefined) return undefined;
    made.push({ span: span(file, edit.start, edit.end), text: edit.text });
  }
  return { does, keepsMeaning: true, edits: made };
}

/** Fixes for what the checks and the reader have found in manifests, by where rules and sections stand. */
export class ManifestFixes {
  readonly #rules = new Map<string, { readonly object: K8sObject; readonly path: JsonPath }>();
  readonly #policies = new Map<string, K8sObject>();
  readonly #byFile = new Map<string, K8sObject[]>();
  /** How many items of a list are on their way out. */
  readonly #removed = new Map<object, number>();
  #isIndexed = false;

  constructor(private readonly objects: readonly K8sObject[]) {}

  /** Without a rule that adds nothing. */
  removeRule(origin: Span): Fix | undefined {
    this.#indexAll();
    const found = this.#rules.get(placeKey(origin));
    if (found === undefined) return undefined;
    const { object, path } = found;
    const list = valueAt(object.value, path.slice(0, -1));
    const extents = object.extentsOf(path);
    // The last rule decides what a section means, and with absent types which directions are isolated.
    if (!isArray(list) || extents === undefined) return undefined;
    const removed = (this.#removed.get(list) ?? 0) + 1;
    if (removed >= list.length) return undefined;
    this.#removed.set(list, removed);
    return fixOf(object, 'remove the rule', removeItem(object.file.text, extents.value));
  }

  /** Without `ingress` or `egress` that `policyTypes` leaves out. */
  removeSection(at: Span): Fix | undefined {
    const object = this.#objectAt(at);
    for (const section of object === undefined ? [] : SECTIONS) {
      const extents = object?.extentsOf(['spec', section]);
      if (object === undefined || extents?.key.start !== at.start) continue;
      return fixOf(object, `remove \`${section}\``, removeEntry(object.file.text, extents));
    }
    return undefined;
  }

  /** With the types written down that follow from the sections. */
  writeTypes(at: Span): Fix | undefined {
    const object = this.#objectAt(at);
    const egress = object && valueAt(object.value, ['spec', 'egress']);
    const meant = isArray(egress) && egress.length > 0 ? '[Ingress, Egress]' : '[Ingress]';
    const before = SECTIONS.map((one) => object?.extentsOf(['spec', one])).find(
      (one) => one !== undefined,
    );
    // What is written as null or [] would have to be replaced: rare, and its form is not known.
    const given = object?.extentsOf(['spec', 'policyTypes']);
    if (object === undefined || given !== undefined || before === undefined) return undefined;
    const json = `"policyTypes": ${meant.replace(/\w+/g, '"$&"')}`;
    const plain = `policyTypes: ${meant}`;
    const edit = insertBefore(object.file.text, before.key, { json, flow: plain, block: plain });
    return fixOf(object, `write \`${plain}\``, edit);
  }

  /** The block without the bits that do not count. */
  rewriteBlock(at: Span, block: string): Fix | undefined {
    const { file } = at;
    if (file.path === '-' || file.regions.length > 0) return undefined;
    const written = file.text.slice(at.start, at.end);
    const quote = /^["']/.exec(written)?.[0] ?? '';
    const edits = [{ span: at, text: `${quote}${block}${quote}` }];
    return { does: `write \`${block}\``, keepsMeaning: true, edits };
  }

  /** Without a whole policy, where nothing but its name tells it from another. */
  removePolicy(origin: Span, other: Span): Fix | undefined {
    this.#indexAll();
    const [object, first] = [origin, other].map((one) => this.#policies.get(placeKey(one)));
    if (object === undefined || first === undefined) return undefined;
    const labelled = (one: K8sObject): string =>
      JSON.stringify([
        valueAt(one.value, ['metadata', 'labels']) ?? null,
        valueAt(one.value, ['metadata', 'annotations']) ?? null,
      ]);
    if (labelled(object) !== labelled(first)) return undefined;
    const edit = removeDocument(object);
    return edit && fixOf(object, `remove \`${nameOf(object)}\``, edit);
  }

  #objectAt({ file, start }: Span): K8sObject | undefined {
    this.#indexAll();
    const objects = this.#byFile.get(file.path) ?? [];
    let low = 0;
    let high = objects.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((objects[middle]?.extent.start ?? 0) <= start) low = middle + 1;
      else high = middle;
    }
    const found = objects[low - 1];
    return found !== undefined && start < found.extent.end ? found : undefined;
  }

  #indexAll(): void {
    if (this.#isIndexed) return;
    this.#isIndexed = true;
    for (const object of this.objects) {
      const list = this.#byFile.get(object.file.path);
      if (list === undefined) this.#byFile.set(object.file.path, [object]);
      else list.push(object);
      this.#policies.set(placeKey(object.nameSpan()), object);
      for (const section of SECTIONS) {
        const rules = valueAt(object.value, ['spec', section]);
        for (const [i, rule] of (isArray(rules) ? rules : []).entries()) {
          if (typeof rule !== 'object' || rule === null) continue;
          const path = ['spec', section, i];
          this.#rules.set(placeKey(object.spanOfNode(rule, path)), { object, path });
        }
      }
    }
    for (const list of this.#byFile.values()) list.sort((a, b) => a.extent.start - b.extent.start);
  }
}

function placeKey({ file, start, end }: Span): string {
  return `${file.path}:${start}:${end}`;
}

/** One document of several, with the marker in front of it; not an item of a List. */
function removeDocument({ file, extent }: K8sObject): TextEdit | undefined {
  const { text } = file;
  const markers = [...text.matchAll(/^---(?=[ \t\r\n]|$)/gm)].map(({ index }) => index);
  const before = markers.filter((one) => one < extent.start).at(-1);
  const after = markers.find((one) => one >= extent.end - 1);
  if (before === undefined) {
    // The first of several: what is ahead of the next marker goes.
    return after === undefined ? undefined : { start: 0, end: after, text: '' };
  }
  const body = text.slice(before, after ?? text.length);
  if (!/^---[^\n]*\n(?:\s*(?:#[^\n]*)?\n)*(?:apiVersion|kind|metadata|spec)\s*:/.test(body))
    return undefined;
  return { start: before, end: after ?? text.length, text: '' };
}
