/** The places where statements stand: their words, and advice for those that belong elsewhere. */

export interface Place {
  /** Completes "begins no statement …". */
  readonly words: string;
  readonly statements: readonly string[];
  /** By the first word of a statement that belongs elsewhere. */
  readonly advice: Readonly<Record<string, string>>;
}

const OUTSIDE_OF_BLOCKS = 'write it outside of all blocks';
const IN_NAMESPACE = 'it belongs into a `namespace NAME { … }` block';
const IN_POLICY = 'it belongs into a `policy NAME { … }` block';
const RULES_ARE_LISTED = 'rules stand in `ingress { … }` or `egress { … }`';
const NO_DENY =
  'a namespace block only adds: `isolate` denies what no rule allows; `deny` and `pass` stand in `policy` blocks';

const outermost: Readonly<Record<string, string>> = {
  use: OUTSIDE_OF_BLOCKS,
  namespace: OUTSIDE_OF_BLOCKS,
  tier: OUTSIDE_OF_BLOCKS,
  policy: OUTSIDE_OF_BLOCKS,
  exception: OUTSIDE_OF_BLOCKS,
  test: OUTSIDE_OF_BLOCKS,
};

/** By the name of the grammar's rule. */
export const PLACES: Readonly<Record<string, Place | undefined>> = {
  topItem: {
    words: 'of a policy file',
    statements: [
      ...['use', 'set', 'ports', 'group', 'namespace', 'tier', 'policy', 'exception', 'assert'],
      ...['test', 'limit', 'route', 'observe', 'rule', 'trace'],
    ],
    advice: {
      allow: IN_NAMESPACE,
      isolate: IN_NAMESPACE,
      flow: IN_NAMESPACE,
      owner: IN_NAMESPACE,
      contact: IN_NAMESPACE,
      deny: IN_POLICY,
      pass: IN_POLICY,
      subject: IN_POLICY,
      ingress: IN_POLICY,
      egress: IN_POLICY,
    },
  },
  namespaceItem: {
    words: 'of a `namespace` block',
    statements: [
      ...['owner', 'contact', 'set', 'ports', 'group', 'isolate', 'allow', 'flow', 'assert'],
    ],
    advice: { deny: NO_DENY, pass: NO_DENY, ...outermost },
  },
  policyItem: {
    words: 'of a `policy` block',
    statements: ['owner', 'contact', 'subject', 'ingress', 'egress'],
    advice: {
      allow: RULES_ARE_LISTED,
      deny: RULES_ARE_LISTED,
      pass: RULES_ARE_LISTED,
      ...outermost,
      tier: 'write it in front of the `{`',
      priority: 'write it in front of the `{`',
    },
  },
  ruleItem: {
    words: 'of a list of rules',
    statements: ['allow', 'deny', 'pass'],
    advice: outermost,
  },
  exceptionItem: {
    words: 'of an `exception` block',
    statements: ['ticket', 'reason', 'approved', 'until', 'allow', 'deny', 'pass'],
    advice: outermost,
  },
  testItem: {
    words: 'of a `test` block',
    statements: ['given', 'when', 'expect'],
    advice: outermost,
  },
  testFlowItem: {
    words: 'of a table of flows',
    statements: ['FROM -> TO'],
    advice: outermost,
  },
};
