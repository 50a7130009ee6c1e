// HTTP libraries with ways of their own: all majors of undici, HTTP/2, gRPC; unbundled, and all in one minified bundle.

import assert from 'node:assert/strict';
import { createServer as createHttp2Server, type IncomingHttpHeaders } from 'node:http2';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { provideClientPackages } from './client-packages.ts';
import { type FunctionShape, shapesOf } from './function-shapes.ts';
import {
  callsOf,
  clientSpans,
  type Downstream,
  HEADER,
  startDownstream,
  startFunctionWith,
  TRACE_ID,
} from './outgoing-stand.ts';

const cleanUp: (() => unknown)[] = [];
const scope = { after: (work: () => unknown): void => void cleanUp.unshift(work) };
const http2Requests: IncomingHttpHeaders[] = [];
const grpcRequests: IncomingHttpHeaders[] = [];
let packages: Awaited<ReturnType<typeof provideClientPackages>>;
let shapes: FunctionShape[] = [];
let downstream: Downstream;
let http2Url: string;
let grpcAddress: string;

before(async () => {
  downstream = await startDownstream(scope);
  const http2 = createHttp2Server((request, response) => {
    http2Requests.push(request.headers);
    response.end('two');
  });
  await new Promise<void>((resolve) => http2.listen(0, '127.0.0.1', resolve));
  scope.after(() => http2.close());
  http2Url = `http://127.0.0.1:${(http2.address() as AddressInfo).port}`;
  packages = await provideClientPackages();
  if (!('folder' in packages)) return;
  grpcAddress = await startGrpc(packages.folder);
  shapes = await shapesOf(fileURLToPath(new URL('functions/libraries.mjs', import.meta.url)), packages.folder);
});
after(async () => {
  for (const work of cleanUp) await work();
});

/** The real server of the same library: `Reserve` answers, `Refuse` fails with NOT_FOUND. */
async function startGrpc(folder: string): Promise<string> {
  const { Server, ServerCredentials } = createRequire(`${folder}/package.json`)('@grpc/grpc-js');
  const server = new Server();
  const method = (name: string): object => ({
    path: `/shop.Stock/${name}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: Buffer.from,
    requestDeserialize: String,
    responseSerialize: (value: string) => Buffer.from(value),
    responseDeserialize: String,
  });
  type Call = { readonly metadata: { getMap(): IncomingHttpHeaders } };
  type Callback = (error: object | null, answer?: string) => void;
  server.addService(
    { reserve: method('Reserve'), refuse: method('Refuse') },
    {
      reserve(call: Call, callback: Callback) {
        grpcRequests.push(call.metadata.getMap());
        callback(null, 'reserved');
      },
      refuse: (_call: Call, callback: Callback) => callback({ code: 5, details: 'no such sku' }),
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error: Error | null, bound: number) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  scope.after(() => server.forceShutdown());
  return `127.0.0.1:${port}`;
}

type Expectation = {
  readonly name?: string;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly isError?: true;
  readonly wire?: 'http2' | 'grpc' | 'none';
};

const EXPECTED: Readonly<Record<string, Expectation>> = {
  'undici 5': {},
  'undici 6': {},
  'undici 6 fetch': {},
  'undici 7': {},
  'undici 8': { name: 'PUT', attributes: { 'http.request.body.size': 4 } },
  'undici 8 fetch': {},
  'undici 8 stream': {},
  'undici 8 over HTTP/2': { wire: 'http2', attributes: { 'network.protocol.version': '2' } },
  'http2, headers as a list': { wire: 'http2', attributes: { 'network.protocol.version': '2' } },
  'http2 from getBuiltinModule': { wire: 'http2' },
  gRPC: {
    name: 'shop.Stock/Reserve',
    wire: 'grpc',
    attributes: {
      'rpc.system': 'grpc',
      'rpc.service': 'shop.Stock',
      'rpc.method': 'Reserve',
      'rpc.grpc.status_code': 0,
    },
  },
  'gRPC, refused': {
    name: 'shop.Stock/Refuse',
    wire: 'none',
    attributes: { 'rpc.grpc.status_code': 5, 'error.type': '5' },
    isError: true,
  },
};

for (const shape of ['require', 'import', 'esbuild minified'] as const) {
  test(`HTTP libraries: ${shape}`, async (t) => {
    if (!('folder' in packages)) return t.skip(packages.missing);
    const { file, isBundled } = shapes.find(({ name }) => name === shape)!;
    await using fn = await startFunctionWith(isBundled ? undefined : packages.folder, {
      files: { [file[0]]: file[1] },
      timeoutMs: 20_000,
    });
    for (const [name, { name: span = 'GET', attributes = {}, isError, wire = 'http' }] of Object.entries(EXPECTED)) {
      await t.test(name, async () => {
        fn.otlp.clear();
        fn.xray.clear();
        for (const list of [downstream.received, http2Requests, grpcRequests]) list.length = 0;
        const result = await fn.invoke({ name, url: downstream.url, http2Url, grpcAddress }, { traceHeader: HEADER });
        assert.equal(result.status, 'success', fn.emulator.logs.join('\n'));
        const spans = clientSpans(fn);
        assert.deepEqual(
          spans.map((one) => one.name),
          [span],
        );
        for (const [key, value] of Object.entries(attributes)) assert.equal(spans[0]!.flat[key], value, key);
        assert.equal(spans[0]!.flat['http.response.status_code'], 200);
        assert.equal(spans[0]!.status?.code === 2, isError === true);
        assert.equal(spans[0]!.flat['network.peer.address'], '127.0.0.1');
        assert.deepEqual(
          callsOf(fn).map(({ id }) => id),
          [spans[0]!.spanId],
        );
        assert.deepEqual(fn.xray.violations, []);
        if (wire === 'none') return;
        const received = {
          http: downstream.received.map(({ headers }) => headers),
          http2: http2Requests,
          grpc: grpcRequests,
        }[wire];
        assert.equal(received.length, 1);
        assert.equal(received[0]!.traceparent, `00-${TRACE_ID}-${spans[0]!.spanId}-01`);
        assert.equal(received[0]!['x-amzn-trace-id'], HEADER.replace('53995c3f42cd8ad8', spans[0]!.spanId));
      });
    }
  });
}

test('a request of undici over HTTP/2 is one call, whichever headers name it', async (t) => {
  if (!('folder' in packages)) return t.skip(packages.missing);
  const { file } = shapes.find(({ name }) => name === 'import')!;
  for (const OTEL_PROPAGATORS of ['xray', 'b3', 'b3multi']) {
    await using fn = await startFunctionWith(packages.folder, {
      files: { [file[0]]: file[1] },
      timeoutMs: 20_000,
      environment: { OTEL_PROPAGATORS },
    });
    await fn.invoke({ name: 'undici 8 over HTTP/2', http2Url }, { traceHeader: HEADER });
    assert.deepEqual(
      clientSpans(fn).map(({ name }) => name),
      ['GET'],
      OTEL_PROPAGATORS,
    );
  }
});

test('an unrecorded invocation hands its trace on over HTTP/2 too', async (t) => {
  if (!('folder' in packages)) return t.skip(packages.missing);
  const { file } = shapes.find(({ name }) => name === 'esbuild minified')!;
  await using fn = await startFunctionWith(undefined, {
    files: { [file[0]]: file[1] },
    timeoutMs: 20_000,
    otlp: false,
  });
  const header = HEADER.replace('Sampled=1', 'Sampled=0');
  for (const name of ['http2, headers as a list', 'gRPC']) {
    http2Requests.length = 0;
    grpcRequests.length = 0;
    await fn.invoke({ name, http2Url, grpcAddress }, { traceHeader: header });
    const [received] = [...http2Requests, ...grpcRequests];
    assert.equal(received?.['x-amzn-trace-id'], header);
    assert.equal(received?.traceparent, `00-${TRACE_ID}-53995c3f42cd8ad8-00`);
  }
  assert.equal(fn.xray.datagrams.length, 0);
});
