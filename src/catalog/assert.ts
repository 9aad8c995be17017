/** Diagnostics about assertions and tests that policy files make of themselves. */
import { entry } from './entry.js';

export const assertCatalog = {
  'assert/failed': entry<{ message: string }>({
    severity: 'error',
    message: ({ message }) => `the assertion does not hold: ${message}`,
    explanation:
      'An assertion is proved for all connections of the given cluster, or of all clusters where none is given; the flow told goes against it. Groups that are empty fail, since they prove nothing.',
  }),
  'assert/guardrail-policy': entry<{ name: string }>({
    severity: 'error',
    message: ({ name }) => `guardrails hold no policies, and \`${name}\` is one`,
    hint: () =>
      'give it with the policies; `use` brings the policies of other files with it as well',
    explanation:
      'Files of `--guardrails` say what policies must keep: assertions, tests, and the groups, sets and ports that they speak of. A policy in them would look deployed, and is not.',
  }),
  'assert/no-guardrails': entry<{ paths: readonly string[] }>({
    severity: 'error',
    message: ({ paths }) => `no assertion and no test in ${paths.join(', ')}`,
    hint: () => 'write `assert` and `test` statements in files that end in .pol',
    explanation: 'Guardrails that say nothing would be kept by everything.',
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
