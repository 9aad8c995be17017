/** From paths to what lint has to say of the policies there: read, checked, linted, allowed, levelled. */
import { lintPolicies } from './analysis/lint.js';
import { bug, diagnostic, hasErrors, type Diagnostic } from './diagnostics.js';
import { loadCluster, loadPolicies, type SourceCache } from './front-end.js';
import { checkModel } from './ir/check.js';
import type { PolicyModel } from './ir/model.js';
import { normalize } from './ir/normalize.js';
import { readAllowances, type Allowance } from './lint/allowances.js';
import { Fixer, removeComment } from './lint/fixes.js';
import { applyLevels, levelOf, type Levels } from './lint/levels.js';
import { clusterCatalogCodes } from './lint/cluster-codes.js';
import type { PolicyFile } from './parser/ast.js';
import type { K8sObject } from './parser/k8s/objects.js';
import { parsePolicy } from './parser/parse-policy.js';
import type { SourceFile } from './source.js';

export interface LintRequest {
  readonly policies: readonly string[];
  /** None where there is no cluster. */
  readonly cluster: readonly string[];
  readonly levels: Levels;
  /** The instant at which rules with `until` are judged, and that of the clock. */
  readonly at: number;
  readonly now: number;
  readonly onStage?: (stage: string) => void;
}

export interface LintResult {
  /** What is on and not allowed by a comment; sorted by place. */
  readonly diagnostics: readonly Diagnostic[];
  /** What comments allow, each with the reason given. */
  readonly allowed: readonly Diagnostic[];
  /** Absent where the input could not be read. */
  readonly model?: PolicyModel;
  /** Adds the fix that there is, if there is one. */
  readonly withFix: (one: Diagnostic) => Diagnostic;
}

/** @throws InputError if the cluster has more address classes than bytecode can hold */
export async function lintPaths(request: LintRequest, cache: SourceCache): Promise<LintResult> {
  const { levels, at } = request;
  const policies = await loadPolicies(request.policies, cache);
  const cluster =
    request.cluster.length === 0 ? undefined : await loadCluster(request.cluster, cache);
  const read = [...policies.diagnostics, ...(cluster?.diagnostics ?? [])];
  const model = policies.value;
  if (model === undefined || hasErrors(read)) {
    return { diagnostics: read, allowed: [], withFix: (one) => one };
  }
  request.onStage?.('checking');
  const normal = normalize(model);
  const checked = [...read, ...checkModel(model, normal)];
  const sources = cache.files();
  const files = sources.filter(({ path }) => path.endsWith('.pol')).flatMap(treeOf);
  const manifests = objectsOf(request.policies, cache);
  const found = lintPolicies({
    model,
    normal,
    manifests,
    files,
    checked,
    at,
    ...(cluster?.value === undefined
      ? {}
      : { cluster: { snapshot: cluster.value, objects: objectsOf(request.cluster, cache) } }),
    ...(request.onStage === undefined ? {} : { onStage: request.onStage }),
  });
  const fixer = new Fixer({
    manifests,
    files,
    now: Math.min(at, request.now),
    rulesAreNamed: model.tests.some(({ expectations }) =>
      expectations.some(({ by }) => by !== undefined),
    ),
  });
  const settled = settle(found, sources, levels, cluster !== undefined);
  return { ...settled, model, withFix: (one) => fixer.withFix(one) };
}

function treeOf(file: SourceFile): readonly PolicyFile[] {
  const { value } = parsePolicy(file);
  return value === undefined ? [] : [value];
}

function objectsOf(paths: readonly string[], cache: SourceCache): readonly K8sObject[] {
  const files = cache.read(paths).value ?? bug('what was read before cannot be read');
  return files
    .filter(({ path }) => !path.endsWith('.pol'))
    .flatMap((file) => cache.objectsOf(file).value ?? []);
}

/** Parts what comments allow from what they do not, and says which comments allow nothing. */
function settle(
  found: readonly Diagnostic[],
  sources: readonly SourceFile[],
  levels: Levels,
  hasCluster: boolean,
): Pick<LintResult, 'diagnostics' | 'allowed'> {
  const comments = sources.map(readAllowances);
  const byFile = new Map<string, Allowance[]>();
  for (const { allowances } of comments) {
    for (const one of allowances) {
      const list = byFile.get(one.at.file.path);
      if (list === undefined) byFile.set(one.at.file.path, [one]);
      else list.push(one);
    }
  }
  const used = new Set<Allowance>();
  const allowed: Diagnostic[] = [];
  const kept: Diagnostic[] = [];
  for (const one of found) {
    const allowance = byFile.get(one.span?.file.path ?? '')?.find((each) => covers(each, one));
    if (allowance === undefined) kept.push(one);
    else {
      used.add(allowance);
      if (levelOf(one, levels) !== 'allow') allowed.push({ ...one, allowedFor: allowance.reason });
    }
  }
  for (const list of byFile.values()) {
    for (const one of list) {
      const severity = 'warning';
      const isJudged =
        (hasCluster || !clusterCatalogCodes.has(one.code)) &&
        levelOf({ code: one.code, severity }, levels) !== 'allow';
      if (used.has(one) || !isJudged) continue;
      const told = diagnostic('lint/unused-allow', { code: one.code }, one.at);
      const fix = one.codes === 1 ? removeComment(one.comment) : undefined;
      kept.push(fix === undefined ? told : { ...told, fix });
    }
  }
  kept.push(...comments.flatMap(({ diagnostics }) => diagnostics));
  return {
    diagnostics: sortByPlace(applyLevels(kept, levels)),
    allowed: sortByPlace(applyLevels(allowed, levels)),
  };
}

function covers({ code, scope }: Allowance, one: Diagnostic): boolean {
  const start = one.span?.start ?? -1;
  return one.severity !== 'error' && one.code === code && scope.start <= start && start < scope.end;
}

/** By file and position; what has no place comes last. */
function sortByPlace(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const order = new Map<string, number>();
  for (const { span } of diagnostics) {
    if (span !== undefined && !order.has(span.file.path)) order.set(span.file.path, order.size);
  }
  const rank = ({ span }: Diagnostic): number =>
    span === undefined ? order.size : (order.get(span.file.path) ?? 0);
  return [...diagnostics].sort(
    (a, b) => rank(a) - rank(b) || (a.span?.start ?? 0) - (b.span?.start ?? 0),
  );
}
