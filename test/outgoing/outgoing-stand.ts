// Everything that functions call out to in these tests, and the function that does it.

import { symlinkSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import type { XrayDocument } from '../../local/sinks/xray-sink.ts';
import { makeCertificates } from '../support/certificates.ts';
import { type FunctionOptions, type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';
import type { Scope } from '../support/tcp-server.ts';

export const ROOT = '1-65f1a2b3-0123456789abcdef01234567';
export const TRACE_ID = '65f1a2b30123456789abcdef01234567';
export const HEADER = `Root=${ROOT};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0`;

export type Downstream = {
  readonly url: string;
  /** undefined: there is no openssl to make a certificate with. */
  readonly tls: { readonly url: string; readonly caFile: string } | undefined;
  /** Of every request, in order. */
  readonly received: { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders }[];
};

const listen = async (scope: Scope, server: Server & { closeAllConnections(): void }): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

/** An HTTP and an HTTPS server: `/status/NNN` answers so, everything else with 200. */
export async function startDownstream(scope: Scope): Promise<Downstream> {
  const received: Downstream['received'][number][] = [];
  const serve: Parameters<typeof createServer>[1] = (request, response) => {
    const { method = '', url = '', headers } = request;
    received.push({ method, path: url, headers });
    request.resume();
    request.on('end', () => {
      response.statusCode = Number(/\/status\/(\d+)/.exec(url)?.[1] ?? 200);
      response.end('{"stock":3}');
    });
  };
  const url = `http://127.0.0.1:${await listen(scope, createServer(serve))}`;
  const certificates = makeCertificates(scope);
  if (certificates === undefined) return { url, tls: undefined, received };
  const tlsServer = createTlsServer(certificates.server, serve);
  const port = await listen(scope, tlsServer);
  return { url, tls: { url: `https://localhost:${port}`, caFile: certificates.ca.certFile }, received };
}

/** A function that finds `packages`, a folder with node_modules, as its own. */
export async function startFunctionWith(
  packages: string | undefined,
  options: FunctionOptions,
): Promise<FunctionUnderTest> {
  const fn = await startFunction(options);
  if (packages !== undefined) symlinkSync(join(packages, 'node_modules'), join(fn.taskRoot, 'node_modules'));
  return fn;
}

export const invocationOf = ({ xray }: FunctionUnderTest): XrayDocument => {
  const documents = xray.documents.filter(({ name }) => name === 'Invocation');
  return documents.at(-1)!;
};

/** What the last invocation drew below itself, in X-Ray. */
export const callsOf = (fn: FunctionUnderTest): readonly XrayDocument[] => invocationOf(fn)?.subsegments ?? [];

const CLIENT_KINDS = new Set([3, 4]);

/** CLIENT and PRODUCER spans that an OTLP backend got since the last `clear`. */
export const clientSpans = ({ otlp }: FunctionUnderTest) => otlp.spans.filter(({ kind }) => CLIENT_KINDS.has(kind));
