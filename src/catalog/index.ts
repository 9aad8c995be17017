/** The diagnostic catalog: every message that policyc can report, keyed `stage/slug`. */
import { linkCatalog } from './link.js';
import { sourceCatalog } from './source.js';

export const catalog = {
  ...linkCatalog,
  ...sourceCatalog,
};

export type DiagnosticCode = keyof typeof catalog;
