/** From policies, clusters and implementations to a report of what these judge differently. */
import { diffEditions, type AttributedChange, type Editions } from './analysis/portability.js';
import type { NamedCluster, NamedModel } from './compare.js';
import { diagnostic, InputError, type Diagnostic } from './diagnostics.js';
import { nearestName } from './did-you-mean.js';
import type { ClusterSnapshot } from './ir/cluster.js';
import {
  applyDifferences,
  findTouches,
  readEdition,
  type Basis,
  type Difference,
  type Edition,
} from './ir/implementations.js';
import type { PolicyModel } from './ir/model.js';
import { formatPlace } from './source.js';

/** An implementation as it was judged by. */
export interface EditionReport {
  /** As the user wrote it. */
  readonly name: string;
  readonly title: string;
  readonly version: string;
}

/** A difference that touches the policies. */
export interface TouchReport {
  readonly id: string;
  readonly does: string;
  readonly upstream: string;
  readonly basis: Basis;
  readonly sources: readonly string[];
  /** Judged so; otherwise `model` says why not. */
  readonly modelled: boolean;
  readonly model: string;
  /** `path:line:column` of rules and policies. */
  readonly places: readonly string[];
}

export interface PortabilityDocument {
  readonly policies: string;
  readonly was: EditionReport;
  readonly is: EditionReport;
  readonly clusters: readonly {
    readonly name: string;
    readonly pods: number;
    readonly podsTouched: number;
  }[];
  /** `widened`: allowed by the second alone; the same in several clusters once. */
  readonly changes: readonly (AttributedChange & { readonly clusters: readonly string[] })[];
  /** Of both, in any of the clusters. */
  readonly touches: readonly TouchReport[];
}

/** @throws InputError where there is no such implementation */
export function editionNamed(text: string): Edition {
  const read = readEdition(text);
  if (!('kind' in read)) return read;
  const { kind, given, choices } = read;
  const near = kind === 'version' ? undefined : nearestName(given, choices);
  throw new InputError([diagnostic('as/unknown', { kind, text, given, choices, near })]);
}

/**
 * The policies as the implementation has them in the cluster.
 * @throws InputError where nobody but policyc reads some of them
 */
export function policiesAs(
  edition: Edition,
  model: PolicyModel,
  cluster: ClusterSnapshot,
): PolicyModel {
  refuseOwnLanguage(edition, model);
  return applyDifferences(edition.differences, { model, cluster });
}

function refuseOwnLanguage({ implementation, text }: Edition, { policies }: PolicyModel): void {
  if (implementation.name === 'policyc') return;
  const own = policies.filter(({ kind }) => kind === 'policy' || kind === 'namespace');
  const [first] = own;
  if (first === undefined) return;
  const args = { text, count: own.length };
  throw new InputError([diagnostic('as/own-language', args, first.origin)]);
}

export function editionReport({ text, implementation, version }: Edition): EditionReport {
  return { name: text, title: implementation.title, version };
}

export function touchReports(
  edition: Edition,
  model: PolicyModel,
  clusters: readonly ClusterSnapshot[],
): readonly TouchReport[] {
  const found = new Map<string, TouchReport>();
  for (const cluster of clusters) {
    for (const { difference, places } of findTouches(edition, { model, cluster })) {
      const known = found.get(difference.id)?.places ?? [];
      const all = [...new Set([...known, ...places.map(formatPlace)])];
      found.set(difference.id, touchReport(difference, all));
    }
  }
  return [...found.values()];
}

function touchReport(difference: Difference, places: readonly string[]): TouchReport {
  const { id, does, upstream, basis, sources, apply, model } = difference;
  return { id, does, upstream, basis, sources, modelled: apply !== undefined, model, places };
}

function isTold({ differences }: AttributedChange, told: ReadonlySet<string>): boolean {
  return differences.some((id) => told.has(id));
}

export interface PortabilityOptions {
  readonly policies: NamedModel;
  readonly editions: Editions;
  readonly clusters: readonly NamedCluster[];
  /** The instant at which rules with `until` are judged, in milliseconds since the epoch. */
  readonly at: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/** @throws InputError where an implementation does not read the policies */
export function compareEditions(options: PortabilityOptions): PortabilityDocument {
  const { policies, editions, clusters, at, onProgress } = options;
  for (const edition of editions) refuseOwnLanguage(edition, policies.model);
  const merged = new Map<string, { readonly change: AttributedChange; readonly names: string[] }>();
  const counted = clusters.map(({ name, cluster }, i) => {
    onProgress?.(i, clusters.length);
    const { changes, pods, podsTouched } = diffEditions(editions, policies.model, cluster, at);
    for (const change of changes) {
      const key = `${change.fingerprint} ${change.differences.join()}`;
      const known = merged.get(key);
      if (known === undefined) merged.set(key, { change, names: [name] });
      else known.names.push(name);
    }
    return { name, pods, podsTouched };
  });
  const [was, is] = editions;
  const snapshots = clusters.map(({ cluster }) => cluster);
  const touches = editions.flatMap((one) => touchReports(one, policies.model, snapshots));
  const used = new Set([...merged.values()].flatMap(({ change }) => change.differences));
  const told = new Set(touches.map(({ id }) => id));
  // What is so whatever anybody writes goes after what is so for somebody's rule.
  const changes = [...merged.values()].sort(
    (a, b) => Number(isTold(b.change, told)) - Number(isTold(a.change, told)),
  );
  const others = editions
    .flatMap(({ differences }) => differences)
    .filter(({ id }) => used.has(id) && !told.has(id));
  const distinct = new Map(
    [...touches, ...others.map((one) => touchReport(one, []))].map((one) => [one.id, one] as const),
  );
  return {
    policies: policies.name,
    was: editionReport(was),
    is: editionReport(is),
    clusters: counted,
    changes: changes.map(({ change, names }) => ({ ...change, clusters: names })),
    touches: [...distinct.values()],
  };
}

/** What is wrong with the options together. */
export function asDiagnostic(reason: string, hint: string): Diagnostic {
  return diagnostic('as/misfit', { reason, hint });
}

/** Each implementation against the text of the API. */
export type Survey = readonly {
  readonly edition: EditionReport;
  /** Lines of a difference that are allowed here alone. */
  readonly widened: number;
  readonly narrowed: number;
  /** The numbers of the differences that cause them. */
  readonly because: readonly string[];
  readonly touches: readonly TouchReport[];
}[];

export interface SurveyOptions {
  readonly model: PolicyModel;
  readonly cluster: ClusterSnapshot;
  readonly editions: readonly Edition[];
  /** The instant at which rules with `until` are judged, in milliseconds since the epoch. */
  readonly at: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/** @throws InputError where an implementation does not read the policies */
export function surveyEditions(options: SurveyOptions): Survey {
  const { model, cluster, editions, at, onProgress } = options;
  const upstream = editionNamed('upstream');
  return editions.map((edition, i) => {
    onProgress?.(i, editions.length);
    refuseOwnLanguage(edition, model);
    const { changes } = diffEditions([upstream, edition], model, cluster, at);
    const because = new Set(changes.flatMap(({ differences }) => differences));
    return {
      edition: editionReport(edition),
      widened: changes.filter(({ tag }) => tag === 'widened').length,
      narrowed: changes.filter(({ tag }) => tag === 'narrowed').length,
      because: [...upstream.differences, ...edition.differences]
        .map(({ id }) => id)
        .filter((id) => because.has(id)),
      touches: touchReports(edition, model, [cluster]),
    };
  });
}
