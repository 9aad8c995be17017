/** Repair: policies with fixes applied, in memory, until nothing is left that a fix mends. */
import { diffModels } from '../analysis/diff.js';
import { bug, diagnostic, InputError, type Fix } from '../diagnostics.js';
import { SourceCache } from '../front-end.js';
import type { PolicyModel } from '../ir/model.js';
import { normalize } from '../ir/normalize.js';
import { lintPaths, type LintRequest, type LintResult } from '../lint.js';
import { readSources, type ReadOptions } from '../read-sources.js';
import { SourceFile } from '../source.js';
import { representativeCluster } from '../validate/representative/cluster.js';
import { applyFixes } from './fixes.js';

export interface Repaired {
  /** Texts before and after, by path; those alone that differ. */
  readonly files: readonly {
    readonly path: string;
    readonly before: string;
    readonly after: string;
  }[];
  readonly fixes: number;
  /** What is left to say. */
  readonly result: LintResult;
}

/** A fix may make room for another, as for the second of two that touch. */
const MOST_ROUNDS = 50;

/**
 * @param unsafe whether fixes that change the meaning are applied as well
 * @throws InputError where policies come from standard input, which cannot be written
 */
export async function repairPaths(
  request: LintRequest,
  unsafe: boolean,
  standardInput: number,
): Promise<Repaired> {
  if (request.policies.includes('-')) throw new InputError([diagnostic('lint/fix-stdin', {})]);
  const texts = new TextOverlay();
  let cache = new SourceCache(standardInput, texts.read);
  let result = await lintPaths(request, cache);
  const first = result.model;
  let count = 0;
  let changesMeaning = false;
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const fixes = fixesOf(result, unsafe);
    if (fixes.length === 0) break;
    const changed = applyFixes(fixes);
    texts.put(changed.texts);
    count += changed.applied.length;
    changesMeaning ||= changed.applied.some(({ keepsMeaning }) => !keepsMeaning);
    cache = new SourceCache(standardInput, texts.read);
    const next = await lintPaths(request, cache);
    if (next.model === undefined) {
      bug(
        `policies cannot be read any more after: ${changed.applied.map(({ does }) => does).join('; ')}`,
      );
    }
    result = next;
  }
  if (!changesMeaning && count > 0) checkMeaning(first, result.model, request);
  return { files: texts.changed(), fixes: count, result };
}

function fixesOf({ diagnostics, withFix }: LintResult, unsafe: boolean): readonly Fix[] {
  return diagnostics.flatMap((one) => {
    const { fix } = withFix(one);
    return fix !== undefined && (unsafe || fix.keepsMeaning) ? [fix] : [];
  });
}

/** Nothing is written that means something else, in a cluster that shows all that selectors tell apart. */
function checkMeaning(
  was: PolicyModel | undefined,
  is: PolicyModel | undefined,
  { at }: LintRequest,
): void {
  if (was === undefined || is === undefined) return;
  const models = [normalize(was), normalize(is)] as const;
  const cluster = representativeCluster(models[0].policies);
  const [change] = diffModels(models, cluster, at).changes;
  if (change === undefined) return;
  bug(
    `a fix would change what policies mean: ${change.from.text} → ${change.to.text}, ${change.ports}`,
  );
}

/** The files as they are on disk, but for those that have new texts. */
class TextOverlay {
  readonly #before = new Map<string, string>();
  readonly #after = new Map<string, string>();

  readonly read = (
    paths: readonly string[],
    options: ReadOptions = {},
  ): ReturnType<typeof readSources> => {
    const read = readSources(paths, options);
    if (read.value === undefined) return read;
    const value = read.value.map((file) => {
      const text = this.#after.get(file.path);
      if (text === undefined) this.#before.set(file.path, file.text);
      return text === undefined ? file : new SourceFile(file.path, text);
    });
    return { ...read, value };
  };

  put(texts: ReadonlyMap<string, string>): void {
    for (const [path, text] of texts) this.#after.set(path, text);
  }

  changed(): Repaired['files'] {
    return [...this.#after].flatMap(([path, after]) => {
      const before = this.#before.get(path) ?? '';
      return before === after ? [] : [{ path, before, after }];
    });
  }
}
