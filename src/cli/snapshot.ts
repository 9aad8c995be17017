/** `policyc snapshot`: what policies can see of a cluster, as a file to keep beside them. */
import { bug, diagnostic, InputError, throwIfErrors } from '../diagnostics.js';
import { loadCluster, SourceCache } from '../front-end.js';
import { writeCluster } from '../ir/write-cluster.js';
import type { JsonObject } from '../parser/yaml/value.js';
import { plural } from '../render/terminal.js';
import { documentsText } from './documents-text.js';
import { DONE, type ExitCode } from './base/exit-codes.js';
import type { Session } from './base/session.js';
import { writeWhole } from './base/write-file.js';

export async function run(session: Session): Promise<ExitCode> {
  const path = session.text('output') ?? '-';
  const cache = await openSource(session);
  const { value, diagnostics } = await loadCluster(session.operands, cache);
  throwIfErrors(diagnostics);
  const cluster = value ?? bug('no cluster, and no error that says why');
  if (path !== '-' && cache.hasRead(path)) {
    throw new InputError([diagnostic('cli/output-is-input', { path })]);
  }
  const objects = writeCluster(cluster);
  const text = session.json ? listText(objects) : documentsText(objects);
  await session.report(diagnostics);
  if (path === '-') {
    session.print(text);
    return DONE;
  }
  writeWhole(path, text);
  const { namespaces, nodes, pods, services } = cluster;
  session.print(
    `wrote ${path}: ${plural(namespaces.size, 'namespace')}, ${plural(nodes.length, 'node')}, ` +
      `${plural(pods.length, 'pod')}, ${plural(services.length, 'Service')}\n`,
  );
  return DONE;
}

/** The paths that were given, or the answers of an API server in their place. */
async function openSource(session: Session): Promise<SourceCache> {
  const kubeconfig = session.optional('kubeconfig');
  const context = session.text('context');
  if (kubeconfig === undefined) {
    if (context !== undefined) {
      const args = { option: '--context', needed: '--kubeconfig' };
      throw new InputError([diagnostic('cli/needs-option', args)]);
    }
    if (session.operands.length === 0) {
      throw new InputError([diagnostic('cluster-api/no-source', {})]);
    }
    session.progress.stage('reading');
    return new SourceCache(session.io.stdin);
  }
  if (session.operands.length > 0) {
    throw new InputError([diagnostic('cluster-api/two-sources', {})]);
  }
  const { readClusterApi } = await import('../cluster-api.js');
  const files = await readClusterApi({
    ...(kubeconfig === true ? {} : { path: kubeconfig }),
    ...(context === undefined ? {} : { context }),
    env: session.io.env,
    onProgress: (resource, count) => session.progress.stage(`listing ${resource}: ${count}`),
  });
  return new SourceCache(session.io.stdin, () => ({ value: files, diagnostics: [] }));
}

function listText(items: readonly JsonObject[]): string {
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, undefined, 2)}\n`;
}
