/** The front end: paths → the policy model, and paths → the cluster snapshot, whatever their language. */
import { existsSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { diagnostic, hasErrors, type Diagnostic, type Outcome } from './diagnostics.js';
import type { ClusterSnapshot } from './ir/cluster.js';
import { ADMIN_TIER, BASELINE_TIER, NETWORKPOLICY_TIER, type PolicyModel } from './ir/model.js';
import type { PolicyFile } from './parser/ast.js';
import type { K8sObject } from './parser/k8s/objects.js';
import { parseK8s } from './parser/parse-k8s.js';
import { readSources } from './read-sources.js';
import type { SourceFile } from './source.js';

const EMPTY_MODEL: PolicyModel = {
  tiers: [ADMIN_TIER, NETWORKPOLICY_TIER, BASELINE_TIER],
  policies: [],
  exceptions: [],
  assertions: [],
  tests: [],
};

/** What was parsed, for as long as somebody keeps the file: an editor checks the same ones again. */
export class ParseMemory {
  readonly #objects = new WeakMap<SourceFile, Outcome<readonly K8sObject[]>>();
  readonly #policies = new WeakMap<SourceFile, Outcome<PolicyFile>>();

  objectsOf(file: SourceFile): Outcome<readonly K8sObject[]> {
    const known = this.#objects.get(file) ?? parseK8s([file]);
    this.#objects.set(file, known);
    return known;
  }

  async policyOf(file: SourceFile): Promise<Outcome<PolicyFile>> {
    // The parser of the language is only loaded for those who use it.
    const { parsePolicy } = await import('./parser/parse-policy.js');
    const known = this.#policies.get(file) ?? parsePolicy(file);
    this.#policies.set(file, known);
    return known;
  }
}

/**
 * Remembers what was read and parsed, so that a file may be given as policies and as cluster: it is
 * parsed once, and what is wrong with it is said once.
 */
export class SourceCache {
  readonly #files = new Map<string, SourceFile>();
  readonly #reported = new Set<SourceFile>();

  /**
   * @param standardInput the file descriptor that `-` stands for
   * @param reader where paths are looked up; in the file system unless told
   * @param memory of what was parsed before
   */
  constructor(
    private readonly standardInput = 0,
    private readonly reader: typeof readSources = readSources,
    readonly memory = new ParseMemory(),
  ) {}

  read(paths: readonly string[]): Outcome<readonly SourceFile[]> {
    // Standard input can be read only once.
    const input = paths.includes('-') ? this.#files.get('-') : undefined;
    const wanted = input === undefined ? paths : paths.filter((path) => path !== '-');
    const read = this.reader(wanted, { standardInput: this.standardInput });
    if (read.value === undefined) return read;
    const files = read.value.map((file) => {
      const known = this.#files.get(file.path) ?? file;
      this.#files.set(file.path, known);
      return known;
    });
    return {
      value: input === undefined ? files : [...files, input],
      diagnostics: read.diagnostics,
    };
  }

  /** Whether the path is that of a file that was read, also through a link. */
  hasRead(path: string): boolean {
    if (!existsSync(path)) return false;
    const names = [resolve(path), realpathSync(path)];
    return [...this.#files.keys()].some((one) => one !== '-' && names.includes(resolve(one)));
  }

  /** All that was read, in that order; files that others `use` are among them. */
  files(): readonly SourceFile[] {
    return [...this.#files.values()];
  }

  /** @returns no value and no diagnostics for a broken file whose faults were reported before */
  objectsOf(file: SourceFile): Outcome<readonly K8sObject[]> {
    const parsed = this.memory.objectsOf(file);
    if (this.#reported.has(file)) return { ...parsed, diagnostics: [] };
    this.#reported.add(file);
    return parsed;
  }
}

/**
 * Reads policies: Kubernetes manifests, and the policy language in files that end in `.pol`. Objects
 * that are no policies are left alone.
 */
export async function loadPolicies(
  paths: readonly string[],
  cache = new SourceCache(),
): Promise<Outcome<PolicyModel>> {
  const read = cache.read(paths);
  if (read.value === undefined) return { diagnostics: read.diagnostics };
  const languageFiles = read.value.filter(isPolicyLanguage);
  const manifests = read.value.filter((file) => !isPolicyLanguage(file));
  const kubernetes = await loadManifests(manifests, cache);
  const language = languageFiles.length > 0 ? await loadLanguage(languageFiles, cache) : undefined;
  const diagnostics = [read, kubernetes, language].flatMap((one) => one?.diagnostics ?? []);
  if (kubernetes.value === undefined || (language !== undefined && language.value === undefined)) {
    return { diagnostics };
  }
  const model = language?.value ?? EMPTY_MODEL;
  const policies = [...kubernetes.value, ...model.policies];
  if (policies.length === 0) {
    diagnostics.push(diagnostic('cli/no-policies', { paths }));
  }
  return { value: { ...model, policies }, diagnostics };
}

/** Reads the cluster's objects from manifests; files of the policy language hold none. */
export async function loadCluster(
  paths: readonly string[],
  cache = new SourceCache(),
): Promise<Outcome<ClusterSnapshot>> {
  const read = cache.read(paths);
  if (read.value === undefined) return { diagnostics: read.diagnostics };
  const manifests = read.value.filter((file) => !isPolicyLanguage(file));
  const objects = objectsOf(manifests, cache);
  if (objects.value === undefined) return { diagnostics: objects.diagnostics };
  const { lowerCluster } = await import('./ir/lower-cluster.js');
  const lowered = lowerCluster(objects.value);
  return { ...lowered, diagnostics: [...objects.diagnostics, ...lowered.diagnostics] };
}

async function loadManifests(
  files: readonly SourceFile[],
  cache: SourceCache,
): Promise<Outcome<PolicyModel['policies']>> {
  const objects = objectsOf(files, cache);
  if (objects.value === undefined) return { diagnostics: objects.diagnostics };
  const { lowerK8sPolicies } = await import('./ir/lower-k8s.js');
  const lowered = lowerK8sPolicies(objects.value);
  return { ...lowered, diagnostics: [...objects.diagnostics, ...lowered.diagnostics] };
}

async function loadLanguage(
  files: readonly SourceFile[],
  cache: SourceCache,
): Promise<Outcome<PolicyModel>> {
  const { lowerPolicyFiles } = await import('./ir/lower-policy.js');
  const parsed = await Promise.all(files.map((file) => cache.memory.policyOf(file)));
  const diagnostics = parsed.flatMap((one) => one.diagnostics);
  if (hasErrors(diagnostics)) return { diagnostics };
  const readUsed = (path: string): SourceFile | Diagnostic => {
    const { value, diagnostics: problems } = cache.read([path]);
    return value?.[0] ?? problems[0] ?? diagnostic('source/not-found', { path });
  };
  const lowered = lowerPolicyFiles(
    parsed.flatMap(({ value }) => value ?? []),
    readUsed,
  );
  return { ...lowered, diagnostics: [...diagnostics, ...lowered.diagnostics] };
}

function objectsOf(
  files: readonly SourceFile[],
  cache: SourceCache,
): Outcome<readonly K8sObject[]> {
  const outcomes = files.map((file) => cache.objectsOf(file));
  const diagnostics = outcomes.flatMap((one) => one.diagnostics);
  if (outcomes.some(({ value }) => value === undefined)) return { diagnostics };
  return { value: outcomes.flatMap(({ value }) => value ?? []), diagnostics };
}

function isPolicyLanguage(file: SourceFile): boolean {
  return file.path.endsWith('.pol');
}
