/** Reads single values of objects that nothing has checked. */
import {
  isArray,
  isObject,
  valueAt,
  type JsonPath,
  type JsonValue,
} from '../../parser/yaml/value.js';

/** A text that is not empty. */
export function textAt(value: JsonValue | undefined, path: JsonPath): string | undefined {
  const found = valueAt(value, path);
  return typeof found === 'string' && found !== '' ? found : undefined;
}

/** The mappings of a list; empty where there is none. */
export function listAt(value: JsonValue | undefined, path: JsonPath): readonly JsonValue[] {
  const found = valueAt(value, path);
  return isArray(found) ? found.filter((one) => isObject(one)) : [];
}
