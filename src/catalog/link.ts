/** Diagnostics about linking programs, and about object files that cannot be read. */
import { entry } from './entry.js';

export const linkCatalog = {
  'link/too-many-instructions': entry<{ program: string; count: number; limit: number }>({
    severity: 'error',
    message: ({ program, count, limit }) =>
      `\`${program}\` has ${count} instructions; the kernel takes ${limit} at most`,
    hint: () => 'let the planner choose table layouts, or split the policies into smaller sets',
    explanation:
      'The kernel refuses a program of more than a million instructions (BPF_COMPLEXITY_LIMIT_INSNS). Only code layouts grow with the number of rules.',
  }),
  'object/malformed': entry<{ reason: string }>({
    severity: 'error',
    message: ({ reason }) => `this is no BPF object that policyc can read: ${reason}`,
    hint: () => 'compile the policies again; the file may be cut off or changed',
    explanation:
      'policyc reads back the ELF objects that it writes. The bytes at hand are not such an object, or they were damaged.',
  }),
  'object/bad-instruction': entry<{ offset: number; bytes: string }>({
    severity: 'error',
    message: ({ offset, bytes }) =>
      `the bytes \`${bytes}\` at offset ${offset} are no BPF instruction that policyc emits`,
    hint: () => 'compile the policies again; the file may be cut off or changed',
    explanation: 'A code section holds bytes that do not decode, or fields that must be zero.',
  }),
};
