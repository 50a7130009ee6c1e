// An OTLP/gRPC receiver on the loopback interface that a test scripts: it checks the framing and decodes the spans. Source: gRPC
// over HTTP2.

import assert from 'node:assert/strict';
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { decodeProtobufTraces } from '../../local/sinks/otlp-messages.ts';
import { type ReceivedSpan, spansOf } from '../../local/sinks/otlp-sink.ts';
import type { Scope } from './tcp-server.ts';

export type GrpcCall = {
  readonly headers: IncomingHttpHeaders;
  readonly isCompressed: boolean;
  readonly spans: readonly ReceivedSpan[];
  readonly stream: ServerHttp2Stream;
  readonly session: ServerHttp2Session;
};

export type GrpcServer = {
  readonly port: number;
  readonly calls: GrpcCall[];
  readonly sessions: ServerHttp2Session[];
};

/** Calls `answer` when a call has arrived completely; `succeed` is the ordinary one. */
export async function startGrpcServer(
  scope: Scope,
  answer: (call: GrpcCall, index: number) => void,
  tls?: SecureServerOptions,
): Promise<GrpcServer> {
  const calls: GrpcCall[] = [];
  const sessions: ServerHttp2Session[] = [];
  const server: Http2Server = tls === undefined ? createServer() : createSecureServer(tls);
  server.on('session', (session) => {
    sessions.push(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    const chunks: Buffer[] = [];
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => {
      const message = Buffer.concat(chunks);
      assert.equal(message.readUInt32BE(1), message.length - 5, 'one message, as long as its prefix says');
      const isCompressed = message[0] === 1;
      const body = message.subarray(5);
      const traces = decodeProtobufTraces(isCompressed ? gunzipSync(body) : body);
      const session = stream.session as ServerHttp2Session;
      const call = { headers, isCompressed, spans: spansOf(traces.resourceSpans), stream, session };
      calls.push(call);
      answer(call, calls.length - 1);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, calls, sessions };
}

/** Answers with a message and the trailers of a call that went well. */
export function succeed({ stream }: Pick<GrpcCall, 'stream'>, message: Uint8Array = new Uint8Array(), flag = 0): void {
  const framed = Buffer.alloc(5 + message.length);
  framed[0] = flag;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(framed);
}

/** Answers with nothing but a status. */
export function fail({ stream }: Pick<GrpcCall, 'stream'>, status: number, more: Record<string, string> = {}): void {
  stream.respond(
    { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(status), ...more },
    { endStream: true },
  );
}
