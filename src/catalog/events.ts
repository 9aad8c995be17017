/** Diagnostics about reading the events of packets that were logged. */
import { entry } from './entry.js';

export const eventsCatalog = {
  'events/nothing-applied': entry<{ root: string }>({
    severity: 'error',
    message: ({ root }) => `nothing is in force under \`${root}\`, so that there are no events`,
    hint: () => 'apply a bundle first, or name its root with `--root`',
    explanation: 'Events are read from the ring buffer that `policyc apply` pins under its root.',
  }),
  'events/nothing-logs': entry<{ root: string }>({
    severity: 'error',
    message: ({ root }) => `no rule of the policy in force under \`${root}\` logs`,
    hint: () => 'write `log` behind a rule or an `isolate`, compile and apply',
    explanation:
      'A policy that never logs has no ring buffer: its programs do nothing for events. With ' +
      '`--follow`, events are waited for until a policy that logs is applied.',
  }),
  'events/busy': entry<{ root: string }>({
    severity: 'error',
    message: ({ root }) => `another process is reading the events under \`${root}\``,
    hint: () => 'end it first',
    explanation: 'A ring buffer has one reader: two would take events from each other.',
  }),
  'events/lost': entry<{ count: number }>({
    severity: 'warning',
    message: ({ count }) =>
      `${count} ${count === 1 ? 'event was' : 'events were'} lost: the buffer was full`,
    hint: () => 'read with `--follow`, or log fewer packets',
    explanation:
      'Where the ring buffer is full, a packet gets its verdict as always and its event is counted ' +
      'as lost. The count is of all since the policies of this root were first applied.',
  }),
  'events/unreadable': entry<{ count: number }>({
    severity: 'warning',
    message: ({ count }) =>
      `${count} ${count === 1 ? 'record is' : 'records are'} of another version and left out`,
    hint: () => 'read with the version of policyc that applied the bundle',
    explanation: 'Records carry a version; one that this policyc does not know cannot be shown.',
  }),
};
