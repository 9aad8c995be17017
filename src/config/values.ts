/** What policyc.yaml holds, once it is read; the schema beside it says what each key means. */
import type { Gate } from '../analysis/diff/clusters.js';

export type Paths = string | readonly string[];

/** What one policy, or all of a namespace, may add to a bundle. Sizes are texts such as `64KiB`. */
export interface ShareBudget {
  readonly instructions?: number;
  readonly entries?: number;
  readonly bytes?: string;
}

export interface BundleBudget extends ShareBudget {
  /** Instructions and lookups of the worst packet. */
  readonly path?: number;
  readonly lookups?: number;
}

export interface Budgets {
  readonly bundle?: BundleBudget;
  /** By patterns of names. */
  readonly policies?: Readonly<Record<string, ShareBudget>>;
  readonly namespaces?: Readonly<Record<string, ShareBudget>>;
}

/** Codes by level, as `--allow`, `--warn` and `--deny` take them. */
export interface LintValues {
  readonly 'fail-on'?: 'warn' | 'error';
  readonly allow?: readonly string[];
  readonly warn?: readonly string[];
  readonly deny?: readonly string[];
}

export interface ConfigValues {
  readonly policies?: Paths;
  readonly guardrails?: Paths;
  readonly clusters?: Readonly<Record<string, Paths>>;
  readonly cluster?: string;
  readonly target?: string;
  readonly 'table-budget'?: string;
  readonly diff?: {
    readonly base?: string;
    readonly 'fail-on'?: readonly Gate[];
    readonly accept?: string;
  };
  readonly lint?: LintValues;
  readonly budgets?: Budgets;
}
