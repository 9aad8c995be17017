/** Diagnostics about the command line itself. */
import { entry } from './entry.js';

const ARGUMENTS_EXPLANATION =
  'The arguments do not fit the command. `policyc COMMAND --help` shows its usage, options and examples.';

export const cliCatalog = {
  'cli/unknown-command': entry<{ name: string; near: string | undefined }>({
    severity: 'error',
    message: ({ name }) => `there is no command \`${name}\``,
    hint: ({ near }) =>
      near === undefined ? 'run `policyc --help` for the list' : `did you mean \`${near}\`?`,
    explanation: 'The first argument names the command; options go after it.',
  }),
  'cli/unknown-option': entry<{ option: string; command: string; near: string | undefined }>({
    severity: 'error',
    message: ({ option, command }) => `\`${command}\` has no option \`${option}\``,
    hint: ({ near, command }) =>
      near === undefined
        ? `run \`${command} --help\` for its options; a path that starts with a dash goes after \`--\``
        : `did you mean \`${near}\`?`,
    explanation: ARGUMENTS_EXPLANATION,
  }),
  'cli/missing-argument': entry<{
    argument: string;
    command: string;
    usage: string;
    /** An option that has taken several paths, among them perhaps the one that is missed. */
    greedy: string | undefined;
  }>({
    severity: 'error',
    message: ({ argument, command }) => `\`${command}\` needs ${argument}`,
    hint: ({ usage, greedy }) =>
      greedy === undefined
        ? `usage: ${usage}`
        : `\`${greedy}\` takes all paths that follow it, so put others before it: ${usage}`,
    explanation: `${ARGUMENTS_EXPLANATION} An option such as \`--cluster\` takes all paths up to the next option, so operands go before it.`,
  }),
  'cli/missing-value': entry<{ option: string; command: string }>({
    severity: 'error',
    message: ({ option }) => `\`${option}\` needs a value`,
    hint: ({ command }) => `run \`${command} --help\` for its options`,
    explanation: ARGUMENTS_EXPLANATION,
  }),
  'cli/extra-argument': entry<{ argument: string; command: string; usage: string }>({
    severity: 'error',
    message: ({ argument, command }) => `\`${command}\` takes no further argument \`${argument}\``,
    hint: ({ usage }) => `usage: ${usage}`,
    explanation: ARGUMENTS_EXPLANATION,
  }),
  'cli/bad-choice': entry<{
    option: string;
    value: string;
    choices: readonly string[];
    near: string | undefined;
  }>({
    severity: 'error',
    message: ({ option, value }) => `\`${value}\` is no value of \`${option}\``,
    hint: ({ choices, near }) =>
      near === undefined ? `one of ${choices.join(', ')}` : `did you mean \`${near}\`?`,
    explanation: ARGUMENTS_EXPLANATION,
  }),
  'cli/bad-time': entry<{ option: string; value: string }>({
    severity: 'error',
    message: ({ option, value }) => `\`${value}\` is no instant that \`${option}\` can read`,
    hint: () => 'write it with its zone, such as `2026-12-31T18:00:00Z`',
    explanation:
      'Rules with `until` end at an instant. To judge them at another time than now, give an RFC 3339 date and time with a zone.',
  }),
  'cli/binary-to-terminal': entry<object>({
    severity: 'error',
    message: () => 'the output is binary, and standard output is a terminal',
    hint: () => 'redirect it into a file or a pipe',
    explanation: 'Bytes of an object or a bundle would garble the terminal.',
  }),
  'cli/no-policies': entry<{ paths: readonly string[] }>({
    severity: 'warning',
    message: ({ paths }) => `no policy is in ${paths.map((path) => `\`${path}\``).join(', ')}`,
    hint: () => 'without policies every connection is allowed; check the paths',
    explanation:
      'The files were read and hold no policy of any kind that policyc knows. What they say is then that everything is allowed, which is seldom meant.',
  }),
  'cli/no-tests': entry<{ paths: readonly string[] }>({
    severity: 'warning',
    message: ({ paths }) =>
      `no \`test\` or \`assert\` is in ${paths.map((path) => `\`${path}\``).join(', ')}`,
    hint: () => 'write them in a .pol file; manifests of Kubernetes have none',
    explanation: 'Nothing was tried, so that nothing is proved. The exit code is 0 all the same.',
  }),
  'cli/not-formattable': entry<{ path: string }>({
    severity: 'error',
    message: ({ path }) => `\`${path}\` is no file of the policy language`,
    hint: () => 'only files that end in .pol are formatted',
    explanation:
      'Manifests belong to other tools and stay as they are. In folders they are passed over.',
  }),
  'cli/not-one-file': entry<{ option: string; path: string; count: number }>({
    severity: 'error',
    message: ({ option, path, count }) =>
      `\`${option}\` names one file, but \`${path}\` holds ${count}`,
    hint: () => 'give the path of one file',
    explanation: 'The option wants one file, and was given a folder or a glob.',
  }),
  'cli/flows-in-documents': entry<object>({
    severity: 'error',
    message: () => 'the flows are one list, but here a second YAML document begins',
    hint: () => 'put all flows into one list, without `---` between them',
    explanation:
      'Answers are given by position in the list of flows, so that there is one list in one document.',
  }),
  'cli/unknown-topic': entry<{ topic: string; near: string | undefined }>({
    severity: 'error',
    message: ({ topic }) => `there is no help on \`${topic}\``,
    hint: ({ near }) =>
      near === undefined
        ? 'give a command or the code of a diagnostic; `policyc help codes` lists them'
        : `did you mean \`${near}\`?`,
    explanation: '`policyc help` explains commands and the codes of diagnostics.',
  }),
  'cli/output-is-input': entry<{ path: string }>({
    severity: 'error',
    message: ({ path }) => `the output \`${path}\` is a file that was read`,
    hint: () => 'give another file with `-o`',
    explanation: 'Writing the bundle there would destroy policies or the cluster.',
  }),
  'cli/bad-size': entry<{ option: string; value: string }>({
    severity: 'error',
    message: ({ option, value }) => `\`${option}\` is no size: \`${value}\``,
    hint: () => 'write a whole number and a unit: `B`, `KiB`, `MiB` or `GiB`, such as `64MiB`',
    explanation: 'Sizes are written with their unit, so that a number alone is never misread.',
  }),
  'cli/needs-option': entry<{ option: string; needed: string }>({
    severity: 'error',
    message: ({ option, needed }) => `\`${option}\` says nothing without \`${needed}\``,
    hint: ({ needed }) => `give \`${needed}\` as well`,
    explanation: 'The option narrows down what another one gives.',
  }),
  'cli/two-outputs': entry<{ stage: string }>({
    severity: 'error',
    message: ({ stage }) => `\`--emit ${stage}\` and \`-o -\` both want standard output`,
    hint: () => 'leave out one of them, or give `-o` a file',
    explanation: 'The stage that `--emit` prints and the bundle would run into each other.',
  }),
  'cli/cannot-write': entry<{ path: string; reason: string }>({
    severity: 'error',
    message: ({ path, reason }) => `cannot write \`${path}\`: ${reason}`,
    explanation:
      'The operating system refused to write the file; what was there before is as it was.',
  }),
  'cli/internal-error': entry<{ reason: string }>({
    severity: 'error',
    message: ({ reason }) => `this is a bug in policyc, please report it: ${reason}`,
    hint: () => 'set POLICYC_DEBUG=1 to see where it happened, and add that to the report',
    explanation:
      'policyc came into a state that its own code should have made impossible. Nothing is wrong with the input.',
  }),
};
