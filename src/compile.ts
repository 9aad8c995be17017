/** The whole compiler on one page: from the policy model to the bundle. */
import { emitDatapath } from './codegen/emit.js';
import { writeBundle, type Bundle, type ManifestValidation } from './codegen/bundle.js';
import { writeElf } from './codegen/object/elf.js';
import { link } from './codegen/assembly/link.js';
import type { Listing } from './codegen/assembly/listing.js';
import type { ObjectImage } from './codegen/object/object-image.js';
import { InputError } from './diagnostics.js';
import type { PolicyModel } from './ir/model.js';
import { normalize } from './ir/normalize.js';
import type { NormalModel } from './ir/normal-model.js';
import { planLookups, type LookupPlan, type MemoryBudget } from './ir/plan.js';
import type { KernelTarget } from './target.js';
import { mismatchDiagnostic } from './validate/mismatch.js';
import { validateCompiled } from './validate/validate.js';

/** Every stage's value, for `--emit`, and the bundle. */
export interface Compilation {
  readonly normal: NormalModel;
  readonly plan: LookupPlan;
  readonly listing: Listing;
  readonly image: ObjectImage;
  readonly object: Uint8Array;
  readonly bytes: Uint8Array;
  readonly bundle: Bundle;
}

export interface CompileOptions {
  /** Compares the bytecode with the model interpreter before it is packed; the bundle says whether. */
  readonly validate?: boolean;
  /** What the tables may take on a node. */
  readonly budget?: MemoryBudget;
}

const NOT_VALIDATED: ManifestValidation = { mode: 'none', packets: 0, pods: 0 };

/**
 * Compiles a model that the checks have passed. Pure: the same model, target, version and options
 * make the same bytes.
 * @throws InputError if the programs exceed what the kernel takes, or go against the model
 */
export function compile(
  model: PolicyModel,
  target: KernelTarget,
  version: string,
  options: CompileOptions = {},
): Compilation {
  const normal = normalize(model);
  const plan = planLookups(normal, options.budget);
  const listing = emitDatapath(plan);
  const image = link(listing);
  const object = writeElf(image);
  const validated = options.validate === true ? validate({ normal, plan, object }) : NOT_VALIDATED;
  const { bytes, bundle } = writeBundle({
    compiler: `policyc ${version}`,
    target: target.name,
    model,
    plan,
    image,
    object,
    validated,
  });
  return { normal, plan, listing, image, object, bytes, bundle };
}

/** @throws InputError with the packet and both answers if there is a mismatch */
function validate({
  normal,
  plan,
  object,
}: Pick<Compilation, 'normal' | 'plan' | 'object'>): ManifestValidation {
  const { validation, mismatch } = validateCompiled({ model: normal, plan, object });
  if (mismatch !== undefined) throw new InputError([mismatchDiagnostic(mismatch, normal)]);
  return validation;
}
