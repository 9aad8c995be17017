/** The schema for editors: it is published, it is a schema, and every key has words. */
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { CONFIG_SCHEMA, schemaText } from '../../src/config/schema.js';

interface Described {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Described>>;
  readonly additionalProperties?: Described | boolean;
}

function* undescribed(schema: Described, path: string): Generator<string> {
  if (schema.description === undefined) yield path;
  for (const [name, one] of Object.entries(schema.properties ?? {})) {
    yield* undescribed(one, `${path}.${name}`);
  }
  const { additionalProperties: others } = schema;
  if (typeof others === 'object') yield* undescribed(others, `${path}.*`);
}

describe('the schema of policyc.yaml', () => {
  it('is published in docs/policyc.schema.json', async () => {
    const path = fileURLToPath(new URL('../../docs/policyc.schema.json', import.meta.url));
    await expect(schemaText()).toMatchFileSnapshot(path);
  });

  it('is a schema by its own meta-schema', () => {
    const ajv = new Ajv({ allowUnionTypes: true, strictTypes: false });
    expect(ajv.validateSchema(JSON.parse(schemaText()) as object)).toBe(true);
  });

  it('says what each key is for', () => {
    expect([...undescribed(CONFIG_SCHEMA as Described, '')]).toEqual([]);
  });
});
