/** Why a list could not be had, in words that say what to do. */
import { diagnostic, type Diagnostic } from '../diagnostics.js';
import { isObject } from '../parser/yaml/value.js';
import type { Connection, Reply } from './request.js';

/** What Node and OpenSSL call what goes wrong on the way. */
const WAYS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was cut',
  ENOTFOUND: 'its name has no address',
  EAI_AGAIN: 'its name cannot be looked up now',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'it does not answer',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'its certificate is signed by itself, and not by the kubeconfig’s authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by the kubeconfig’s authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by the kubeconfig’s authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not signed by the kubeconfig’s authority',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

export function describeFailure(
  { server, context }: Connection,
  { name }: { readonly name: string },
  { status, body, failure }: Reply,
): Diagnostic {
  if (failure !== undefined) {
    const reason = WAYS[failure.code] ?? failure.message;
    return diagnostic('cluster-api/unreachable', { server, context, reason });
  }
  const message = isObject(body) ? body['message'] : undefined;
  const reason = typeof message === 'string' ? message : `it answered with status ${status}`;
  if (status === 401) return diagnostic('cluster-api/unauthorized', { server, context });
  if (status === 403) return diagnostic('cluster-api/forbidden', { resource: name, reason });
  return diagnostic('cluster-api/refused', { resource: name, server, reason });
}
