/** An operand that names policies: a bundle, a path, or a path in a git revision. */
import { existsSync, openSync, readSync, closeSync, statSync, readFileSync } from 'node:fs';
import { readBundle } from './codegen/bundle.js';
import type { Outcome } from './diagnostics.js';
import { loadPolicies, SourceCache } from './front-end.js';
import { GitRevision, parseRevisionPath } from './git-sources.js';
import type { PolicyModel } from './ir/model.js';
import { TAR_MAGIC } from './read-sources.js';

/**
 * What exists as a path is one, whatever it looks like. A bundle is known by its content.
 * @throws InputError where a bundle or a revision cannot be read
 */
export async function loadOperand(
  operand: string,
  cache: SourceCache,
): Promise<Outcome<PolicyModel>> {
  if (operand === '-') return loadPolicies([operand], cache);
  if (existsSync(operand)) {
    if (isBundle(operand)) {
      return { value: readBundle(operand, readFileSync(operand)).model, diagnostics: [] };
    }
    return loadPolicies([operand], cache);
  }
  const at = parseRevisionPath(operand);
  if (at === undefined) return loadPolicies([operand], cache);
  const revision = new GitRevision(at);
  return loadPolicies([revision.root], new SourceCache(0, (paths) => revision.read(paths)));
}

/** A bundle is known by its content, whatever it is called. */
export function isBundle(path: string): boolean {
  if (!statSync(path).isFile()) return false;
  if (path.endsWith('.bundle')) return true;
  const magic = Buffer.alloc(TAR_MAGIC.text.length);
  const descriptor = openSync(path, 'r');
  try {
    readSync(descriptor, magic, 0, magic.length, TAR_MAGIC.offset);
  } finally {
    closeSync(descriptor);
  }
  return magic.toString('latin1') === TAR_MAGIC.text;
}
