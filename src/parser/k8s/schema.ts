/** Building blocks of the policies' JSON schemas, and what the policies' APIs share. */
import type { CheckName } from './checks.js';

/** A JSON schema with the keywords of validate.ts. */
export type Schema = Readonly<Record<string, unknown>>;

type Properties = Readonly<Record<string, Schema>>;

export interface ObjectRules {
  /** Fields that must be there and not be null. */
  readonly needs?: readonly string[];
  /** Selectors that must be there too, but that leave no doubt if they are not: all. */
  readonly presumes?: readonly string[];
  /** Fields of which exactly one must be there. */
  readonly exactlyOne?: readonly string[];
  readonly check?: CheckName;
}

/** Null counts as absent everywhere but in lists. */
export function mapping(properties: Properties, rules: ObjectRules = {}): Schema {
  return { type: ['object', 'null'], properties, additionalProperties: false, ...rules };
}

/** A mapping whose other fields are nobody's business here. */
export function looseMapping(properties: Properties, rules: ObjectRules = {}): Schema {
  return { type: ['object', 'null'], properties, ...rules };
}

interface ListRules {
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly distinct?: boolean;
}

export function list(items: Schema, rules: ListRules = {}): Schema {
  const { type } = items;
  // An item that is null would be an empty one to an API server.
  const solid = Array.isArray(type) ? type.filter((one) => one !== 'null') : type;
  return { type: ['array', 'null'], items: { ...items, type: solid }, ...rules };
}

export function text(check?: CheckName): Schema {
  return { type: ['string', 'null'], ...(check && { check }) };
}

export function limitedText(maxLength: number): Schema {
  return { type: ['string', 'null'], maxLength };
}

export function oneOf(...values: readonly string[]): Schema {
  return { type: ['string', 'null'], enum: [...values, null] };
}

export function integer(minimum: number, maximum: number): Schema {
  return { type: ['integer', 'null'], minimum, maximum };
}

export const PROTOCOL = oneOf('TCP', 'UDP', 'SCTP');
export const PORT_NUMBER = integer(1, 65_535);

const LABELS: Schema = {
  type: ['object', 'null'],
  additionalProperties: { type: 'string' },
  check: 'labels',
};

export const SELECTOR: Schema = mapping({
  matchLabels: LABELS,
  matchExpressions: list(
    mapping(
      {
        key: text('labelKey'),
        operator: oneOf('In', 'NotIn', 'Exists', 'DoesNotExist'),
        values: list({ type: 'string', check: 'labelValue' }),
      },
      { needs: ['key', 'operator'], check: 'expression' },
    ),
  ),
});

const STRING_MAP: Schema = {
  type: ['object', 'null'],
  additionalProperties: { type: 'string' },
};

/** An object whose metadata is read loosely and whose spec is read strictly. */
export function policyObject(spec: Schema, metadataCheck: CheckName): Schema {
  return mapping(
    {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: looseMapping(
        { name: text(), namespace: text(), labels: STRING_MAP, annotations: STRING_MAP },
        { needs: ['name'], check: metadataCheck },
      ),
      spec,
      status: {},
    },
    { needs: ['metadata', 'spec'] },
  );
}
