/** Reads a cluster's objects from its API server, as a kubeconfig says: the kinds that policies see, and no others. */
import { InputError, type Diagnostic } from './diagnostics.js';
import { describeFailure } from './cluster-api/failures.js';
import { openKubeconfig, type KubeconfigOptions } from './cluster-api/kubeconfig.js';
import { requestJson, type Connection, type Reply } from './cluster-api/request.js';
import { isArray, isObject, type JsonObject, type JsonValue } from './parser/yaml/value.js';
import { SourceFile } from './source.js';

/** A list of the API, and what a ClusterRole calls it. */
export interface Resource {
  readonly path: string;
  readonly apiVersion: string;
  readonly kind: string;
  /** Such as `endpointslices.discovery.k8s.io`. */
  readonly name: string;
}

/** In the order of requests; a snapshot does not depend on it. */
const RESOURCES: readonly Resource[] = [
  resource('v1', 'Namespace', 'namespaces'),
  resource('v1', 'Node', 'nodes'),
  resource('v1', 'Pod', 'pods'),
  resource('v1', 'Service', 'services'),
  resource('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices'),
];

/** Where an API server is older than EndpointSlices (1.21). */
const ENDPOINTS = resource('v1', 'Endpoints', 'endpoints');

function resource(apiVersion: string, kind: string, plural: string): Resource {
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : undefined;
  return {
    path: `${group === undefined ? '/api/' : '/apis/'}${apiVersion}/${plural}`,
    apiVersion,
    kind,
    name: group === undefined ? plural : `${plural}.${group}`,
  };
}

/** Objects of one answer, as kubectl's default chunk has them. */
const PAGE = 500;

/** A list whose pages the server forgot while they were read is begun anew. */
const MOST_RESTARTS = 3;

export interface ClusterApiOptions extends KubeconfigOptions {
  readonly onProgress?: (resource: string, count: number) => void;
}

/**
 * Lists every resource in pages, read-only, and gives each page as a text that the front end parses.
 * @throws InputError where the server cannot be reached, or lets something not be listed: all of it is told
 */
export async function readClusterApi(options: ClusterApiOptions): Promise<readonly SourceFile[]> {
  const connection = await openKubeconfig(options);
  const files: SourceFile[] = [];
  const problems: Diagnostic[] = [];
  for (const one of RESOURCES) {
    const found = await listAll(connection, one, options);
    if ('code' in found) problems.push(found);
    else files.push(...found);
  }
  if (problems.length > 0) throw new InputError(problems);
  return files;
}

async function listAll(
  connection: Connection,
  wanted: Resource,
  { onProgress }: ClusterApiOptions,
): Promise<readonly SourceFile[] | Diagnostic> {
  for (let attempt = 0; ; attempt += 1) {
    const files: SourceFile[] = [];
    let next = '';
    let count = 0;
    for (;;) {
      const reply = await requestJson(connection, pagePath(wanted, next));
      if (reply.status === 410 && attempt < MOST_RESTARTS) break;
      if (reply.status === 404 && wanted.kind === 'EndpointSlice') {
        return listAll(connection, ENDPOINTS, onProgress === undefined ? {} : { onProgress });
      }
      const page = reply.status === 200 ? pageOf(reply, wanted) : undefined;
      if (page === undefined) return describeFailure(connection, wanted, reply);
      count += page.items.length;
      onProgress?.(wanted.name, count);
      files.push(textOf(connection, wanted, files.length + 1, page.items));
      next = page.next;
      if (next === '') return files;
    }
  }
}

function pagePath({ path }: Resource, next: string): string {
  const query = new URLSearchParams({ limit: String(PAGE) });
  if (next !== '') query.set('continue', next);
  return `${path}?${query.toString()}`;
}

function pageOf(
  { body }: Reply,
  { apiVersion, kind }: Resource,
): { readonly items: readonly JsonObject[]; readonly next: string } | undefined {
  if (!isObject(body) || !(isArray(body['items']) || body['items'] === null)) return undefined;
  const items = (isArray(body['items']) ? body['items'] : []).filter((one) => isObject(one));
  const metadata = isObject(body['metadata']) ? body['metadata'] : {};
  const next = metadata['continue'];
  return {
    // The items of a typed list do not say what they are.
    items: items.map((item) => ({ apiVersion, kind, ...lean(item) })),
    next: typeof next === 'string' ? next : '',
  };
}

/** Without what no policy sees and takes most room. */
function lean(item: JsonObject): JsonObject {
  const metadata = isObject(item['metadata']) ? item['metadata'] : {};
  const { annotations } = metadata;
  const rest = Object.fromEntries(
    Object.entries(metadata).filter(([key]) => key !== 'managedFields' && key !== 'annotations'),
  );
  const own = isObject(annotations)
    ? Object.entries(annotations).filter(([key]) => key.startsWith('policyc.dev/'))
    : [];
  const kept = own.length === 0 ? {} : { annotations: Object.fromEntries<JsonValue>(own) };
  return { ...item, metadata: { ...rest, ...kept } };
}

function textOf(
  { server }: Connection,
  { path }: Resource,
  page: number,
  items: readonly JsonObject[],
): SourceFile {
  const list = { apiVersion: 'v1', kind: 'List', items };
  return new SourceFile(`${server}${path} (page ${page})`, JSON.stringify(list));
}
