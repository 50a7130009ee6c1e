// The `configure*` functions of OpenTelemetry's Lambda layer, put there by a file that NODE_OPTIONS names.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OtlpSink } from '../../local/sinks/otlp-sink.ts';
import { type FunctionOptions, type FunctionUnderTest, startFunction } from '../support/function-under-test.ts';
import { provideClientPackages } from './client-packages.ts';
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
let downstream: Downstream;
const users = new OtlpSink();

before(async () => {
  downstream = await startDownstream(scope);
  await users.open();
  scope.after(() => users.close());
});
after(async () => {
  for (const work of cleanUp) await work();
});

const PACKAGES = [
  '@opentelemetry/api',
  '@opentelemetry/core',
  '@opentelemetry/sdk-trace-base',
  '@opentelemetry/exporter-trace-otlp-proto',
  '@opentelemetry/propagator-b3',
];

const HANDLER = `
  const { get } = require('node:http');
  const { trace } = require('@opentelemetry/api');
  exports.handler = (event) => trace.getTracer('own').startActiveSpan('own work', async (span) => {
    await new Promise((resolve, reject) => get(event.url, (response) => response.resume().on('end', resolve)).on('error', reject));
    span.end();
    return 'done';
  });`;

const options = (hooks: string, more: Partial<FunctionOptions> = {}): FunctionOptions => ({
  files: { 'hooks.cjs': hooks, 'index.js': HANDLER },
  packages: PACKAGES,
  timeoutMs: 20_000,
  ...more,
  environment: { NODE_OPTIONS: '--require ./hooks.cjs', USERS_URL: `${users.url}/v1/traces`, ...more.environment },
});

async function invoke(fn: FunctionUnderTest, event: object = {}): Promise<void> {
  users.clear();
  fn.otlp.clear();
  downstream.received.length = 0;
  const result = await fn.invoke({ url: downstream.url, ...event }, { traceHeader: HEADER });
  assert.equal(result.json(), 'done', fn.emulator.logs.join('\n'));
}

const NAMES = ['GET', 'Invocation', 'Overhead', 'own work', 'test-function'];
const namesOf = (spans: readonly { readonly name: string }[]): string[] =>
  spans
    .map(({ name }) => name)
    .filter((name) => NAMES.includes(name))
    .sort();

const OWN_EXPORT = `
  const { BatchSpanProcessor } = require('@opentelemetry/sdk-trace-base');
  const { OTLPTraceExporter } = require('@opentelemetry/exporter-trace-otlp-proto');
  globalThis.configureTracerProvider = (provider) => {
    provider.addSpanProcessor(new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: process.env.USERS_URL }) }));
  };`;

test('a processor of the user’s own gets every span, flushed before the environment is frozen, and sends untraced', async () => {
  await using fn = await startFunction(options(OWN_EXPORT));
  await invoke(fn);
  assert.deepEqual(namesOf(users.spans), NAMES);
  assert.deepEqual(namesOf(fn.otlp.spans), NAMES, 'ours goes on');
  assert.equal(new Set(users.spans.map(({ traceId }) => traceId)).size, 1);
  assert.equal(clientSpans(fn).length, 1, 'what it sends is nobody’s span');
  assert.equal(callsOf(fn).length, 1);
  const byName = new Map(users.spans.map((span) => [span.name, span]));
  for (const span of fn.otlp.spans) assert.equal(byName.get(span.name)?.spanId, span.spanId, span.name);
  assert.deepEqual(fn.emulator.logs, []);
});

test('with OTEL_TRACES_EXPORTER=none it is the only one', async () => {
  await using fn = await startFunction(options(OWN_EXPORT, { environment: { OTEL_TRACES_EXPORTER: 'none' } }));
  await invoke(fn);
  assert.deepEqual(namesOf(users.spans), NAMES);
  assert.deepEqual([fn.otlp.spans.length, fn.xray.documents.length], [0, 0]);
});

test('it may change spans when they start, and sees none that the sampler does not want', async () => {
  const hooks = `
    const seen = globalThis.seen = [];
    globalThis.configureTracer = (config) => ({
      ...config,
      resource: config.resource.merge({ attributes: { 'service.namespace': 'shop' } }),
      sampler: { shouldSample: (context, traceId) => ({ decision: globalThis.isWanted(traceId) ? 2 : 0 }), toString: () => 'x' },
      spanProcessors: [{
        onStart(span, parent) { span.setAttribute('tenant', 'blue'); seen.push('start ' + span.name); },
        onEnd(span) { seen.push('end ' + span.name); },
        forceFlush: async () => {}, shutdown: async () => {},
      }],
    });
    globalThis.isWanted = () => process.env.IS_WANTED === 'true';`;
  const report = `exports.handler = async (event) => {
      const seen = globalThis.seen.splice(0);
      require('@opentelemetry/api').trace.getTracer('own').startSpan('own work').end();
      return event.ask ? seen : 'done';
    };`;
  for (const isWanted of ['true', 'false']) {
    await using fn = await startFunction({
      ...options(hooks, { environment: { IS_WANTED: isWanted } }),
      files: { 'hooks.cjs': hooks, 'index.js': report },
    });
    await invoke(fn);
    const expected = isWanted === 'true' ? ['Invocation', 'Overhead', 'own work', 'test-function'] : [];
    assert.deepEqual(namesOf(fn.otlp.spans), expected);
    // What is drawn afterwards has ended when they see it.
    const begun = fn.otlp.spans.filter(({ name }) => NAMES.includes(name) && name !== 'Overhead');
    for (const span of begun) assert.equal(span.flat.tenant, 'blue', span.name);
    const resources = fn.otlp.spans.map(({ resource }) => resource['service.namespace']);
    assert.ok(resources.every((name) => name === 'shop'));
    const seen = (await fn.invoke({ ask: true }, { traceHeader: HEADER })).json() as string[];
    const first = seen.filter((entry) => NAMES.includes(entry.replace(/^(start|end) /, '')));
    // What the first did after its handler had begun, and what the second did before.
    const of = (verb: string) =>
      first.filter((entry) => entry.startsWith(verb)).map((entry) => entry.slice(verb.length + 1));
    assert.deepEqual(of('end').sort(), expected);
    assert.deepEqual(of('start').sort(), expected);
  }
});

test('ids and limits of the user’s own are those of his spans', async () => {
  const hooks = `
    let last = 0;
    globalThis.configureTracer = (config) => ({
      ...config,
      idGenerator: { generateSpanId: () => (++last).toString(16).padStart(16, 'a'), generateTraceId: () => 'b'.repeat(32) },
      spanLimits: { attributeCountLimit: 2 },
    });`;
  const handler = `const { trace } = require('@opentelemetry/api');
    exports.handler = async () => {
      trace.getTracer('own').startSpan('own work', { attributes: { a: 1, b: 2, c: 3 } }).end();
      return 'done';
    };`;
  await using fn = await startFunction({ ...options(hooks), files: { 'hooks.cjs': hooks, 'index.js': handler } });
  await invoke(fn);
  const { spanId, traceId, flat } = fn.otlp.spans.find(({ name }) => name === 'own work')!;
  assert.deepEqual([spanId, traceId], ['aaaaaaaaaaaaaaa1', TRACE_ID]);
  assert.deepEqual([flat.a, flat.b, flat.c], [1, 2, undefined]);
});

test('a propagator of the user’s own reads and writes instead of W3C’s; Lambda’s header is handed on as ever', async () => {
  const hooks = `
    const { B3Propagator } = require('@opentelemetry/propagator-b3');
    globalThis.configureSdkRegistration = (config) => ({ ...config, propagator: new B3Propagator(), contextManager: {} });`;
  await using fn = await startFunction(options(hooks));
  const caller = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
  await invoke(fn, { headers: { B3: `${caller.traceId}-${caller.spanId}-1` } });
  const [request] = downstream.received;
  const [call] = clientSpans(fn);
  assert.equal(call!.traceId, caller.traceId);
  assert.equal(request!.headers.b3, `${caller.traceId}-${call!.spanId}-1`);
  assert.equal(request!.headers.traceparent, undefined);
  assert.match(
    String(request!.headers['x-amzn-trace-id']),
    /^Root=[^;]*;Parent=[0-9a-f]{16};Sampled=1;Lineage=1:a87bd80c:0$/,
  );
  assert.match(fn.emulator.logs.join('\n'), /contextManager of configureSdkRegistration is not used/);
});

test('an AWS X-Ray propagator does not replace Lambda’s header', async () => {
  const hooks = `globalThis.configureSdkRegistration = () => ({ propagator: {
      inject(context, carrier, setter) { setter.set(carrier, 'X-Amzn-Trace-Id', 'Root=1-00000000-0;Sampled=1'); setter.set(carrier, 'x-mine', 'mine'); },
      extract: (context) => context, fields: () => [],
    } });`;
  await using fn = await startFunction(options(hooks));
  await invoke(fn);
  assert.match(String(downstream.received[0]!.headers['x-amzn-trace-id']), /;Lineage=1:a87bd80c:0$/);
  assert.equal(downstream.received[0]!.headers['x-mine'], 'mine');
  assert.equal(clientSpans(fn)[0]!.traceId, TRACE_ID);
});

test('hooks of the invocation see its span, its event and its result', async () => {
  const hooks = `globalThis.configureLambdaInstrumentation = (config) => ({
      ...config,
      eventContextExtractor: (event) => ({ traceId: event.trace, spanId: event.span, traceFlags: 1 }),
      requestHook: (span, { event, context }) => { span.setAttribute('order', event.order); span.setAttribute('request', context.awsRequestId); },
      responseHook: (span, { err, res }) => { span.setAttribute('result', res ?? err.message); },
    });`;
  await using fn = await startFunction(options(hooks));
  const [trace, span] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
  await invoke(fn, { order: 7, trace, span });
  const server = fn.otlp.spans.find(({ name }) => name === 'test-function')!;
  assert.deepEqual([server.flat.order, server.flat.result, server.parentSpanId], [7, 'done', span]);
  assert.equal(server.flat.request, server.flat['faas.invocation_id']);
});

test('instrumentations of the user’s own get our provider, and take the place of ours', async (t) => {
  const packages = await provideClientPackages();
  if (!('folder' in packages)) return t.skip(packages.missing);
  const hooks = `
    const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
    globalThis.configureInstrumentations = () => [new HttpInstrumentation({ requestHook: (span) => span.setAttribute('mine', true) })];`;
  await using fn = await startFunctionWith(packages.folder, options(hooks, { packages: [] }));
  await invoke(fn);
  assert.deepEqual(
    clientSpans(fn).map(({ name, flat }) => [name, flat.mine]),
    [['GET', true]],
  );
});

test('hooks that throw, and those without effect, cost a line each and nothing else', async () => {
  const names = ['Tracer', 'TracerProvider', 'SdkRegistration', 'Instrumentations', 'LambdaInstrumentation'];
  const hooks = `for (const name of ${JSON.stringify(names)}) globalThis['configure' + name] = () => { throw new Error('broken ' + name); };
    globalThis.configureAwsInstrumentation = (config) => config;`;
  await using fn = await startFunction(options(hooks));
  await invoke(fn);
  assert.deepEqual(namesOf(fn.otlp.spans), NAMES);
  const logs = fn.emulator.logs.join('\n');
  for (const name of names)
    assert.match(logs, new RegExp(`configure${name} failed, as if it were not there: Error: broken ${name}`));
  assert.match(logs, /configureAwsInstrumentation has no effect/);
});

test('a processor that never comes to an end holds the environment for the time of a flush only', async () => {
  const hooks = `globalThis.configureTracerProvider = (provider) => provider.addSpanProcessor({
      onStart() { throw new Error('in onStart'); }, onEnd() {}, forceFlush: () => new Promise(() => {}), shutdown: async () => {},
    });`;
  await using fn = await startFunction(options(hooks, { environment: { SPANSTRAP_FLUSH_TIMEOUT: '50' } }));
  await invoke(fn);
  assert.deepEqual(namesOf(fn.otlp.spans), NAMES);
  assert.match(fn.emulator.logs.join('\n'), /a span processor failed: Error: in onStart/);
  assert.match(fn.emulator.logs.join('\n'), /a span processor was not done with its flush after 50 ms/);
});
