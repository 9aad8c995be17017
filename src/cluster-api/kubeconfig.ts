/** Kubeconfigs: which file, which context, and how to talk to its API server. */
import { existsSync } from 'node:fs';
import { join, delimiter } from 'node:path';
import type { RequestOptions } from 'node:https';
import { diagnostic, InputError } from '../diagnostics.js';
import { nearestName } from '../did-you-mean.js';
import type { Connection } from './request.js';

export interface KubeconfigOptions {
  /** A file; what KUBECONFIG names, or ~/.kube/config, unless told. */
  readonly path?: string;
  /** The current one of the file unless told. */
  readonly context?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * Client certificates, tokens, exec plug-ins and proxies are the client library's.
 * @throws InputError where there is no file, no such context, or the credentials cannot be had
 */
export async function openKubeconfig(options: KubeconfigOptions): Promise<Connection> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const [first, ...others] = pathsOf(options);
  if (first === undefined) throw new InputError([diagnostic('cluster-api/no-kubeconfig', {})]);
  const config = new KubeConfig();
  let known: readonly string[];
  try {
    config.loadFromFile(first);
    for (const path of others) {
      const more = new KubeConfig();
      more.loadFromFile(path);
      config.mergeConfig(more);
    }
    known = config.getContexts().map(({ name }) => name);
  } catch (error) {
    const args = { path: first, reason: reasonOf(error) };
    throw new InputError([diagnostic('cluster-api/bad-kubeconfig', args)]);
  }
  if (known.length === 0) {
    const args = { path: first, reason: 'it has no contexts' };
    throw new InputError([diagnostic('cluster-api/bad-kubeconfig', args)]);
  }
  const current: unknown = config.getCurrentContext();
  const name = options.context ?? (typeof current === 'string' ? current : '');
  if (!known.includes(name)) {
    const near = nearestName(name, known);
    throw new InputError([diagnostic('cluster-api/no-context', { name, known, near })]);
  }
  config.setCurrentContext(name);
  const cluster = config.getCurrentCluster();
  if (cluster === null || !/^https?:\/\//.test(cluster.server)) {
    const args = { path: first, reason: `the context \`${name}\` has no cluster with a server` };
    throw new InputError([diagnostic('cluster-api/bad-kubeconfig', args)]);
  }
  const request: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(request);
  } catch (error) {
    const args = { context: name, reason: reasonOf(error) };
    throw new InputError([diagnostic('cluster-api/no-credentials', args)]);
  }
  return { server: cluster.server.replace(/\/+$/, ''), context: name, request };
}

/** Files of KUBECONFIG that are not there are passed over, as kubectl does. */
function pathsOf({ path, env = {} }: KubeconfigOptions): readonly string[] {
  if (path !== undefined) {
    if (existsSync(path)) return [path];
    throw new InputError([diagnostic('source/not-found', { path })]);
  }
  const listed = (env['KUBECONFIG'] ?? '').split(delimiter).filter((one) => one !== '');
  if (listed.length > 0) return listed.filter((one) => existsSync(one));
  const home = env['HOME'];
  const usual = home === undefined ? [] : [join(home, '.kube', 'config')];
  return usual.filter((one) => existsSync(one));
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0] ?? text;
}
