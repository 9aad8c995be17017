/** Diagnostics of judging as an implementation of the policy API. */
import { entry } from './entry.js';

export const portabilityCatalog = {
  'as/unknown': entry<{
    kind: 'name' | 'version' | 'setting';
    text: string;
    given: string;
    choices: readonly string[];
    near: string | undefined;
  }>({
    severity: 'error',
    message: ({ kind, text, given }) => {
      if (kind === 'name') return `there is no implementation \`${given}\` to judge as`;
      if (kind === 'setting') return `\`${text}\` names no setting that is known: \`${given}\``;
      return `\`${given}\` is no version in \`${text}\``;
    },
    hint: ({ kind, choices, near }) => {
      if (near !== undefined) return `did you mean \`${near}\`?`;
      if (choices.length === 0) return kind === 'version' ? 'leave it out' : 'it has none';
      if (kind === 'version') return `write it as \`${choices[0] ?? ''}\``;
      return `there are ${choices.map((one) => `\`${one}\``).join(', ')}`;
    },
    explanation:
      '`--as` takes the name of an implementation, with a version after `@` and settings after `+`: `cilium`, `cilium@1.15`, `cilium@1.15+cidr-match-nodes`. docs/portability.md lists them.',
  }),
  'as/own-language': entry<{ text: string; count: number }>({
    severity: 'error',
    message: ({ text }) => `\`${text}\` does not read the policy language`,
    hint: ({ count }) =>
      count === 1
        ? 'give Kubernetes manifests alone'
        : `give Kubernetes manifests alone; ${count} policies are not`,
    explanation:
      'Other implementations read Kubernetes objects. Leaving policies of the language out in silence would judge something else than what is there.',
  }),
  'as/misfit': entry<{ reason: string; hint: string }>({
    severity: 'error',
    message: ({ reason }) => reason,
    hint: ({ hint }) => hint,
    explanation:
      '`--as` judges Kubernetes manifests in a cluster by the model. Bytecode is compiled for policyc’s own semantics alone.',
  }),
};
