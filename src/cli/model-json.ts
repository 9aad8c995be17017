/** The policy model as JSON for people: places as `path:line:column`, prefixes as CIDR. */
import { formatPrefix, type Prefix } from '../address.js';
import type { PolicyModel } from '../ir/model.js';
import { formatPlace, type Span } from '../source.js';

export function modelJson(model: PolicyModel): unknown {
  return readable(model);
}

function readable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(readable);
  if (typeof value !== 'object' || value === null) return value;
  if (isSpan(value)) return formatPlace(value);
  if (isPrefix(value)) return formatPrefix(value);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, readable(one)]));
}

function isSpan(value: object): value is Span {
  return 'file' in value && 'start' in value && 'end' in value;
}

function isPrefix(value: object): value is Prefix {
  return 'family' in value && 'value' in value && 'length' in value;
}
