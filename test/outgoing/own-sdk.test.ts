// Functions that start an OpenTelemetry SDK of their own: it works as if we were not there, its spans hang under our Invocation,
// and nothing is traced twice.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { FunctionUnderTest } from '../support/function-under-test.ts';
import { startFunction } from '../support/function-under-test.ts';
import { provideClientPackages } from './client-packages.ts';
import { type FunctionShape, shapesOf } from './function-shapes.ts';
import {
  callsOf,
  clientSpans,
  type Downstream,
  HEADER,
  invocationOf,
  startDownstream,
  startFunctionWith,
  TRACE_ID,
} from './outgoing-stand.ts';

const cleanUp: (() => unknown)[] = [];
const scope = { after: (work: () => unknown): void => void cleanUp.unshift(work) };
let packages: Awaited<ReturnType<typeof provideClientPackages>>;
let shapes: FunctionShape[] = [];
let downstream: Downstream;

before(async () => {
  downstream = await startDownstream(scope);
  packages = await provideClientPackages();
  if ('folder' in packages) {
    shapes = await shapesOf(fileURLToPath(new URL('functions/own-sdk.mjs', import.meta.url)), packages.folder);
  }
});
after(async () => {
  for (const work of cleanUp) await work();
});

type OwnSpan = {
  readonly name: string;
  readonly kind: number;
  readonly own?: boolean;
  readonly traceId: string;
  readonly spanId: string;
  readonly parent?: string;
};
type Result = { readonly spans: readonly OwnSpan[]; readonly carrier: Readonly<Record<string, string>> };

async function invoke(fn: FunctionUnderTest): Promise<Result> {
  downstream.received.length = 0;
  const result = (await fn.invoke({ url: downstream.url }, { traceHeader: HEADER })).json() as Result;
  assert.ok(Array.isArray(result.spans), `${JSON.stringify(result)} ${fn.emulator.logs.join('\n')}`);
  return result;
}

const NAMES = ['require', 'import', 'esbuild CJS', 'esbuild ESM', 'esbuild minified'];

for (const [index, name] of NAMES.entries()) {
  test(`a NodeSDK with instrumentations: ${name}`, async (t) => {
    if (!('folder' in packages)) return t.skip(packages.missing);
    const { file, isBundled } = shapes[index]!;
    await using fn = await startFunctionWith(isBundled ? undefined : packages.folder, {
      files: { [file[0]]: file[1] },
      timeoutMs: 20_000,
      environment: { INSTRUMENTED: 'true' },
    });
    const { spans } = await invoke(fn);
    const work = spans.find(({ own }) => own)!;
    assert.equal(work.name, 'own work');
    assert.equal(work.traceId, TRACE_ID);
    assert.equal(work.parent, invocationOf(fn).id, 'it joins our trace');
    const calls = spans.filter(({ kind }) => kind === 2);
    assert.deepEqual(
      calls.map(({ name: method }) => method),
      ['GET', 'GET'],
    );
    for (const { parent } of calls) assert.equal(parent, work.spanId);
    assert.deepEqual(clientSpans(fn), [], 'they are not traced a second time');
    assert.deepEqual(callsOf(fn), []);
    assert.equal(downstream.received.length, 2);
    for (const [at, { headers }] of downstream.received.entries()) {
      assert.equal(headers.traceparent, `00-${TRACE_ID}-${calls[at]!.spanId}-01`, 'one traceparent, and it is theirs');
      assert.match(
        String(headers['x-amzn-trace-id']),
        /^Root=[^;]*;Parent=[0-9a-f]{16};Sampled=1;Lineage=1:a87bd80c:0$/,
      );
    }
    assert.deepEqual(
      fn.otlp.spans
        .map((span) => span.name)
        .filter((one) => ['Invocation', 'Overhead', 'own work'].includes(one))
        .sort(),
      ['Invocation', 'Overhead'],
      'ours are the phases, theirs go where they send them',
    );
    assert.deepEqual(fn.emulator.logs, []);
  });
}

test('a NodeSDK without instrumentations: its spans are its own, the calls inside them are ours', async (t) => {
  if (!('folder' in packages)) return t.skip(packages.missing);
  const { file } = shapes[0]!;
  await using fn = await startFunctionWith(packages.folder, { files: { [file[0]]: file[1] }, timeoutMs: 20_000 });
  const { spans } = await invoke(fn);
  assert.deepEqual(
    spans.map(({ name }) => name),
    ['own work'],
  );
  const ours = clientSpans(fn);
  assert.deepEqual(
    ours.map(({ name, parentSpanId }) => [name, parentSpanId]),
    [
      ['GET', spans[0]!.spanId],
      ['GET', spans[0]!.spanId],
    ],
  );
  // X-Ray does not get the span that they hang under elsewhere.
  assert.deepEqual(
    callsOf(fn).map(({ id }) => id),
    ours.map(({ spanId }) => spanId),
  );
});

/** A provider registered by hand, with a given copy of the API; `api` and `sdk` are packages of this project or the clients'. */
const byHand = (api: string, sdk: string, className: string): string => `
  const api = require(${JSON.stringify(api)});
  const { ${className}: Provider, InMemorySpanExporter, SimpleSpanProcessor } = require(${JSON.stringify(sdk)});
  const exporter = new InMemorySpanExporter();
  const provider = new Provider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const isRegistered = api.trace.setGlobalTracerProvider(provider);
  exports.handler = async () => {
    api.trace.getTracer('own').startActiveSpan('own work', { attributes: { own: true } }, (span) => span.end());
    await provider.forceFlush();
    return {
      isRegistered,
      carrier: {},
      spans: exporter.getFinishedSpans().map((span) => ({ name: span.name, own: true, ...span.spanContext(), parent: span.parentSpanContext?.spanId ?? span.parentSpanId })),
    };
  };`;

const PROVIDERS: readonly (readonly [api: string, sdk: string, className: string])[] = [
  ['@opentelemetry/api', '@opentelemetry/sdk-trace-base', 'TracerProvider'],
  ['otel-api-1-9', '@opentelemetry/sdk-trace-base', 'TracerProvider'],
  ['otel-api-1-4', '@opentelemetry/sdk-trace-base', 'TracerProvider'],
  ['otel-api-1-0', '@opentelemetry/sdk-trace-base', 'TracerProvider'],
];

for (const [api, sdk, className] of PROVIDERS) {
  for (const shape of ['unbundled', 'bundled', 'minified'] as const) {
    test(`a provider of the user's own, registered with ${api}, ${shape}`, async () => {
      const source = byHand(api, sdk, className);
      const { outputFiles } = await build({
        stdin: { contents: source, resolveDir: import.meta.dirname, loader: 'js' },
        bundle: true,
        platform: 'node',
        format: 'cjs',
        minify: shape === 'minified',
        write: false,
      });
      await using fn = await startFunction({
        files: { 'index.js': shape === 'unbundled' ? source : outputFiles[0]!.text },
        packages: shape === 'unbundled' ? [api, sdk] : [],
      });
      const result = (await invoke(fn)) as Result & { isRegistered: boolean };
      assert.equal(result.isRegistered, true, fn.emulator.logs.join('\n'));
      assert.deepEqual(
        result.spans.map(({ name, parent }) => [name, parent]),
        [['own work', invocationOf(fn).id]],
      );
      assert.equal(
        fn.otlp.spans.some(({ name }) => name === 'own work'),
        false,
      );
      assert.deepEqual(fn.emulator.logs, []);
    });
  }
}

test('an SDK loaded with --require before us keeps its place', async (t) => {
  if (!('folder' in packages)) return t.skip(packages.missing);
  await using fn = await startFunctionWith(packages.folder, {
    files: {
      'first.cjs': `const { NodeSDK, tracing } = require('@opentelemetry/sdk-node');
        globalThis.exporter = new tracing.InMemorySpanExporter();
        new NodeSDK({ spanProcessors: [new tracing.SimpleSpanProcessor(globalThis.exporter)], instrumentations: [] }).start();`,
      'index.js': `const { trace } = require('@opentelemetry/api');
        exports.handler = async () => {
          trace.getTracer('own').startActiveSpan('own work', (span) => span.end());
          while (globalThis.exporter.getFinishedSpans().length === 0) await new Promise((resolve) => setImmediate(resolve));
          return { carrier: {}, spans: globalThis.exporter.getFinishedSpans().map((span) => ({ name: span.name, parent: span.parentSpanContext?.spanId })) };
        };`,
    },
    timeoutMs: 20_000,
    environment: { NODE_OPTIONS: '--require ./first.cjs' },
  });
  const { spans } = await invoke(fn);
  assert.deepEqual(spans, [{ name: 'own work', parent: invocationOf(fn).id }]);
});

test('a function that unregisters its SDK is without one, and one that registers another has that', async () => {
  await using fn = await startFunction({
    files: {
      'index.js': `const { trace } = require('@opentelemetry/api');
        const { TracerProvider } = require('@opentelemetry/sdk-trace-base');
        const results = [];
        results.push(trace.setGlobalTracerProvider(new TracerProvider()));
        results.push(trace.setGlobalTracerProvider(new TracerProvider()));
        trace.disable();
        results.push(trace.getTracer('x').startSpan('nothing').isRecording());
        results.push(trace.setGlobalTracerProvider(new TracerProvider()));
        results.push(trace.getTracer('x').startSpan('something').isRecording());
        exports.handler = async () => ({ results, carrier: {}, spans: [] });`,
    },
    packages: ['@opentelemetry/api', '@opentelemetry/sdk-trace-base'],
  });
  const { results } = (await invoke(fn)) as unknown as { results: boolean[] };
  assert.deepEqual(results, [true, false, false, true, true]);
});
