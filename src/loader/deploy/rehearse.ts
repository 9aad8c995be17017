/** A rehearsal: what an apply would do, found by doing all of it that changes nothing. */
import { refuseBypasses } from './bypass.js';
import type { ApplyOptions, ApplyResult } from '../deploy.js';
import { HandoverRun } from './handover.js';
import { hooksOf, supportedHookKind } from './hooks.js';
import { faultsAsDiagnostics } from './pins.js';
import { readStatus } from './status.js';
import { podKey } from '../endpoints.js';
import { loadContents } from '../pod-programs.js';

export type Rehearsal = Pick<ApplyResult, 'attached' | 'replaced' | 'removed' | 'handover'>;

/**
 * Loads the contents, with connection maps of their own, and judges the open connections. Nothing is
 * attached or pinned, and nothing of it stays.
 *
 * @throws {InputError} with what would make an apply fail
 */
export function rehearseContents(options: ApplyOptions): Rehearsal {
  const { root, object, contents, endpoints } = options;
  const { generations, pods } = readStatus(root);
  return faultsAsDiagnostics(() => {
    refuseBypasses(endpoints, hooksOf(options.hooks ?? supportedHookKind(), root).list());
    const generation = generations.find(({ inForce }) => inForce)?.generation;
    const loaded = loadContents(object, contents);
    const open = new HandoverRun({
      root,
      object,
      contents,
      endpoints,
      old: { generation },
      loaded,
    });
    try {
      open.look();
      const had = new Set(pods.map(({ pod }) => pod));
      const names = endpoints.map(podKey);
      return {
        attached: names.filter((name) => !had.has(name)),
        replaced: names.filter((name) => had.has(name)),
        removed: [...had].filter((name) => !names.includes(name)),
        handover: open.result,
      };
    } finally {
      open.close();
      loaded.close();
    }
  });
}
