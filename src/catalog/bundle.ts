/** Diagnostics about bundles that cannot be read. */
import { entry } from './entry.js';

export const bundleCatalog = {
  'bundle/unreadable': entry<{ path: string; reason: string }>({
    severity: 'error',
    message: ({ path, reason }) => `\`${path}\` is not a bundle that can be used: ${reason}`,
    hint: () => 'make it again with `policyc compile`',
    explanation:
      'A bundle is a tar archive whose manifest holds the digest of every part. It is refused whole ' +
      'if anything is missing, damaged or of another format.',
  }),
};
