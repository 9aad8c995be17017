/** Conflicts between policies, for commands that answer in spite of them. */
import type { Diagnostic } from '../diagnostics.js';
import { checkModel } from '../ir/check.js';
import type { PolicyModel } from '../ir/model.js';
import { normalize } from '../ir/normalize.js';

/**
 * What `compile` refuses: an API server may have admitted it all the same, and then the lower name
 * wins. The answer holds for that, and the warning says that it is a doubtful one.
 */
export function conflictWarnings(policies: PolicyModel): readonly Diagnostic[] {
  return checkModel(policies, normalize(policies))
    .filter(({ severity }) => severity === 'error')
    .map((one) => ({ ...one, severity: 'warning' }));
}
