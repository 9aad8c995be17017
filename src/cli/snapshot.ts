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
  const cache = new SourceCache(session.io.stdin);
  session.progress.stage('reading');
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

function listText(items: readonly JsonObject[]): string {
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items }, undefined, 2)}\n`;
}
