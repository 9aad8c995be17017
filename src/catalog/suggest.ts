/** Diagnostics beside policies that are drafted from flow logs. */
import { entry } from './entry.js';

export const suggestCatalog = {
  'suggest/bad-count': entry<{ value: string }>({
    severity: 'error',
    message: ({ value }) => `\`--min-count\` is no number from 1: \`${value}\``,
    explanation: 'Flows that were seen fewer times than this are left out of the draft.',
  }),
  'suggest/bad-widening': entry<{ value: string }>({
    severity: 'error',
    message: ({ value }) => `\`--widen\` is no prefix length: \`${value}\``,
    hint: () => 'write `24`, `24,64` for IPv4 and IPv6, or `any` for every address outside',
    explanation:
      'Addresses outside are drafted as they were seen. With a length they become the blocks of that length that hold them; with `any` every address outside of the cluster.',
  }),
  'suggest/nothing': entry<object>({
    severity: 'warning',
    message: () => 'no policy is drafted: no flow of the log needs one',
    hint: () => 'what is left out is told below; existing policies may allow the rest already',
    explanation:
      'Each flow of the log is allowed by the policies that are there, or was left out for a reason.',
  }),
  'suggest/left-out': entry<{ flow: string; why: string; count: number; at: string }>({
    severity: 'warning',
    message: ({ flow, why, count, at }) =>
      `left out: ${flow}: ${why} (${count}×, first at \`${at}\`)`,
    explanation:
      'The draft does not allow this flow. Denied flows are never drafted: what policies have stopped may have been stopped for a reason. ICMP is left out since a NetworkPolicy can only allow it together with every port.',
  }),
  'suggest/more-left-out': entry<{ count: number; flows: number }>({
    severity: 'warning',
    message: ({ count, flows }) => `left out: ${count} more of the kind, with ${flows} flows`,
    hint: () => '`--format json` lists all',
    explanation: 'What is left out with the most flows is told; the rest is counted.',
  }),
  'suggest/inexact-selector': entry<{ unit: string; others: string }>({
    severity: 'warning',
    message: ({ unit, others }) => `no labels tell the pods of \`${unit}\` from those of ${others}`,
    hint: () => 'give its pods a label of their own, and draft again',
    explanation:
      'A policy selects pods by labels. Where two workloads have the same labels, what is drafted for one holds for both: more is allowed than was seen.',
  }),
  'suggest/isolates': entry<{ unit: string; direction: string }>({
    severity: 'warning',
    message: ({ unit, direction }) =>
      `the draft isolates pods of \`${unit}\` that no policy isolated for ${direction} before`,
    hint: () => 'what was seen of them is allowed by the draft; what was not seen is denied',
    explanation:
      'A NetworkPolicy isolates every pod that it selects. Some pods of the workload were isolated, and some were open.',
  }),
  'suggest/dns-tcp': entry<{ unit: string }>({
    severity: 'warning',
    message: ({ unit }) =>
      `\`${unit}\` gets port 53 of TCP beside the port 53 of UDP that was seen`,
    explanation: 'Answers of a name service that are too long for a datagram come over TCP.',
  }),
  'suggest/node-addresses': entry<{ unit: string; count: number }>({
    severity: 'warning',
    message: ({ unit, count }) =>
      `rules of \`${unit}\` name ${count} ${count === 1 ? 'address of a node' : 'addresses of nodes'}`,
    hint: () =>
      'nodes come and go: `nodes` of the policy language, or the range of all nodes, lasts longer',
    explanation:
      'Nodes, pods on the host network, and clients behind NodePorts have addresses of nodes. A NetworkPolicy cannot select nodes by labels.',
  }),
  'suggest/many-addresses': entry<{ unit: string; direction: string; count: number }>({
    severity: 'warning',
    message: ({ unit, direction, count }) =>
      `${count} addresses outside stand in one ${direction} rule of \`${unit}\`, each by itself`,
    hint: () => '`--widen 24` drafts blocks of 256 addresses, `--widen any` every address outside',
    explanation:
      'Nothing is allowed that was not seen. Clients from the internet, or services with changing addresses, need more than that.',
  }),
  'suggest/silent': entry<{ units: string }>({
    severity: 'warning',
    message: ({ units }) => `no flow of the log is of ${units}: nothing is drafted for them`,
    explanation:
      'Workloads that the log does not show stay as they are: open, unless a policy isolates them.',
  }),
  'suggest/gone': entry<{ units: string }>({
    severity: 'warning',
    message: ({ units }) =>
      `${units} are not in the snapshot, and drafted by the labels in the log`,
    hint: () =>
      'Hubble leaves out labels that Cilium does not use for identities; check the selectors',
    explanation: 'The log has flows of pods that are gone, such as those of jobs.',
  }),
};
