/** Budgets of policyc.yaml against what policies cost: what is kept, what is not, and who has most of it. */
import { parseBytes } from './byte-sizes.js';
import type { Config } from './config.js';
import type { BundleBudget, ShareBudget } from './config/values.js';
import type { CostReport } from './cost-report.js';
import { groupByNamespace, type Amount, type PolicyCost } from './analysis/costs.js';
import { bug, diagnostic, type Diagnostic } from './diagnostics.js';
import { formatPlace } from './source.js';

export type BudgetKey = keyof BundleBudget;

export interface Contributor {
  readonly name: string;
  readonly amount: number;
}

export interface BudgetResult {
  /** `all policies`, `policy shop/db` or `namespace shop`. */
  readonly of: string;
  readonly what: BudgetKey;
  readonly actual: number;
  readonly budget: number;
  /** By how much it is over; 0 where it is kept. */
  readonly over: number;
  /** Those that have most of it; empty where it is kept, and of what a packet takes. */
  readonly contributors: readonly Contributor[];
  /** `path:line:column` of the budget. */
  readonly at: string;
}

export interface BudgetOutcome {
  readonly results: readonly BudgetResult[];
  /** Of budgets that hold for nothing. */
  readonly diagnostics: readonly Diagnostic[];
}

const MOST_CONTRIBUTORS = 3;

/** The largest excess of each kind stands where its budget stands. */
export function judgeBudgets(report: CostReport, config: Config): BudgetOutcome {
  const { bundle, policies, namespaces } = config.values.budgets ?? {};
  const { costs, worst, mostLookups } = report;
  const [packet] = worst;
  const whole = {
    ...costs.total,
    path: packet?.instructions ?? 0,
    lookups: mostLookups?.lookups ?? 0,
  };
  const rest = [
    { name: 'several policies together', ...costs.shared },
    { name: 'what any policies need', ...costs.fixed },
  ];
  const results = [
    ...judge(config, ['budgets', 'bundle'], 'all policies', bundle, whole, [
      ...costs.policies.map((one) => ({ name: one.policy, ...one })),
      ...rest,
    ]),
  ];
  const diagnostics: Diagnostic[] = [];
  const byNamespace = groupByNamespace(costs.policies);
  for (const [key, patterns] of Object.entries({ policies, namespaces })) {
    const things =
      key === 'policies'
        ? costs.policies.map((one) => ({ name: one.policy, amount: one, parts: rulesOf(one) }))
        : costs.namespaces.flatMap((one) => {
            if (one.namespace === null) return [];
            const own = byNamespace.get(one.namespace) ?? [];
            const parts = own.map((policy) => ({ name: policy.policy, ...policy }));
            return [{ name: one.namespace, amount: one, parts }];
          });
    const kind = key === 'policies' ? 'policy' : 'namespace';
    const used = new Set<string>();
    for (const { name, amount, parts } of things) {
      const found = Object.entries(patterns ?? {}).find(([pattern]) => matches(pattern, name));
      if (found === undefined) continue;
      const [pattern, budget] = found;
      used.add(pattern);
      const path = ['budgets', key, pattern];
      for (const one of judge(config, path, `${kind} ${name}`, budget, amount, parts)) {
        results.push(one);
      }
    }
    for (const pattern of Object.keys(patterns ?? {})) {
      if (used.has(pattern)) continue;
      const at = config.places.keySpanOf(['budgets', key, pattern]);
      diagnostics.push(diagnostic('config/idle-budget', { pattern, kind }, at));
    }
  }
  return { results, diagnostics };
}

type Part = Amount & { readonly name: string };

function rulesOf({ rules, shared }: PolicyCost): readonly Part[] {
  return [
    ...rules.map((one) => ({ name: one.rule, ...one })),
    { name: 'several of its rules together', ...shared },
  ];
}

function judge(
  config: Config,
  path: readonly string[],
  of: string,
  budget: BundleBudget | ShareBudget | undefined,
  actual: Readonly<Partial<Record<BudgetKey, number>>>,
  parts: readonly Part[],
): readonly BudgetResult[] {
  return Object.entries(budget ?? {}).map(([key, limit]): BudgetResult => {
    const what = key as BudgetKey;
    const most =
      typeof limit === 'string' ? (parseBytes(limit) ?? bug(`no size: ${limit}`)) : Number(limit);
    const found = actual[what] ?? bug(`no ${what} of ${of}`);
    const over = Math.max(0, found - most);
    return {
      of,
      what,
      actual: found,
      budget: most,
      over,
      contributors: over === 0 ? [] : largest(parts, what),
      at: formatPlace(config.places.spanOf([...path, key])),
    };
  });
}

function largest(parts: readonly Part[], what: BudgetKey): readonly Contributor[] {
  if (what === 'path' || what === 'lookups') return [];
  return parts
    .map((one) => ({ name: one.name, amount: one[what] }))
    .filter(({ amount }) => amount > 0)
    .sort((a, b) => b.amount - a.amount)
    .slice(0, MOST_CONTRIBUTORS);
}

/** `*` stands for any part of a name, all else for itself. */
function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(name);
}
