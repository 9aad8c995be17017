/** Diagnostics of policyc.yaml, and of budgets that policies do not keep. */
import { nearestName } from '../did-you-mean.js';
import { entry } from './entry.js';

const EXPLANATION =
  'policyc.yaml holds defaults and budgets for the policies of a repository: it is looked for in the working directory and the folders above it, up to the top of the repository. docs/config.md has every key, and editors check it by its schema: `# yaml-language-server: $schema=policyc.schema.json`.';

export const configCatalog = {
  'config/not-found': entry<{ path: string }>({
    severity: 'error',
    message: ({ path }) => `there is no file \`${path}\``,
    hint: () => 'leave `--config` out to search the folders above, or write `--no-config`',
    explanation: EXPLANATION,
  }),
  'config/not-a-mapping': entry<{ found: string }>({
    severity: 'error',
    message: ({ found }) => `the file has to hold one mapping, and holds ${found}`,
    hint: () => 'write keys such as `policies: policies/`',
    explanation: EXPLANATION,
  }),
  'config/unknown-key': entry<{ key: string; where: string; known: readonly string[] }>({
    severity: 'error',
    message: ({ key, where }) => `unknown key \`${key}\` in ${where}`,
    hint: ({ key, known }) => {
      const near = nearestName(key, known);
      return near === undefined
        ? `known here: ${known.map((one) => `\`${one}\``).join(', ')}`
        : `did you mean \`${near}\`?`;
    },
    explanation: EXPLANATION,
  }),
  'config/wrong-type': entry<{ key: string; expected: string; found: string }>({
    severity: 'error',
    message: ({ key, expected, found }) => `\`${key}\` has to be ${expected}, and is ${found}`,
    explanation: EXPLANATION,
  }),
  'config/bad-value': entry<{ key: string; value: string; hint: string }>({
    severity: 'error',
    message: ({ key, value }) => `\`${value}\` is no value of \`${key}\``,
    hint: ({ hint }) => hint,
    explanation: EXPLANATION,
  }),
  'config/unknown-cluster': entry<{ name: string; known: readonly string[] }>({
    severity: 'error',
    message: ({ name }) => `\`clusters\` has no \`${name}\``,
    hint: ({ name, known }) => {
      const near = nearestName(name, known);
      if (near !== undefined) return `did you mean \`${near}\`?`;
      return known.length === 0 ? 'add it under `clusters`' : `one of ${known.join(', ')}`;
    },
    explanation: EXPLANATION,
  }),
  'config/which-cluster': entry<{ command: string; known: readonly string[] }>({
    severity: 'error',
    message: ({ command, known }) =>
      `\`${command}\` takes one cluster, and policyc.yaml names ${known.length}`,
    hint: ({ known }) =>
      `choose one with ${known.map((name) => `\`--cluster ${name}\``).join(' or ')}, or set \`cluster\` in policyc.yaml`,
    explanation: `${EXPLANATION} Commands that compare take all clusters; others take the one that \`cluster\` names.`,
  }),
  'config/no-such-path': entry<{ key: string; path: string }>({
    severity: 'error',
    message: ({ path }) => `\`${path}\` does not exist`,
    hint: ({ key }) => `paths of \`${key}\` count from the folder of policyc.yaml`,
    explanation: EXPLANATION,
  }),
  'config/idle-budget': entry<{ pattern: string; kind: string }>({
    severity: 'warning',
    message: ({ pattern, kind }) => `no ${kind} has the budget of \`${pattern}\``,
    hint: ({ kind }) =>
      kind === 'policy'
        ? 'policies are called `namespace/name`; `*` stands for any part of a name'
        : 'a budget further up may match first; `*` stands for any part of a name',
    explanation: `${EXPLANATION} A budget that nothing has limits nothing: its name may be misspelt, or another one may match first.`,
  }),
};
