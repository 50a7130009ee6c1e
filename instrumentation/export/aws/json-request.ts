// One HTTP request that is answered with JSON, to AWS's own endpoints. Not for exports: no connection is kept, nothing is tried again.

import { ClientRequest, Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { clearTimeout, setTimeout } from '../../../runtime/untouched.ts';

// Loaded when it is needed: evaluating it and what it stands on takes 7 ms of CPU.
const https = (): typeof import('node:https') => process.getBuiltinModule('node:https');

export type JsonRequest = {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly proxyEnv?: Readonly<Record<string, string>> | undefined;
};

/** Resolves with status and parsed body; `{}` when the body is not JSON. Rejects when there is no answer in time. */
export function requestJson(request: JsonRequest): Promise<{ readonly status: number; readonly body: JsonObject }> {
  const { method, url, headers, body, timeoutMs, proxyEnv } = request;
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: JsonObject }>();
  const agentOptions = { ...(proxyEnv && { proxyEnv }) };
  const isTls = url.protocol === 'https:';
  // Not `http.request`, which user code may have replaced.
  const sent = new ClientRequest({
    agent: isTls ? new (https().Agent)(agentOptions) : new HttpAgent(agentOptions),
    protocol: url.protocol,
    hostname: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port || (isTls ? 443 : 80),
    path: url.pathname + url.search,
    method,
    headers: { ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) },
  });
  const timer = setTimeout(() => sent.destroy(new Error(`${url.host} did not answer in ${timeoutMs} ms`)), timeoutMs);
  const fail = (error: Error): void => {
    clearTimeout(timer);
    reject(error);
  };
  sent.on('error', fail);
  sent.on('response', (response: IncomingMessage) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('error', fail);
    response.on('end', () => {
      clearTimeout(timer);
      resolve({ status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString()) });
    });
  });
  sent.end(body);
  return promise;
}

export type JsonObject = Readonly<Record<string, unknown>>;

function parse(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as JsonObject) : {};
  } catch {
    return {};
  }
}
