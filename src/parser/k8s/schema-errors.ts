/** Turns the errors of schema validation into diagnostics about the text. */
import type { ErrorObject } from 'ajv';
import { bug, diagnostic, type Diagnostic } from '../../diagnostics.js';
import type { K8sObject } from './objects.js';
import { describeType, isArray, isObject, type JsonPath, type JsonValue } from '../yaml/value.js';

/** @returns undefined where another error of the same value says it already */
export function describeSchemaError(
  object: K8sObject,
  where: string,
  path: JsonPath,
  error: ErrorObject,
): Diagnostic | undefined {
  const value = error.data as JsonValue;
  const field = fieldName(path);
  const params = error.params as Readonly<Record<string, unknown>>;
  const limit = Number(params['limit']);
  switch (error.keyword) {
    case 'type':
      return describeWrongType(object, field, path, value, error);
    case 'additionalProperties': {
      const unknown = String(params['additionalProperty']);
      const known = Object.keys((error.parentSchema?.['properties'] ?? {}) as object);
      const at = object.keySpanOf([...path, unknown]);
      return diagnostic('k8s/unknown-field', { field: unknown, where, known }, at);
    }
    case 'enum': {
      if (typeof value !== 'string') return undefined;
      const known = (params['allowedValues'] as readonly unknown[]).filter(
        (one): one is string => typeof one === 'string',
      );
      return diagnostic('k8s/unknown-value', { field, value, known }, object.spanOf(path));
    }
    case 'minimum':
    case 'maximum': {
      const min = Number(error.parentSchema?.['minimum']);
      const max = Number(error.parentSchema?.['maximum']);
      const args = { field, value: Number(value), min, max };
      return diagnostic('k8s/out-of-range', args, object.spanOf(path));
    }
    case 'minItems':
      return diagnostic('k8s/too-few', { field, where: parentOf(where) }, object.keySpanOf(path));
    case 'maxItems': {
      const count = isArray(value) ? value.length : 0;
      return diagnostic('k8s/too-many', { field, count, limit }, object.keySpanOf(path));
    }
    case 'maxLength': {
      const length = typeof value === 'string' ? value.length : 0;
      return diagnostic('k8s/too-long', { field, length, limit }, object.spanOf(path));
    }
    default:
      return bug(`no words for the schema keyword ${error.keyword}`);
  }
}

/** `port`, or `from[0]` for an item of a list. */
function fieldName(path: JsonPath): string {
  const last = path.at(-1);
  return typeof last === 'number' ? `${String(path.at(-2))}[${last}]` : (last ?? '');
}

/** The place that holds the field of `where`. */
function parentOf(where: string): string {
  return where.replace(/\.[^.`]*`$/, '`');
}

type TypeName = 'object' | 'array' | 'string' | 'integer';

const EXPECTED: Readonly<Record<TypeName, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'a string',
  integer: 'a whole number',
};

function describeWrongType(
  object: K8sObject,
  field: string,
  path: JsonPath,
  value: JsonValue,
  error: ErrorObject,
): Diagnostic {
  const { type } = error.params as { readonly type: string | readonly string[] };
  const types = [type].flat().filter((one): one is TypeName => one in EXPECTED);
  const span = object.spanOf(path);
  if (value === null && typeof path.at(-1) === 'number') {
    const list = fieldName(path.slice(0, -1));
    return diagnostic('k8s/empty-item', { where: list }, object.keySpanOf(path));
  }
  const expected =
    types.length > 1 ? 'a port number or a port name' : types.map((one) => EXPECTED[one]).join('');
  const text = object.file.text.slice(span.start, span.end);
  const hint = typeHint(types, value, text);
  const args = { field, expected, found: found(value, text), ...(hint && { hint }) };
  return diagnostic('k8s/wrong-type', args, span);
}

/** For scalars the text tells more than the type: `yes` is a boolean to YAML. */
function found(value: JsonValue, text: string): string {
  if (typeof value === 'boolean' || typeof value === 'number') {
    return `${describeType(value)}, \`${text}\``;
  }
  return describeType(value);
}

function typeHint(types: readonly TypeName[], value: JsonValue, text: string): string | undefined {
  const wants = (type: TypeName): boolean => types.includes(type);
  if (isTemplate(value)) return 'this looks like a template: render the chart first';
  // A port that is no whole number is no port name either.
  if (wants('string') && wants('integer')) return undefined;
  if (wants('string') && (typeof value === 'boolean' || typeof value === 'number')) {
    return `quote it: "${text}"`;
  }
  if (wants('string') && value === null) return 'write "" for the empty text';
  if (wants('integer') && typeof value === 'string') {
    return /^\d+$/.test(value) ? `write it without quotes: ${value}` : undefined;
  }
  if (wants('array') && isObject(value)) return 'start each item with a dash';
  if (wants('object') && isArray(value)) return 'remove the dash';
  if (wants('object') && value === '') return 'write {} for the empty mapping';
  return undefined;
}

/** `{{ .Values.x }}` is a mapping whose key is a mapping, to YAML. */
function isTemplate(value: JsonValue): boolean {
  return isObject(value) && Object.keys(value).length === 1 && '[object Object]' in value;
}
