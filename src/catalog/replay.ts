/** Diagnostics of reading flow logs, and of drafting policies from them. */
import { entry } from './entry.js';

const FORMATS =
  'Read are Hubble (`hubble observe -o json`, exported files), Calico flow logs in JSON, the log of the AWS network policy agent, and our own JSON (`policyc events --format json`, flows as `eval` takes them).';

export const replayCatalog = {
  'replay/two-inputs': entry<object>({
    severity: 'error',
    message: () => 'standard input is given for more than one thing',
    hint: () => 'give all but one of them as paths',
    explanation: 'Standard input can be read once.',
  }),
  'replay/empty-logs': entry<{ paths: readonly string[] }>({
    severity: 'error',
    message: ({ paths }) =>
      `no line of a log is in ${paths.map((path) => `\`${path}\``).join(', ')}`,
    hint: () => 'check the paths; an empty log says nothing about policies',
    explanation:
      'From an empty log every rule would look unused, and no change would cut anything.',
  }),
  'replay/unknown-format': entry<{
    path: string;
    format: string | undefined;
    problem: string | undefined;
  }>({
    severity: 'error',
    message: ({ path, format, problem }) =>
      format === undefined
        ? `\`${path}\` is no flow log that policyc knows`
        : `no line of \`${path}\` can be read as ${format}${problem === undefined ? '' : `: ${problem}`}`,
    hint: ({ format }) =>
      format === undefined
        ? '`--format-in` says which format it is: hubble, calico, aws or policyc'
        : 'check the file, and `--format-in`',
    explanation: FORMATS,
  }),
  'replay/list-too-large': entry<{ path: string; bytes: number; limit: number }>({
    severity: 'error',
    message: ({ path, bytes, limit }) =>
      `\`${path}\` is one list of more than ${bytes} bytes; a list may have ${limit} at most`,
    hint: () => 'write one record a line, such as with `jq -c .[]`; then any size can be read',
    explanation:
      'Logs are read line by line. A list, or records over several lines, is held as a whole.',
  }),
  'replay/bad-line': entry<{ at: string; problem: string; more: number }>({
    severity: 'warning',
    message: ({ at, problem, more }) =>
      `\`${at}\` cannot be read: ${problem}${more > 0 ? ` (and ${more} more lines of that file)` : ''}`,
    hint: () => 'such lines are left out of every number',
    explanation: `The line is no record of the format that the file has. ${FORMATS}`,
  }),
  'replay/no-flows': entry<{ paths: readonly string[] }>({
    severity: 'warning',
    message: ({ paths }) =>
      `no record of ${paths.map((path) => `\`${path}\``).join(', ')} is about a flow that policies decide`,
    explanation:
      'The logs were read, but hold no connection that was allowed or denied by policies.',
  }),
  'replay/guessed-direction': entry<{ path: string; count: number }>({
    severity: 'warning',
    message: ({ path, count }) =>
      `\`${path}\` does not say who opened ${count} of its connections: the end with the higher port was taken for the client`,
    hint: () => 'let Hubble export `is_reply`; the AWS agent does not say it',
    explanation:
      'Policies judge the first packet of a connection. A log that has packets of both directions, without saying which is which, leaves only the ports to tell: 32768 and above are clients (net.ipv4.ip_local_port_range), below are services.',
  }),
};
