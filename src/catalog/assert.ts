/** Diagnostics about assertions and tests that policy files make of themselves. */
import { entry } from './entry.js';

export const assertCatalog = {
  'assert/failed': entry<{ message: string }>({
    severity: 'error',
    message: ({ message }) => `the assertion does not hold: ${message}`,
    explanation:
      'An assertion is judged over all pods of the given cluster; groups that are empty fail, since they prove nothing.',
  }),
  'assert/test-failed': entry<{ test: string; found: string; complaint: string }>({
    severity: 'error',
    message: ({ test, found, complaint }) => `test \`${test}\` fails: ${found}, ${complaint}`,
    explanation: 'The flow got another verdict than expected, or another rule decided.',
  }),
  'assert/given-exists': entry<{ pod: string }>({
    severity: 'error',
    message: ({ pod }) => `the cluster already has a pod \`${pod}\``,
    hint: () => 'give the pod of the test a name of its own',
    explanation: 'A test adds its own pods to the cluster and leaves those that are there alone.',
  }),
};
