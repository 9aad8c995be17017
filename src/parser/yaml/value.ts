/** Values as JSON and YAML texts have them. */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;

export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** A way into a value: field names and item numbers. */
export type JsonPath = readonly (string | number)[];

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The value at the path, or undefined where the path leads nowhere. */
export function valueAt(value: JsonValue | undefined, path: JsonPath): JsonValue | undefined {
  let here = value;
  for (const step of path) {
    if (typeof step === 'number') here = isArray(here) ? here[step] : undefined;
    else here = isObject(here) && Object.hasOwn(here, step) ? here[step] : undefined;
  }
  return here;
}

/** The path as people write it: `spec.ingress[0].from`. */
export function formatPath(path: JsonPath): string {
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`))
    .join('');
}

/** The steps of a JSON pointer (RFC 6901) into the value; item numbers become numbers. */
export function pathOfPointer(root: JsonValue, pointer: string): JsonPath {
  let here: JsonValue | undefined = root;
  return pointer
    .split('/')
    .slice(1)
    .map((part) => {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      if (isArray(here)) {
        here = here[Number(name)];
        return Number(name);
      }
      here = isObject(here) ? here[name] : undefined;
      return name;
    });
}

/** What a value is, for messages. */
export function describeType(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return 'nothing';
  if (isArray(value)) return 'a list';
  switch (typeof value) {
    case 'boolean':
      return 'a boolean';
    case 'number':
      return 'a number';
    case 'string':
      return 'a string';
    default:
      return 'a mapping';
  }
}
