/** Diagnostics about binding a bundle to a cluster: what does not fit, with the exact numbers. */
import { entry } from './entry.js';

export const bindCatalog = {
  'bind/too-many-classes': entry<{ count: number; limit: number }>({
    severity: 'error',
    message: ({ count, limit }) =>
      `the cluster has ${count} address classes; an address entry can name ${limit}`,
    hint: () => 'use fewer different selectors and CIDR blocks',
    explanation:
      'Addresses that all policies treat alike share a class. The number of the class is a field of ' +
      'fixed width in the address tables; nothing is bound rather than that two classes are mixed up.',
  }),
  'bind/over-budget': entry<{
    budget: number;
    needed: number;
    tables: readonly { readonly table: string; readonly bytes: number }[];
  }>({
    severity: 'error',
    message: ({ budget, needed, tables }) =>
      `the tables need ${needed} bytes at least, and the budget is ${budget}: ` +
      tables.map(({ table, bytes }) => `${table} ${bytes}`).join(', '),
    hint: ({ needed }) =>
      `give a budget of ${Math.ceil(needed / 2 ** 10)}KiB or more with \`--budget\``,
    explanation:
      'Each table has several layouts, of which the smallest ones together do not fit into the memory ' +
      'budget. Nothing is bound rather than that a rule is left out.',
  }),
  'bind/ambiguous-node-address': entry<{ node: string; other: string }>({
    severity: 'error',
    message: ({ node, other }) =>
      `nodes \`${node}\` and \`${other}\` claim the same address, so neither is the own node of its pods`,
    hint: () => 'take the snapshot again; give each node addresses of its own',
    explanation:
      'Traffic that a node makes itself is never denied to its own pods, so it must be plain which ' +
      'node holds an address.',
  }),
};
