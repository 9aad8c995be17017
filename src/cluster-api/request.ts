/** One GET to an API server: its answer as JSON, or why there was none. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { setTimeout as wait } from 'node:timers/promises';
import type { JsonValue } from '../parser/yaml/value.js';

export interface Connection {
  /** Without a slash at its end; it may have a path. */
  readonly server: string;
  readonly context: string;
  /** Certificates, headers and agent. */
  readonly request: RequestOptions;
}

export interface Reply {
  /** 0 where no answer came. */
  readonly status: number;
  readonly body: JsonValue;
  /** Why no answer came, such as ECONNREFUSED, and in words. */
  readonly failure?: { readonly code: string; readonly message: string };
}

/** Without a word from the server for so long, it is given up. */
const IDLE_MS = 60_000;

/** Servers under load ask to come again (429), and those that start say 503. */
const RETRIES = 3;
const LONGEST_WAIT_MS = 10_000;

export async function requestJson(connection: Connection, path: string): Promise<Reply> {
  for (let attempt = 0; ; attempt += 1) {
    const { retryAfter, ...reply } = await requestOnce(connection, path);
    const isBusy = reply.status === 429 || reply.status === 503;
    if (!isBusy || attempt >= RETRIES) return reply;
    await wait(Math.min(LONGEST_WAIT_MS, (retryAfter ?? 2 ** attempt) * 1000));
  }
}

function requestOnce(
  { server, request }: Connection,
  path: string,
): Promise<Reply & { readonly retryAfter?: number }> {
  const url = new URL(server + path);
  const send = url.protocol === 'http:' ? httpRequest : httpsRequest;
  const headers = Object.assign({}, request.headers, { Accept: 'application/json' });
  return new Promise((resolve) => {
    const fail = (error: Error): void => {
      const code = 'code' in error ? String(error.code) : '';
      resolve({ status: 0, body: null, failure: { code, message: error.message } });
    };
    const sent = send(url, { ...request, headers, method: 'GET' }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', fail);
      response.on('end', () => {
        const after = Number(response.headers['retry-after']);
        resolve({
          status: response.statusCode ?? 0,
          body: parse(Buffer.concat(chunks).toString('utf8')),
          ...(Number.isFinite(after) ? { retryAfter: after } : {}),
        });
      });
    });
    sent.setTimeout(IDLE_MS, () => {
      sent.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }));
    });
    sent.on('error', fail);
    sent.end();
  });
}

function parse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}
