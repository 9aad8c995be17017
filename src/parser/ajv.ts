/** Ajv as it judges what users write: all errors at once, and loaded only where there is something to judge. */
import { createRequire } from 'node:module';
import type * as AjvModule from 'ajv';

// Loading takes longer than reading a few policies.
const require = createRequire(import.meta.url);

export function loadAjv(): typeof AjvModule {
  return require('ajv') as typeof AjvModule;
}

export function makeAjv(): AjvModule.Ajv {
  const { Ajv } = loadAjv();
  return new Ajv({
    allErrors: true,
    verbose: true,
    ownProperties: true,
    allowUnionTypes: true,
    strictTypes: false,
    // Compiling the schema of schemas takes as long as all the rest.
    meta: false,
    validateSchema: false,
    // Nor is there time to win in making the generated code shorter.
    code: { optimize: false },
  });
}
