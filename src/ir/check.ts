/** The semantic checks: conflicts are errors; statements that do nothing are warnings. */
import { diagnostic, type Diagnostic } from '../diagnostics.js';
import { NameSearch } from '../did-you-mean.js';
import { checkSelections, checkServices } from './check/cluster.js';
import { checkImpossible, checkIsolation } from './check/impossible.js';
import { checkPriorities } from './check/priorities.js';
import { checkShadows } from './check/shadows.js';
import type { ClusterSnapshot } from './cluster.js';
import type { PolicyModel } from './model.js';
import type { NormalModel } from './normal-model.js';
import { isExceptionTo } from './normalize.js';

/** @param normal the model, normalized; @param cluster what the policies are for, where it is known */
export function checkModel(
  model: PolicyModel,
  normal: NormalModel,
  cluster?: ClusterSnapshot,
): readonly Diagnostic[] {
  return [
    ...checkExceptions(model),
    ...checkPriorities(normal),
    ...checkImpossible(normal),
    ...checkShadows(normal),
    ...checkIsolation(normal),
    ...(cluster === undefined
      ? []
      : [...checkSelections(normal, cluster), ...checkServices(normal, cluster)]),
  ];
}

function checkExceptions({ exceptions, policies }: PolicyModel): readonly Diagnostic[] {
  const names = policies.filter(({ kind }) => kind === 'policy').map(({ name }) => name);
  const search = new NameSearch();
  return exceptions
    .filter((exception) => !policies.some((policy) => isExceptionTo(exception, policy)))
    .map((exception) => {
      const near = search.nearest(exception.to, () => names);
      const args = { exception: exception.name, policy: exception.to, near };
      return diagnostic('check/unknown-exception-policy', args, exception.origin);
    });
}
