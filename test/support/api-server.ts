/**
 * A small HTTPS server that speaks the list API of Kubernetes, as far as kubectl and snapshot need it: discovery,
 * lists in pages with `continue`, tokens and client certificates, refusals as Status objects. Tests alone use it.
 */
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';

const TLS = join(import.meta.dirname, 'tls');

export function pem(name: string): string {
  return readFileSync(join(TLS, `${name}.pem`), 'utf8');
}

export const TOKEN = 'a-token';

export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export interface ApiServerOptions {
  readonly objects: readonly ApiObject[];
  /** Plurals that the user may not list. */
  readonly forbidden?: readonly string[];
  /** Plurals that the server does not have. */
  readonly missing?: readonly string[];
  /** How many lists lose their `continue` token half-way. */
  readonly expires?: number;
  /** How many requests are answered with 429 first. */
  readonly busy?: number;
}

export interface ApiServer {
  readonly url: string;
  /** Method and path of each request. */
  readonly requests: readonly string[];
  readonly close: () => Promise<void>;
}

const KINDS: readonly (readonly [
  group: string,
  kind: string,
  plural: string,
  namespaced: boolean,
])[] = [
  ['v1', 'Namespace', 'namespaces', false],
  ['v1', 'Node', 'nodes', false],
  ['v1', 'Pod', 'pods', true],
  ['v1', 'Service', 'services', true],
  ['v1', 'Endpoints', 'endpoints', true],
  ['discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices', true],
];

export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const requests: string[] = [];
  let busy = options.busy ?? 0;
  let expires = options.expires ?? 0;

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const send = (status: number, body: object, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(body));
    };
    const refuse = (code: number, message: string, headers?: Record<string, string>): void =>
      send(code, { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, code }, headers);
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    const certified = request.socket instanceof TLSSocket && request.socket.authorized;
    if (request.headers.authorization !== `Bearer ${TOKEN}` && !certified) {
      refuse(401, 'Unauthorized');
      return;
    }
    if (busy > 0) {
      busy -= 1;
      refuse(429, 'too many requests', { 'retry-after': '0' });
      return;
    }
    const url = new URL(request.url ?? '', 'https://localhost');
    const discovery = discoveryOf(url.pathname);
    if (discovery !== undefined) {
      send(200, discovery);
      return;
    }
    const kind = KINDS.find(([group, , plural]) => url.pathname === `${prefixOf(group)}/${plural}`);
    if (kind === undefined || options.missing?.includes(kind[2]) === true) {
      refuse(404, 'the server could not find the requested resource');
      return;
    }
    const [group, name, plural] = kind;
    if (options.forbidden?.includes(plural) === true) {
      refuse(403, `${plural} is forbidden: User "alice" cannot list resource "${plural}"`);
      return;
    }
    const start = Number(url.searchParams.get('continue') ?? '0');
    if (start > 0 && expires > 0) {
      expires -= 1;
      refuse(410, 'The provided continue parameter is too old');
      return;
    }
    const all = options.objects.filter((one) => one.kind === name);
    const limit = Number(url.searchParams.get('limit') ?? String(all.length));
    const end = Math.min(all.length, start + limit);
    // Items of a list have no kind of their own in an API server's answer.
    const items = all
      .slice(start, end)
      .map((one) => ({ ...one, apiVersion: undefined, kind: undefined }));
    const next = end < all.length ? { continue: String(end) } : {};
    send(200, {
      kind: `${name}List`,
      apiVersion: group,
      metadata: { resourceVersion: '1', ...next },
      items,
    });
  };

  const tls = { cert: pem('server'), key: pem('server-key'), ca: pem('ca') };
  const server = createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function prefixOf(group: string): string {
  return group.includes('/') ? `/apis/${group}` : `/api/${group}`;
}

function discoveryOf(path: string): object | undefined {
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'] };
  if (path === '/apis') {
    const version = { groupVersion: 'discovery.k8s.io/v1', version: 'v1' };
    const group = { name: 'discovery.k8s.io', versions: [version], preferredVersion: version };
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: [group] };
  }
  const here = KINDS.filter(([group]) => path === prefixOf(group));
  const [first] = here;
  if (first === undefined) return undefined;
  const resources = here.map(([, kind, name, namespaced]) => {
    return { name, singularName: kind.toLowerCase(), namespaced, kind, verbs: ['get', 'list'] };
  });
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: first[0], resources };
}
