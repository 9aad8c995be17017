/** Diagnostics about YAML and JSON texts, before Kubernetes is known. */
import { entry } from './entry.js';

export const yamlCatalog = {
  'yaml/syntax': entry<{ reason: string; hint?: string }>({
    severity: 'error',
    message: ({ reason }) => `this is not YAML: ${reason}`,
    hint: ({ hint }) => hint,
    explanation:
      'The document breaks a rule of YAML. Other documents of the same file are still read.',
  }),
  'yaml/json-syntax': entry<{ reason: string }>({
    severity: 'error',
    message: ({ reason }) => `this is not JSON: ${reason}`,
    hint: () =>
      'a JSON file may hold several texts, one after another, without commas between them',
    explanation: 'A file that ends in .json holds JSON texts; the rest of the file is not read.',
  }),
  'yaml/duplicate-key': entry<{ key: string }>({
    severity: 'error',
    message: ({ key }) => `the key \`${key}\` is given twice in one mapping`,
    hint: () => 'merge the two, or remove one',
    explanation:
      'YAML and JSON readers keep one of two equal keys without a word, and not all the same one.',
  }),
  'yaml/template': entry<{ text: string }>({
    severity: 'error',
    message: ({ text }) => `\`${text}\` belongs to a template; this is not a manifest yet`,
    hint: () => 'render the chart first: `helm template CHART | policyc compile -`',
    explanation: 'A Helm or Go template becomes YAML only when it is rendered.',
  }),
  'yaml/too-deep': entry<{ limit: number }>({
    severity: 'error',
    message: ({ limit }) => `values are nested more than ${limit} deep`,
    explanation: 'No Kubernetes object nests that deep; such texts are made to exhaust a stack.',
  }),
  'yaml/alias-cycle': entry<object>({
    severity: 'error',
    message: () => 'an alias refers to a value that contains it',
    explanation: 'A value that contains itself has no JSON form, so no Kubernetes object has one.',
  }),
  'yaml/alias-bomb': entry<{ limit: number }>({
    severity: 'error',
    message: ({ limit }) => `the aliases of this document expand to more than ${limit} values`,
    explanation: 'A few lines of nested aliases can stand for more values than memory holds.',
  }),
  'yaml/scalar-too-long': entry<{ length: number; limit: number }>({
    severity: 'error',
    message: ({ length, limit }) => `a scalar has ${length} characters; ${limit} are allowed`,
    explanation: 'An API server stores no object that large.',
  }),
};
