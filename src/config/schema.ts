/**
 * The JSON schema of policyc.yaml, for editors and for policyc itself: docs/policyc.schema.json is made
 * from it. Every key says in one sentence what it does; editors show that.
 */
import { GATES } from '../analysis/diff/clusters.js';
import { TARGETS } from '../target.js';

type Schema = Readonly<Record<string, unknown>>;

const paths = (description: string): Schema => ({
  description,
  type: ['string', 'array'],
  minLength: 1,
  minItems: 1,
  items: { type: 'string', minLength: 1 },
});

const count = (description: string): Schema => ({
  description,
  type: 'integer',
  minimum: 0,
});

const size = (description: string): Schema => ({
  description,
  type: 'string',
  pattern: '^[0-9]{1,12} ?(B|KiB|MiB|GiB)$',
});

const object = (description: string, properties: Readonly<Record<string, Schema>>): Schema => ({
  description,
  type: 'object',
  additionalProperties: false,
  properties,
});

const record = (description: string, values: Schema): Schema => ({
  description,
  type: 'object',
  additionalProperties: values,
});

const codes = (description: string): Schema => ({
  description,
  type: 'array',
  items: { type: 'string', minLength: 1 },
});

/** What one policy, or all of a namespace, may add to a bundle. */
const share = object('What it may add to the bundle by itself, as `policyc report` counts it.', {
  instructions: count('Instructions that its rules alone caused.'),
  entries: count('Entries of tables and maps that it alone caused.'),
  bytes: size('Bytes of tables and maps that it alone caused, such as 64KiB.'),
});

const budgets = object(
  'What policies may cost; `policyc report` exits with 1, and says by how much, where they cost more.',
  {
    bundle: object('All policies together.', {
      instructions: count('Instructions of all programs.'),
      entries: count('Entries of all tables and maps on the fullest node.'),
      bytes: size('Bytes of all tables and maps on the fullest node, such as 64MiB.'),
      path: count('Instructions that the worst packet runs.'),
      lookups: count('Lookups in tables and maps that a packet makes at most.'),
    }),
    policies: record(
      'By policy, as `namespace/name`, or `name` where it has no namespace; `*` stands for any part of a name. The first that matches counts.',
      share,
    ),
    namespaces: record(
      'By namespace, for all of its policies together; `*` stands for any part of a name. The first that matches counts.',
      share,
    ),
  },
);

export const CONFIG_SCHEMA: Schema = {
  title: 'policyc.yaml',
  description: 'Defaults and budgets of policyc for the policies of a repository.',
  type: 'object',
  additionalProperties: false,
  properties: {
    policies: paths(
      'The policies: files, folders or globs, counted from the folder of this file. Commands take them where they are given no paths.',
    ),
    guardrails: paths(
      'Assertions and tests that the policies must keep, owned by others than their authors: files, folders or globs, counted from the folder of this file.',
    ),
    clusters: record(
      'The clusters by name: manifests or snapshots of each. `--cluster NAME` takes one by its name.',
      paths('Files, folders or globs, counted from the folder of this file.'),
    ),
    cluster: {
      description:
        'The name of the cluster that commands take which need one and are given none; not needed where there is one cluster alone.',
      type: 'string',
      minLength: 1,
    },
    target: {
      description: 'The oldest kernel that must take the programs.',
      enum: TARGETS.map(({ name }) => name),
    },
    'table-budget': size(
      "What the policies' tables may take on a node: `--budget` of `policyc compile`. Tables that would take more are laid out smaller, and slower, or refused.",
    ),
    diff: object('Defaults of `policyc diff`.', {
      base: {
        description:
          'The revision that the policies are compared with where `policyc diff` is given no OLD, such as origin/main.',
        type: 'string',
        minLength: 1,
      },
      'fail-on': {
        description: 'On which changes it exits with 1.',
        type: 'array',
        items: { enum: GATES },
      },
      accept: {
        description: 'The file of accepted changes, counted from the folder of this file.',
        type: 'string',
        minLength: 1,
      },
    }),
    lint: object('What `policyc lint` says, and on what it exits with 1.', {
      'fail-on': {
        description: 'On which findings it exits with 1: on every warning, or on errors alone.',
        enum: ['warn', 'error'],
      },
      allow: codes('Lints that are switched off: codes, `lint/*`, or `all`.'),
      warn: codes('Lints that are warnings, those among them that are off unless asked for.'),
      deny: codes('Lints that are errors.'),
    }),
    budgets,
  },
};

/** The schema as a file for editors. */
export function schemaText(): string {
  const whole = { $schema: 'http://json-schema.org/draft-07/schema#', ...CONFIG_SCHEMA };
  return `${JSON.stringify(whole, undefined, 2)}\n`;
}
