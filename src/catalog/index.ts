/** The diagnostic catalog: every message that policyc can report, keyed `stage/slug`. */
import { kernelCatalog } from './kernel.js';
import { linkCatalog } from './link.js';
import { sourceCatalog } from './source.js';

export const catalog = {
  ...kernelCatalog,
  ...linkCatalog,
  ...sourceCatalog,
};

export type DiagnosticCode = keyof typeof catalog;
