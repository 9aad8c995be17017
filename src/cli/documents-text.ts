/** Kubernetes objects as YAML documents. */
import { stringify } from 'yaml';
import type { JsonObject } from '../parser/yaml/value.js';

/**
 * A document for each object, so that what changes between two snapshots stands together. As in YAML 1.1,
 * since readers of it take `yes` for a boolean.
 */
export function documentsText(objects: readonly JsonObject[]): string {
  return objects.map((one) => stringify(one, { lineWidth: 0, version: '1.1' })).join('---\n');
}
