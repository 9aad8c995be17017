/** Diagnostics about bytecode that does not do what the policies mean. */
import { entry } from './entry.js';

export const validateCatalog = {
  'validate/mismatch': entry<{
    program: string;
    pod: string;
    flow: string;
    what: string;
    model: string;
    bytecode: string;
    packet: string;
  }>({
    severity: 'error',
    message: ({ program, pod, flow, what, model, bytecode }) =>
      `the bytecode of \`${program}\` at \`${pod}\` goes against the policies on the ${what} ${flow}: ` +
      `they say ${model}, it says ${bytecode}`,
    hint: ({ packet }) =>
      `this is a fault of policyc, not of the policies: please report it, with the packet ${packet}`,
    explanation:
      'Before a bundle is written, its bytecode is run on packets at every boundary of the policies ' +
      'and compared with an interpreter of what the policies mean; `verify` does the same in a ' +
      'cluster. Bytecode that differs is never packed. The packet is in hexadecimal, from the ' +
      'Ethernet header on.',
  }),
};
