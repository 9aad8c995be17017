/** Diagnostics of explaining decisions. */
import { entry } from './entry.js';

export const explainCatalog = {
  'explain/bad-port': entry<{ text: string; hint: string }>({
    severity: 'error',
    message: ({ text }) => `\`--port ${text}\` is no port`,
    hint: ({ hint }) => hint,
    explanation:
      'A port is written with its protocol: `5432/tcp`, `8000-8100/udp`, `any/tcp`. `icmp` is an echo request, `any` is every port of every protocol; several stand with commas between them.',
  }),
  'explain/bundle-beside-others': entry<{ path: string }>({
    severity: 'error',
    message: ({ path }) => `\`${path}\` is a bundle, and stands beside other policies`,
    hint: () => 'give the bundle alone: it holds all of its policies',
    explanation:
      'A bundle is a whole: its programs were compiled from its own policies, and other policies are not in them.',
  }),
};
