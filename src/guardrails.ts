/** Guardrails: assertions and tests that policies must keep, owned by others than the policies' authors. */
import { evaluateAssertions } from './analysis/assert.js';
import { bug, diagnostic, hasErrors, type Diagnostic, type Outcome } from './diagnostics.js';
import { loadPolicies, type SourceCache } from './front-end.js';
import type { ClusterSnapshot } from './ir/cluster.js';
import { createInterpreter, type Judge } from './ir/interpret.js';
import type { PolicyModel } from './ir/model.js';
import { normalize } from './ir/normalize.js';
import { runPolicyTests } from './ir/policy-tests.js';

export type Guardrails = Pick<PolicyModel, 'assertions' | 'tests'>;

const NO_GUARDRAILS: Guardrails = { assertions: [], tests: [] };
const NOBODY: ClusterSnapshot = { namespaces: new Map(), pods: [], nodes: [], services: [] };

/**
 * Reads them by themselves: names mean what they mean in the guardrails' own files, whatever policies
 * call so. Without paths there are none.
 */
export async function loadGuardrails(
  paths: readonly string[],
  cache: SourceCache,
): Promise<Outcome<Guardrails>> {
  if (paths.length === 0) return { value: NO_GUARDRAILS, diagnostics: [] };
  const { value, diagnostics } = await loadPolicies(paths, cache);
  const found = diagnostics.filter(({ code }) => code !== 'cli/no-policies');
  if (value === undefined || hasErrors(found)) return { diagnostics: found };
  const { policies, exceptions, assertions, tests } = value;
  for (const { name, origin } of [...policies, ...exceptions]) {
    found.push(diagnostic('assert/guardrail-policy', { name }, origin));
  }
  if (assertions.length + tests.length === 0) {
    found.push(diagnostic('assert/no-guardrails', { paths }));
  }
  return hasErrors(found)
    ? { diagnostics: found }
    : { value: { assertions, tests }, diagnostics: found };
}

/**
 * An error for each guardrail that the policies do not keep: in the cluster, or in any without one.
 *
 * @param at the instant at which rules with `until` are judged, in milliseconds since the epoch
 */
export function judgeGuardrails(
  { assertions, tests }: Guardrails,
  policies: PolicyModel,
  cluster: ClusterSnapshot | undefined,
  at: number,
  mapBytes?: () => number,
): readonly Diagnostic[] {
  if (assertions.length + tests.length === 0) return [];
  const model = normalize(policies);
  const judgeIn = (one: ClusterSnapshot): Judge => createInterpreter(model, one, at).judge;
  const proved = evaluateAssertions(assertions, {
    model,
    at,
    judgeIn,
    ...(cluster === undefined ? {} : { cluster }),
    ...(mapBytes === undefined ? {} : { mapBytes }),
  });
  const run = runPolicyTests(tests, { model, cluster: cluster ?? NOBODY, judgeIn });
  return [
    ...proved.flatMap((one) =>
      one.passed ? [] : (one.diagnostic ?? bug('a failed assertion without an error')),
    ),
    ...run.flatMap(({ diagnostics }) => diagnostics),
  ];
}
