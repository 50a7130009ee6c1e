// One call with each library that has ways of its own.

import { once } from 'node:events';
import http2 from 'node:http2';
import { Writable } from 'node:stream';
import { credentials, Client as GrpcClient } from '@grpc/grpc-js';
import { request as undici5 } from 'undici-5';
import { fetch as fetch6, request as undici6 } from 'undici-6';
import { Agent, request as undici7 } from 'undici-7';
import { Client, fetch as fetch8, stream, request as undici8 } from 'undici-8';

const requested = async (request, url, options) => {
  const { statusCode, body } = await request(url, options);
  await body.text();
  return statusCode;
};

const grpc = (address, method) =>
  new Promise((resolve) => {
    const client = new GrpcClient(address, credentials.createInsecure());
    const bytes = (value) => Buffer.from(value);
    client.makeUnaryRequest(`/shop.Stock/${method}`, bytes, String, 'b-7', (error, answer) => {
      client.close();
      resolve(error ? { code: error.code, details: error.details } : answer);
    });
  });

const calls = {
  'undici 5': ({ url }) => requested(undici5, url, { headers: { 'X-One': '1' } }),
  'undici 6': ({ url }) => requested(undici6, url),
  'undici 6 fetch': async ({ url }) => (await fetch6(url)).text(),
  'undici 7': ({ url }) => requested(undici7, url, { dispatcher: new Agent({ keepAliveTimeout: 10 }) }),
  'undici 8': ({ url }) => requested(undici8, url, { method: 'PUT', body: 'text' }),
  'undici 8 fetch': async ({ url }) => (await fetch8(url)).text(),
  'undici 8 stream': ({ url }) =>
    stream(url, { method: 'GET' }, () => new Writable({ write: (_chunk, _encoding, done) => done() })),
  'undici 8 over HTTP/2': async ({ http2Url }) => {
    const client = new Client(http2Url, { allowH2: true, useH2c: true });
    const { statusCode, body } = await client.request({ path: '/', method: 'GET' });
    await body.text();
    await client.close();
    return statusCode;
  },
  'http2, headers as a list': async ({ http2Url }) => {
    const session = http2.connect(http2Url);
    const call = session.request([':path', '/listed', ':method', 'GET', 'x-one', '1']);
    call.resume();
    await once(call, 'end');
    session.close();
  },
  'http2 from getBuiltinModule': async ({ http2Url }) => {
    const session = process.getBuiltinModule('http2').connect(http2Url);
    const call = session.request({ ':path': '/builtin' });
    call.resume();
    await once(call, 'end');
    session.close();
  },
  gRPC: ({ grpcAddress }) => grpc(grpcAddress, 'Reserve'),
  'gRPC, refused': ({ grpcAddress }) => grpc(grpcAddress, 'Refuse'),
};

export const names = Object.keys(calls);
export const handler = async (event) => {
  const result = await calls[event.name](event);
  return result ?? 'done';
};
