/** `--guardrails`: what others than the authors assert of policies. */
import { throwIfErrors, type Diagnostic } from '../diagnostics.js';
import type { SourceCache } from '../front-end.js';
import { judgeGuardrails, loadGuardrails, type Guardrails } from '../guardrails.js';
import type { ClusterSnapshot } from '../ir/cluster.js';
import type { PolicyModel } from '../ir/model.js';
import { normalize } from '../ir/normalize.js';
import { boundBytes } from './bound-bytes.js';
import type { Session } from './base/session.js';

/**
 * @returns with what is doubtful in them added to `warnings`
 * @throws InputError where they cannot be read
 */
export async function readGuardrails(
  session: Session,
  cache: SourceCache,
  warnings: Diagnostic[],
): Promise<Guardrails> {
  const { value, diagnostics } = await loadGuardrails(session.list('guardrails'), cache);
  throwIfErrors(diagnostics);
  warnings.push(...diagnostics);
  return value ?? { assertions: [], tests: [] };
}

/** An error for each guardrail that the policies do not keep. */
export function guardrailFaults(
  guardrails: Guardrails,
  policies: PolicyModel,
  cluster: ClusterSnapshot | undefined,
  at: number,
): readonly Diagnostic[] {
  const mapBytes = cluster && ((): number => boundBytes(normalize(policies), cluster, at));
  return judgeGuardrails(guardrails, policies, cluster, at, mapBytes);
}
