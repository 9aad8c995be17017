/** Finds out from which files generated manifests came: Helm's comments, Kustomize's annotations. */
import * as yaml from 'js-yaml';
import { SourceFile, type SourceRegion } from '../../source.js';
import type { ParsedDocument } from '../yaml/documents.js';
import { KUBERNETES_SCHEMA } from '../yaml/scalars.js';
import { isObject, valueAt } from '../yaml/value.js';

/** `helm template` writes this line at the head of every manifest. */
const HELM_SOURCE = /^# Source: (\S.*?)[ \t]*\r?$/m;

/** The file with a region for every document that says where it came from. */
export function withRegions(file: SourceFile, documents: readonly ParsedDocument[]): SourceFile {
  const regions = documents.flatMap((document): SourceRegion[] => {
    const origin = originOf(file.text, document);
    return origin === undefined ? [] : [{ start: document.start, end: document.end, origin }];
  });
  return regions.length === 0 ? file : new SourceFile(file.path, file.text, regions);
}

function originOf(text: string, document: ParsedDocument): string | undefined {
  const annotations = valueAt(document.value, ['metadata', 'annotations']);
  if (isObject(annotations)) {
    const origin = annotations['config.kubernetes.io/origin'];
    if (typeof origin === 'string') return kustomizeOrigin(origin);
    const path = annotations['internal.config.kubernetes.io/path'];
    if (typeof path === 'string') return path;
  }
  // The comment stands ahead of the first key, so a few lines are enough to look at.
  const head = text.slice(document.start, Math.min(document.end, document.start + 1024));
  return HELM_SOURCE.exec(head)?.[1];
}

/** The annotation is YAML itself: `path`, and for remote bases `repo` and `ref`. */
function kustomizeOrigin(annotation: string): string | undefined {
  let origin: unknown;
  try {
    origin = yaml.load(annotation, { schema: KUBERNETES_SCHEMA });
  } catch {
    return undefined;
  }
  const field = (name: string): string | undefined => {
    const value =
      typeof origin === 'object' && origin !== null && Object.hasOwn(origin, name)
        ? (origin as Record<string, unknown>)[name]
        : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const path = field('path') ?? field('configuredIn');
  const repo = field('repo');
  if (path === undefined || repo === undefined) return path;
  const ref = field('ref');
  return ref === undefined ? `${repo}//${path}` : `${repo}//${path}?ref=${ref}`;
}
