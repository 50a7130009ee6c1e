// Spans of plain HTTP requests against those of OpenTelemetry's own instrumentation, made of the same requests.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type * as Http from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace-base';
import { ROOT_CONTEXT } from '../../../../instrumentation/active-context.ts';
import { Clock } from '../../../../instrumentation/clock.ts';
import type { CallEnvironment, CallScope, CallSpan } from '../../../../instrumentation/outgoing/call-scope.ts';
import { createOutgoingTracer } from '../../../../instrumentation/outgoing/outgoing-tracer.ts';
import { watchCalls } from '../../../../instrumentation/outgoing/watch-calls.ts';
import { RecordedSpan } from '../../../../instrumentation/recorded-span.ts';
import { nextSpanId } from '../../span-builder.ts';

const exporter = new InMemorySpanExporter();
const instrumentation = new HttpInstrumentation({ disableIncomingRequestInstrumentation: true });
instrumentation.setTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
// Patched when it is required.
const http = createRequire(import.meta.url)('http') as typeof Http;

const clock = new Clock();
const recording = {
  clock,
  resource: { attributes: {} } as ReadableSpan['resource'],
  instrumentationScope: { name: 'test' },
};
const ours: CallSpan[] = [];
const scope = {
  isRecorded: true,
  xrayHeader: undefined,
  traceHeader: undefined,
  isSampledForXray: false,
  startCall: ({ context: _, ...options }) =>
    new RecordedSpan(recording, {
      ...options,
      spanContext: { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: nextSpanId(), traceFlags: 1 },
      parent: undefined,
    }),
  endCall(span: RecordedSpan, at: number) {
    span.endAt(at);
    ours.push(span);
  },
} as Partial<CallScope> as CallScope;
const environment: CallEnvironment = {
  now: () => clock.now(),
  activeContext: () => ROOT_CONTEXT,
  here: () => scope,
  present: () => scope,
  runIn: (_context, work) => work(),
  hasForeignTracer: () => false,
  instrumentations: new Set(),
  report: (message) => assert.fail(message),
  spanContextOf: () => undefined,
};
const tracer = createOutgoingTracer(environment, { tracesAws: false, injectionTargets: [] });

let port = 0;
const server = http.createServer((request, response) => {
  request.resume();
  if (request.url?.startsWith('/cut')) return void (request.socket as Socket).destroy();
  request.on('end', () => {
    response.statusCode = Number(/\/status\/(\d+)/.exec(request.url ?? '')?.[1] ?? 200);
    response.end('answer');
  });
});

server.on('upgrade', (_request, socket) => {
  socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
});

before(async () => {
  watchCalls(
    environment,
    () => true,
    () => tracer,
    () => assert.fail('every call here is recorded'),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
after(() => {
  instrumentation.disable();
  server.closeAllConnections();
  server.close();
});

/** Sends and waits until all is over, with a response or without. */
async function send(make: () => Http.ClientRequest): Promise<void> {
  const request = make();
  request.on('response', (response) => response.resume()).on('error', () => {});
  if (!request.writableEnded) request.end();
  await new Promise((resolve) => request.once('close', resolve));
}

const REQUESTS: Readonly<Record<string, () => Http.ClientRequest>> = {
  'a URL': () => http.get(`http://127.0.0.1:${port}/orders/5?page=2#part`),
  'a URL and options': () => http.request(new URL(`http://localhost:${port}/a b`), { method: 'HEAD' }),
  'options alone': () => http.request({ host: 'localhost', port, path: '/o?x=1', method: 'put' }),
  'hostname wins over host': () => http.request({ host: 'nowhere.invalid', hostname: '127.0.0.1', port }),
  'a list of headers': () => http.request({ host: '127.0.0.1', port, headers: ['x-a', '1', 'Host', 'shop.example'] }),
  'a secret in the query': () => http.get(`http://127.0.0.1:${port}/?sig=secret&a=1`),
  'user and password': () => http.get(`http://me:secret@127.0.0.1:${port}/`),
  'a method of its own': () => http.request({ host: '127.0.0.1', port, method: 'PURGE' }),
  'not found': () => http.get(`http://127.0.0.1:${port}/status/404`),
  'a server error': () => http.get(`http://127.0.0.1:${port}/status/503`),
  'a redirection': () => http.get(`http://127.0.0.1:${port}/status/302`),
  'a connection that is cut': () => http.get(`http://127.0.0.1:${port}/cut`),
  'nobody listens': () => http.get('http://127.0.0.1:1/'),
  'no such host': () =>
    http.get('http://nowhere.invalid/', {
      lookup: (_host, _options, done) => done(Object.assign(new Error('no such host'), { code: 'ENOTFOUND' }), ''),
    }),
};

/** Where ours says something else, and why. `undefined`: ours leaves it out. */
const DIFFERENT: Readonly<Record<string, () => Readonly<Record<string, unknown>>>> = {
  // Theirs names the host that was not asked.
  'hostname wins over host': () => ({ 'url.full': `http://127.0.0.1:${port}/` }),
  // Node has made a header of them before anybody can look.
  'user and password': () => ({ 'url.full': `http://127.0.0.1:${port}/` }),
  // Node has made it `PUT`, which is what is sent.
  'options alone': () => ({ 'http.request.method_original': undefined }),
  // The convention wants a name of low cardinality.
  'a method of its own': () => ({ name: 'HTTP' }),
  // The code says more than the class `Error`.
  'a connection that is cut': () => ({ 'error.type': 'ECONNRESET' }),
  'nobody listens': () => ({ 'error.type': 'ECONNREFUSED' }),
  'no such host': () => ({ 'error.type': 'ENOTFOUND' }),
};

/** What ours has beside theirs. */
const ADDED = [
  'http.request.body.size',
  'http.response.body.size',
  'spanstrap.connection.dns_ms',
  'spanstrap.connection.tcp_ms',
  'spanstrap.http.first_byte_ms',
];

const flat = ({ name, kind, status, attributes }: ReadableSpan): Record<string, unknown> => ({
  name,
  kind,
  status: status.code,
  message: status.message,
  ...attributes,
});

for (const [name, make] of Object.entries(REQUESTS)) {
  test(name, async () => {
    exporter.reset();
    ours.length = 0;
    await send(make);
    const [theirs, ...more] = exporter.getFinishedSpans();
    const [mine, ...others] = ours as unknown as ReadableSpan[];
    assert.deepEqual([more.length, others.length], [0, 0]);
    const expected = { ...flat(theirs!), ...DIFFERENT[name]?.() };
    const actual = flat(mine!);
    for (const [key, value] of Object.entries(expected)) assert.equal(actual[key], value, key);
    const unknown = Object.keys(actual).filter((key) => !(key in expected) && !ADDED.includes(key));
    // The connection was up before it was cut.
    assert.deepEqual(unknown, name === 'a connection that is cut' ? ['network.peer.address', 'network.peer.port'] : []);
  });
}

test('a connection that becomes another protocol’s, of which theirs tells nothing', async () => {
  ours.length = 0;
  const headers = { Connection: 'Upgrade', Upgrade: 'echo' };
  const request = http.request({ host: '127.0.0.1', port, headers }).end();
  request.on('upgrade', (_response, socket) => socket.resume().end());
  await once(request, 'close');
  const { attributes, ended, status } = ours[0] as unknown as ReadableSpan;
  assert.deepEqual(
    [ended, status.code, attributes['http.response.status_code'], attributes['network.peer.port']],
    [true, 0, 101, port],
  );
  assert.equal('spanstrap.http.is_aborted' in attributes, false);
});
