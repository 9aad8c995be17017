/** The diagnostic catalog: every message that policyc can report, keyed `stage/slug`. */
import { sourceCatalog } from './source.js';

export const catalog = {
  ...sourceCatalog,
};

export type DiagnosticCode = keyof typeof catalog;
