/** The whole compiler on one page: from the policy model to the bundle. */
import { emitDatapath } from './codegen/emit.js';
import { writeBundle, type Bundle } from './codegen/bundle.js';
import { writeElf } from './codegen/elf.js';
import { link } from './codegen/link.js';
import type { Listing } from './codegen/listing.js';
import type { ObjectImage } from './codegen/object-image.js';
import type { PolicyModel } from './ir/model.js';
import { normalize } from './ir/normalize.js';
import type { NormalModel } from './ir/normal-model.js';
import { planLookups, type LookupPlan } from './ir/plan.js';
import type { KernelTarget } from './target.js';

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

/**
 * Compiles a model that the checks have passed. Pure: the same model, target and version make the
 * same bytes.
 * @throws InputError if the programs exceed what the kernel takes
 */
export function compile(model: PolicyModel, target: KernelTarget, version: string): Compilation {
  const normal = normalize(model);
  const plan = planLookups(normal);
  const listing = emitDatapath(plan);
  const image = link(listing);
  const object = writeElf(image);
  const { bytes, bundle } = writeBundle({
    compiler: `policyc ${version}`,
    target: target.name,
    model,
    plan,
    image,
    object,
  });
  return { normal, plan, listing, image, object, bytes, bundle };
}
