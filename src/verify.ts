/** From a bundle to its proof: binds it to a cluster and compares the bytecode's answers with the model's. */
import { bind } from './codegen/bind.js';
import type { Bundle } from './codegen/bundle.js';
import { bug, throwIfErrors, type Diagnostic } from './diagnostics.js';
import { isPolicyPod, type ClusterSnapshot } from './ir/cluster.js';
import { normalize } from './ir/normalize.js';
import { planLookups } from './ir/plan.js';
import { checkNode } from './loader/endpoints.js';
import { mismatchDiagnostic } from './validate/mismatch.js';
import { validateBound, type StartRunner, type Validation } from './validate/validate.js';

export interface VerifyOptions {
  readonly bundle: Bundle;
  readonly cluster: ClusterSnapshot;
  /** Its pods alone; all of the cluster's unless told. */
  readonly node?: string;
  /** The instant at which rules with `until` are judged, in milliseconds since the epoch. */
  readonly at: number;
  readonly start: StartRunner;
}

export interface Verification extends Validation {
  /** The first packet on which the model and the bytecode differ. */
  readonly mismatch?: Diagnostic;
}

/**
 * Verifies what the bundle becomes in the cluster.
 *
 * @throws {InputError} if the bundle does not fit the cluster, or the engine refuses
 */
export function verifyBundle({ bundle, cluster, node, at, start }: VerifyOptions): Verification {
  if (node !== undefined) throwIfErrors(checkNode(cluster, node));
  const model = normalize(bundle.model);
  const plan = planLookups(model, bundle.manifest.budget);
  const subjects = cluster.pods.filter(
    (pod) => isPolicyPod(pod) && (node === undefined || pod.node === node),
  );
  const contents = bind(model, plan, cluster, { at, subjects });
  const object = bundle.objects.get(contents.variant) ?? bug(`no object ${contents.variant}`);
  const world = { model, plan, object, cluster, subjects, at, contents };
  const { validation, mismatch } = validateBound(world, start);
  return {
    ...validation,
    ...(mismatch === undefined ? {} : { mismatch: mismatchDiagnostic(mismatch, model) }),
  };
}
