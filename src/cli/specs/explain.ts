/** What `policyc explain` takes. */
import type { CommandSpec } from '../base/spec.js';
import { AT, BUG_EXIT, CLUSTER, COLOR, DONE_EXIT, INPUT_EXIT, POLICY_PATHS } from './shared.js';

export const explainCommand: CommandSpec = {
  name: 'explain',
  summary: 'explain why a connection is allowed or denied, and what would change that',
  purpose: [
    'Tells the decision as a person would: the sender’s egress and the receiver’s ingress, each tier in order, each policy that selects the pod, the rule that decided, and where none did the rules that come nearest, with the clause that failed underlined in its own line. Then what would have to change, tried out on the changed policies, and what the bytecode did: what it looked up, which instructions ran.',
    'The answer is that of the compiled programs, run in user space, and of the model; a difference would be a fault of policyc (exit 70). A bundle is explained by the programs that it holds, and by as much of the sources as it holds.',
    'Ranges and `any` are cut where the answer changes, and each part is explained once. A workload is explained by its first pod, and it is said whether the others get the same answer.',
  ],
  operands: [{ ...POLICY_PATHS, description: `${POLICY_PATHS.description}; or one bundle` }],
  options: [
    {
      flags: '--from <end>',
      description: 'who sends: a pod or a workload as namespace/name, an address, or `outside`',
      required: true,
    },
    {
      flags: '--to <end>',
      description: 'who receives: the same, or `service namespace/name`',
      required: true,
    },
    {
      flags: '--port <ports>',
      description: '5432/tcp, 8000-8100/udp, any/tcp, icmp, any; several with commas between them',
      required: true,
    },
    { ...CLUSTER, required: true },
    AT,
    { flags: '--all', description: 'every rule and every lookup, not only what matters most' },
    {
      flags: '--format <format>',
      description: 'text for people, markdown for a comment on a change, json for machines',
      choices: ['text', 'markdown', 'json'],
      default: 'text',
    },
    COLOR,
  ],
  examples: [
    {
      command:
        'policyc explain policies/ --cluster cluster.yaml --from shop/web --to shop/db --port 5432/tcp',
      does: 'one connection',
    },
    {
      command:
        "policyc explain shop.bundle --cluster cluster.yaml --from outside --to 'service shop/web' --port any",
      does: 'all ports of a Service, by the programs of a bundle',
    },
  ],
  exits: [{ ...DONE_EXIT, when: 'explained, whatever the answer' }, INPUT_EXIT, BUG_EXIT],
  load: () => import('../explain.js'),
};
