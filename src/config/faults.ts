/** Turns what the schema finds wrong with policyc.yaml into diagnostics about its text. */
import type { ErrorObject } from 'ajv';
import { bug, diagnostic, type Diagnostic } from '../diagnostics.js';
import { nearestName } from '../did-you-mean.js';
import { describeType, formatPath, type JsonPath, type JsonValue } from '../parser/yaml/value.js';
import type { Span } from '../source.js';

/** Where keys and values stand in the text. */
export interface Places {
  readonly keySpanOf: (path: JsonPath) => Span;
  readonly spanOf: (path: JsonPath) => Span;
}

export function describeFault(error: ErrorObject, path: JsonPath, places: Places): Diagnostic {
  const value = error.data as JsonValue;
  const params = error.params as Readonly<Record<string, unknown>>;
  const key = path.length === 0 ? 'policyc.yaml' : formatPath(path);
  switch (error.keyword) {
    case 'additionalProperties': {
      const unknown = String(params['additionalProperty']);
      const known = Object.keys((error.parentSchema?.['properties'] ?? {}) as object);
      const where = path.length === 0 ? 'policyc.yaml' : `\`${formatPath(path)}\``;
      const at = places.keySpanOf([...path, unknown]);
      return diagnostic('config/unknown-key', { key: unknown, where, known }, at);
    }
    case 'type': {
      const types = [params['type'] as string | readonly string[]].flat();
      const expected = types.map((one) => EXPECTED[one] ?? bug(`no words for ${one}`)).join(' or ');
      const found = foundText(value);
      return diagnostic('config/wrong-type', { key, expected, found }, places.spanOf(path));
    }
    case 'enum': {
      const known = (params['allowedValues'] as readonly unknown[]).map(String);
      const text = textOf(value);
      const near = nearestName(text, known);
      const hint = near === undefined ? `one of ${known.join(', ')}` : `did you mean \`${near}\`?`;
      // Kernel versions are read as numbers: 6.10 would become 6.1.
      const quoted = typeof value === 'number' ? `write it in quotes; ${hint}` : hint;
      return badValue(key, value, quoted, places.spanOf(path));
    }
    case 'pattern':
      return badValue(
        key,
        value,
        'write a whole number and B, KiB, MiB or GiB, such as `64MiB`',
        places.spanOf(path),
      );
    case 'minimum':
      return badValue(key, value, 'write a whole number from 0 on', places.spanOf(path));
    case 'minLength':
    case 'minItems':
      return badValue(key, value, 'remove the key, or give it a value', places.keySpanOf(path));
    default:
      return bug(`no words for the schema keyword ${error.keyword}`);
  }
}

const EXPECTED: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'a text',
  integer: 'a whole number',
};

function foundText(value: JsonValue): string {
  const isPlain = typeof value === 'number' || typeof value === 'boolean';
  return isPlain ? `${describeType(value)}, \`${String(value)}\`` : describeType(value);
}

function badValue(key: string, value: JsonValue, hint: string, at: Span): Diagnostic {
  return diagnostic('config/bad-value', { key, value: textOf(value), hint }, at);
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
