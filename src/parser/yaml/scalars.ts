/** How plain YAML scalars become values: as kubectl reads them, which is YAML 1.1 in part. */
import * as yaml from 'js-yaml';

const TRUE = new Set(['yes', 'Yes', 'YES', 'true', 'True', 'TRUE', 'on', 'On', 'ON']);
const FALSE = new Set(['no', 'No', 'NO', 'false', 'False', 'FALSE', 'off', 'Off', 'OFF']);
const NULL = new Set(['~', 'null', 'Null', 'NULL']);
const FLOAT = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;
const INFINITE = /^[-+]?\.(inf|Inf|INF)$/;
const NOT_A_NUMBER = /^\.(nan|NaN|NAN)$/;

/** Whether a plain scalar that begins with this character may be something other than a string. */
const SPECIAL_START = new Set(new TextEncoder().encode('~yYnNtTfFoO0123456789+-.'));

/**
 * The value of a plain scalar as sigs.k8s.io/yaml has it: booleans of YAML 1.1, integers with Go's
 * prefixes (a leading zero is octal) and underscores, floats; timestamps are strings. But for `y` and
 * `n`: namespaces and pods are called so, and what writes YAML for them often leaves the quotes out.
 */
export function resolvePlainScalar(text: string): string | number | boolean | null {
  if (!SPECIAL_START.has(text.charCodeAt(0))) return text;
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  if (NULL.has(text)) return null;
  return resolveNumber(text) ?? text;
}

function resolveNumber(text: string): number | undefined {
  if (text.length > 64) return undefined;
  const plain = text.replaceAll('_', '');
  const match = /^([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+))$/.exec(plain);
  if (match !== null) {
    const [, sign, hex, binary, octal] = match;
    const value =
      hex === undefined
        ? binary === undefined
          ? Number.parseInt(octal ?? '', 8)
          : Number.parseInt(binary, 2)
        : Number.parseInt(hex, 16);
    return sign === '-' ? -value : value;
  }
  if (FLOAT.test(plain)) return Number.parseFloat(plain);
  if (INFINITE.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return NOT_A_NUMBER.test(text) ? Number.NaN : undefined;
}

type Scalar = string | number | boolean | null;

const plainType = new yaml.Type('tag:yaml.org,2002:plain', {
  kind: 'scalar',
  resolve: (text: string) => typeof resolvePlainScalar(text) !== 'string',
  construct: (text: string): Scalar => resolvePlainScalar(text),
});

const mergeType = new yaml.Type('tag:yaml.org,2002:merge', {
  kind: 'scalar',
  resolve: (text: string | null) => text === '<<' || text === null,
});

/** An explicit tag such as `!!int`: the text must mean a value of that type. */
function taggedType(name: string, fits: (value: Scalar) => boolean): yaml.Type {
  return new yaml.Type(`tag:yaml.org,2002:${name}`, {
    kind: 'scalar',
    resolve: (text: string | null) => fits(text === null ? null : resolvePlainScalar(text)),
    construct: (text: string | null): Scalar => (text === null ? null : resolvePlainScalar(text)),
  });
}

/** The js-yaml schema for Kubernetes manifests: no types besides JSON's, so no code and no dates. */
export const KUBERNETES_SCHEMA = yaml.FAILSAFE_SCHEMA.extend({
  implicit: [plainType, mergeType],
  explicit: [
    taggedType('null', (value) => value === null),
    taggedType('bool', (value) => typeof value === 'boolean'),
    taggedType('int', (value) => Number.isInteger(value)),
    taggedType('float', (value) => typeof value === 'number'),
  ],
});
