/** Tolerant reading of cluster objects: only what is asked for is looked at, and its type checked. */
import { parseAddress, parsePrefix, type Address, type Prefix } from '../../address.js';
import type { DiagnosticCode } from '../../catalog/index.js';
import { diagnostic, type ArgumentsOf, type Diagnostic } from '../../diagnostics.js';
import type { K8sObject } from '../../parser/k8s/objects.js';
import {
  describeType,
  isArray,
  isObject,
  type JsonObject,
  type JsonPath,
  type JsonValue,
} from '../../parser/yaml/value.js';
import type { Labels } from '../cluster.js';
import type { PortProtocol } from '../model.js';

const NO_LABELS: Labels = new Map();

/** One mapping of an object. Fields that are absent or null are undefined; wrong ones are reported. */
export class Fields {
  constructor(
    readonly object: K8sObject,
    readonly value: JsonObject,
    readonly diagnostics: Diagnostic[],
    /** The mapping that holds this one, and by which steps. */
    readonly parent?: { readonly fields: Fields; readonly steps: JsonPath },
  ) {}

  get path(): JsonPath {
    return this.parent === undefined ? [] : [...this.parent.fields.path, ...this.parent.steps];
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  string(name: string): string | undefined {
    const value = this.#get(name);
    if (value === undefined || typeof value === 'string') return value;
    this.#wrong([name], 'a string', value);
    return undefined;
  }

  boolean(name: string): boolean | undefined {
    const value = this.#get(name);
    if (value === undefined || typeof value === 'boolean') return value;
    this.#wrong([name], 'true or false', value);
    return undefined;
  }

  /** A port number; others are reported. */
  port(name: string): number | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number') return this.#checkPort(name, value);
    this.#wrong([name], 'a number', value);
    return undefined;
  }

  portOrName(name: string): number | string | undefined {
    const value = this.#get(name);
    if (value === undefined || typeof value === 'string') return value;
    if (typeof value === 'number') return this.#checkPort(name, value);
    this.#wrong([name], 'a port number or a port name', value);
    return undefined;
  }

  /** `protocol`, TCP where it is not given. */
  protocol(): PortProtocol {
    const value = this.string('protocol');
    if (value === undefined) return 'TCP';
    if (value === 'TCP' || value === 'UDP' || value === 'SCTP') return value;
    this.report('cluster/unknown-protocol', { value }, ['protocol']);
    return 'TCP';
  }

  mapping(name: string): Fields | undefined {
    const value = this.#get(name);
    if (value === undefined) return undefined;
    if (isObject(value)) return this.#inner(value, [name]);
    this.#wrong([name], 'a mapping', value);
    return undefined;
  }

  mappings(name: string): readonly Fields[] {
    return this.#items(name).flatMap((item, i) => {
      if (isObject(item)) return [this.#inner(item, [name, i])];
      this.#wrong([name, i], 'a mapping', item);
      return [];
    });
  }

  /** As `mappings`; but old hand-written pods have `{}` for no list, which leaves no doubt. */
  mappingsOrEmpty(name: string): readonly Fields[] {
    const value = this.#get(name);
    if (value === undefined || !isObject(value) || Object.keys(value).length > 0) {
      return this.mappings(name);
    }
    this.report('cluster/empty-mapping', { field: name }, [name]);
    return [];
  }

  strings(name: string): readonly string[] {
    return this.#items(name).flatMap((item, i) => {
      if (typeof item === 'string') return [item];
      this.#wrong([name, i], 'a string', item);
      return [];
    });
  }

  labels(name: string): Labels {
    const value = this.#get(name);
    if (value === undefined) return NO_LABELS;
    if (!isObject(value)) {
      this.#wrong([name], 'a mapping', value);
      return NO_LABELS;
    }
    const labels = new Map<string, string>();
    for (const [key, text] of Object.entries(value)) {
      if (typeof text === 'string') labels.set(key, text);
      else this.#wrong([name, key], 'a string', text);
    }
    return labels;
  }

  address(name: string): Address | undefined {
    const text = this.string(name);
    return text === undefined ? undefined : this.#parseAddress(text, [name]);
  }

  addresses(name: string): readonly Address[] {
    return this.strings(name).flatMap((text, i) => this.#parseAddress(text, [name, i]) ?? []);
  }

  range(name: string): Prefix | undefined {
    const text = this.string(name);
    return text === undefined ? undefined : this.#parseRange(text, [name]);
  }

  ranges(name: string): readonly Prefix[] {
    return this.strings(name).flatMap((text, i) => this.#parseRange(text, [name, i]) ?? []);
  }

  report<Code extends DiagnosticCode>(code: Code, args: ArgumentsOf<Code>, steps: JsonPath): void {
    const at = this.object.spanOf([...this.path, ...steps]);
    this.diagnostics.push(diagnostic(code, args, at));
  }

  #get(name: string): Exclude<JsonValue, null> | undefined {
    return Object.hasOwn(this.value, name) ? (this.value[name] ?? undefined) : undefined;
  }

  #items(name: string): readonly JsonValue[] {
    const value = this.#get(name);
    if (value === undefined) return [];
    if (isArray(value)) return value;
    this.#wrong([name], 'a list', value);
    return [];
  }

  #inner(value: JsonObject, steps: JsonPath): Fields {
    return new Fields(this.object, value, this.diagnostics, { fields: this, steps });
  }

  #checkPort(field: string, value: number): number | undefined {
    if (Number.isInteger(value) && value >= 1 && value <= 65_535) return value;
    this.report('cluster/bad-port', { value, field }, [field]);
    return undefined;
  }

  #parseAddress(text: string, steps: JsonPath): Address | undefined {
    const address = parseAddress(text);
    if (address === undefined) {
      this.report('cluster/bad-address', { value: text, field: String(steps[0]) }, steps);
    }
    return address;
  }

  #parseRange(text: string, steps: JsonPath): Prefix | undefined {
    const range = parsePrefix(text);
    if (range === undefined) {
      this.report('cluster/bad-range', { value: text, field: String(steps[0]) }, steps);
    }
    return range;
  }

  #wrong(steps: JsonPath, expected: string, value: JsonValue): void {
    const at = this.object.spanOf([...this.path, ...steps]);
    const text = this.object.file.text.slice(at.start, at.end);
    const isScalar = typeof value === 'boolean' || typeof value === 'number';
    const found = isScalar ? `${describeType(value)}, \`${text}\`` : describeType(value);
    const hint = isScalar && expected === 'a string' ? `quote it: "${text}"` : undefined;
    const field = String(steps.at(-1));
    const args = { field, expected, found, ...(hint && { hint }) };
    this.diagnostics.push(diagnostic('cluster/wrong-type', args, at));
  }
}

/** What every object has: its name, where it lives, who made it. */
export interface ClusterObject {
  readonly object: K8sObject;
  readonly fields: Fields;
  readonly metadata: Fields;
  readonly namespace: string;
  readonly name: string;
}

/** Undefined where the object has no name, which is reported. */
export function openObject(
  object: K8sObject,
  diagnostics: Diagnostic[],
): ClusterObject | undefined {
  const fields = new Fields(object, object.value, diagnostics);
  const metadata = fields.mapping('metadata');
  const name = metadata?.string('name');
  if (metadata === undefined || name === undefined || name === '') {
    const where = `this ${object.kind}`;
    const at = object.keySpanOf(metadata === undefined ? [] : ['metadata']);
    diagnostics.push(diagnostic('cluster/missing-field', { field: 'metadata.name', where }, at));
    return undefined;
  }
  const namespace = metadata.string('namespace') ?? '';
  return { object, fields, metadata, namespace: namespace === '' ? 'default' : namespace, name };
}

export interface OwnerReference {
  readonly kind: string;
  readonly name: string;
}

/** The owner that controls the object, or the only one where none says so. */
export function ownerOf(metadata: Fields): OwnerReference | undefined {
  const owners = metadata.mappings('ownerReferences');
  const owner = owners.find((one) => one.boolean('controller') === true) ?? owners[0];
  const kind = owner?.string('kind');
  const name = owner?.string('name');
  return kind === undefined || name === undefined ? undefined : { kind, name };
}
