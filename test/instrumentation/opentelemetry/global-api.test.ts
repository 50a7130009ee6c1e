import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  baggageEntryMetadataFromString,
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  metrics,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  trace,
} from '@opentelemetry/api';
import { TracerProvider } from '@opentelemetry/sdk-trace-base';
import { build } from 'esbuild';
import { findApiVersion } from '../../../instrumentation/opentelemetry/api-version.ts';
import {
  API_VERSION,
  installOpenTelemetryApi,
  SDK_VERSION,
} from '../../../instrumentation/opentelemetry/global-api.ts';
import { makeFolder } from '../../support/temporary-folder.ts';
import { TracingUnderTest, XRAY_HEADER } from './tracing-under-test.ts';

const require = createRequire(import.meta.url);
const versionOf = (name: string): string =>
  JSON.parse(readFileSync(new URL(`../../../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
const tracing = new TracingUnderTest();
let isRecording = true;
const globals = {
  context: tracing.active,
  isRecording: () => isRecording,
  loadProvider: () => tracing.sdk().provider,
  loadPropagator: () => tracing.sdk().propagator,
  findApiVersion,
  report: (message: string) => assert.fail(message),
};

const GLOBAL_KEY = Symbol.for('opentelemetry.js.api.1');
const holder = globalThis as { [GLOBAL_KEY]?: object };
const PARENT: SpanContext = { traceId: '65f1a2b30123456789abcdef01234567', spanId: '1'.repeat(16), traceFlags: 1 };

test('another tracer was there first: nothing is touched', () => {
  const manager = tracing.active;
  const other = { version: '1.9.0', trace: new TracerProvider(), context: manager };
  holder[GLOBAL_KEY] = other;
  const installed = installOpenTelemetryApi(globals);
  assert.equal(installed.hasForeignTracer(), true);
  assert.equal(installed.foreignContext(), manager);
  assert.equal(holder[GLOBAL_KEY], other);
  assert.deepEqual(Object.keys(other), ['version', 'trace', 'context']);
  delete holder[GLOBAL_KEY];
});

test('an SDK that cannot be loaded is told of once; user code goes on without it', () => {
  const reports: string[] = [];
  const fail = (): never => {
    throw new Error('no such bundle');
  };
  installOpenTelemetryApi({
    ...globals,
    loadProvider: fail,
    loadPropagator: fail,
    report: (text) => reports.push(text),
  });
  try {
    tracing.under(PARENT, () => {
      for (const name of ['a', 'b']) {
        const tracer = trace.getTracer(name);
        assert.deepEqual(tracer.startSpan('x').spanContext(), PARENT);
        assert.equal(
          tracer.startActiveSpan('y', (span) => span.isRecording()),
          false,
        );
      }
      const carrier = {};
      propagation.inject(context.active(), carrier);
      assert.deepEqual(carrier, {});
      assert.equal(propagation.extract(ROOT_CONTEXT, carrier), ROOT_CONTEXT);
      assert.deepEqual(propagation.fields(), []);
    });
  } finally {
    delete holder[GLOBAL_KEY];
  }
  assert.deepEqual(reports, ['OpenTelemetry could not be loaded, spans of user code are lost: Error: no such bundle']);
});

test('installed, and nothing is loaded for it', () => {
  const installed = installOpenTelemetryApi(globals);
  assert.equal(installed.hasForeignTracer(), false);
  assert.equal(installed.foreignContext(), undefined);
  const tracer = trace.getTracer('lazy', '1');
  trace.getTracerProvider();
  assert.equal(context.active().getValue(Symbol('x')), undefined);
  isRecording = false;
  tracer.startSpan('outside').end();
  tracer.startActiveSpan('outside', (span) => span.end());
  isRecording = true;
  assert.equal(tracing.loads, 0);
});

test('the versions told to the world: above every copy of the API, and that of the SDK', () => {
  const [major, minor] = versionOf('@opentelemetry/api').split('.').map(Number);
  const [ownMajor, ownMinor] = API_VERSION.split('.').map(Number);
  assert.equal(ownMajor, major);
  assert.ok(ownMinor! > minor!);
  assert.equal(SDK_VERSION, versionOf('@opentelemetry/sdk-trace-base'));
});

/** What of the API the user code below needs, in every version of it. */
type UserWork = (mark: string) => { seen: string[] };

/** Written once, for every module system: `api` is the namespace of a copy of the API. */
const USER_WORK = `
const tracer = api.trace.getTracer('user', '1.2.3');
const work = (mark) => {
  const seen = [];
  tracer.startActiveSpan('outer', { attributes: { mark } }, (outer) => {
    seen.push(outer.spanContext().spanId, api.trace.getSpan(api.context.active()).spanContext().spanId);
    const inner = tracer.startSpan('inner');
    inner.setAttribute('mark', mark);
    inner.setStatus({ code: api.SpanStatusCode.ERROR, message: 'on purpose' });
    inner.recordException(new RangeError('on purpose'));
    inner.addEvent('event', { a: 1 });
    inner.end();
    const key = api.createContextKey('mine');
    api.context.with(api.context.active().setValue(key, mark), () => {
      seen.push(api.context.active().getValue(key));
      tracer.startSpan('rooted', { root: true }).end();
    });
    const carrier = {};
    api.propagation.inject(api.context.active(), carrier);
    seen.push(carrier.traceparent);
    outer.end();
  });
  return { seen };
};
`;

function check(work: UserWork, mark: string): void {
  tracing.take();
  const { seen } = tracing.under(PARENT, () => work(mark));
  const [inner, rooted, outer] = tracing.take();
  assert.deepEqual([inner?.name, rooted?.name, outer?.name], ['inner', 'rooted', 'outer'], mark);
  assert.equal(outer?.attributes.mark, mark);
  assert.deepEqual(outer?.instrumentationScope, { name: 'user', version: '1.2.3', schemaUrl: undefined });
  assert.equal(outer?.resource, tracing.resource);
  const outerIds = outer!.spanContext();
  assert.equal(outerIds.traceId, PARENT.traceId);
  assert.equal(outer?.parentSpanContext?.spanId, PARENT.spanId);
  assert.equal(inner?.parentSpanContext?.spanId, outerIds.spanId);
  assert.equal(rooted?.parentSpanContext, undefined);
  assert.notEqual(rooted?.spanContext().traceId, PARENT.traceId);
  assert.deepEqual(inner?.status, { code: 2, message: 'on purpose' });
  assert.deepEqual(
    inner?.events.map(({ name }) => name),
    ['exception', 'event'],
  );
  const traceparent = `00-${outerIds.traceId}-${outerIds.spanId}-01`;
  assert.deepEqual(seen, [outerIds.spanId, outerIds.spanId, mark, traceparent]);
}

const copies = [
  ['@opentelemetry/api', '1.10'],
  ['otel-api-1-9', '1.9'],
  ['otel-api-1-4', '1.4'],
  ['otel-api-1-0', '1.0'],
] as const;

for (const [name, line] of copies) {
  const installed = versionOf(name);
  // The name is resolved from here, wherever the user's file lies.
  const path = require.resolve(name);

  test(`user code with the API ${installed}, CommonJS`, (t) => {
    assert.ok(installed.startsWith(`${line}.`));
    const folder = makeFolder(t, {
      'user.cjs': `const api = require(${JSON.stringify(path)}); ${USER_WORK} exports.work = work;`,
    });
    check(require(`${folder}/user.cjs`).work, `${name} required`);
  });

  test(`user code with the API ${installed}, as an ES module`, async (t) => {
    const url = JSON.stringify(pathToFileURL(path).href);
    const folder = makeFolder(t, {
      'user.mjs': `import * as namespace from ${url};
        const api = namespace.trace ? namespace : namespace.default;
        ${USER_WORK} export { work };`,
    });
    const { work } = await import(pathToFileURL(`${folder}/user.mjs`).href);
    check(work, `${name} imported`);
  });

  for (const format of ['cjs', 'esm'] as const) {
    test(`user code with the API ${installed} bundled by esbuild, ${format}`, async (t) => {
      const { outputFiles } = await build({
        stdin: {
          contents: `import * as api from ${JSON.stringify(name)}; ${USER_WORK} export { work };`,
          resolveDir: import.meta.dirname,
        },
        bundle: true,
        write: false,
        format,
        platform: 'node',
      });
      const file = `user.${format === 'cjs' ? 'cjs' : 'mjs'}`;
      const folder = makeFolder(t, { [file]: outputFiles[0]!.text });
      const { work } = await import(pathToFileURL(`${folder}/${file}`).href);
      check(work, `${name} bundled as ${format}`);
    });
  }
}

test('the SDK was loaded once for all of them', () => {
  assert.equal(tracing.loads, 1);
});

test('startActiveSpan in all its forms, with its result and its errors', () => {
  const tracer = trace.getTracer('forms');
  const other = trace.setSpanContext(ROOT_CONTEXT, { ...PARENT, spanId: '7'.repeat(16) });
  tracing.under(PARENT, () => {
    tracing.take();
    assert.equal(
      tracer.startActiveSpan('a', (span) => [span.end(), 'result'][1]),
      'result',
    );
    tracer.startActiveSpan('b', { kind: 2 }, (span) => span.end());
    tracer.startActiveSpan('c', {}, other, (span) => {
      assert.equal(trace.getActiveSpan(), span);
      span.end();
    });
    assert.throws(
      () =>
        tracer.startActiveSpan('d', (span) => {
          span.end();
          throw new RangeError('mine');
        }),
      RangeError,
    );
    assert.equal(trace.getActiveSpan()?.spanContext().spanId, PARENT.spanId);
  });
  const spans = tracing.take();
  assert.deepEqual(
    spans.map(({ name, kind, parentSpanContext }) => [name, kind, parentSpanContext?.spanId[0]]),
    [
      ['a', 0, '1'],
      ['b', 2, '1'],
      ['c', 0, '7'],
      ['d', 0, '1'],
    ],
  );
});

test('startActiveSpan as code without types calls it: as the SDK takes it', () => {
  type Loose = { startActiveSpan(...args: unknown[]): unknown };
  const official = new TracerProvider().getTracer('oracle') as unknown as Loose;
  const tracer = trace.getTracer('loose') as unknown as Loose;
  tracing.under(PARENT, () => {
    for (const one of [official, tracer]) {
      assert.equal(one.startActiveSpan('nothing to do'), undefined);
      assert.equal(
        one.startActiveSpan('no context', {}, null, (span: Span) => [span.end(), 'result'][1]),
        'result',
      );
    }
  });
  assert.deepEqual(
    tracing.take().map(({ name, parentSpanContext }) => [name, parentSpanContext?.spanId]),
    [['no context', PARENT.spanId]],
  );
});

test('where nothing is recorded, a span carries the ids of its parent on and records nothing', () => {
  const tracer = trace.getTracer('unrecorded');
  tracing.take();
  isRecording = false;
  try {
    tracing.under(PARENT, () => {
      const span = tracer.startSpan('x');
      assert.equal(span.isRecording(), false);
      assert.deepEqual(span.spanContext(), PARENT);
      tracer.startActiveSpan('y', (active) => {
        assert.deepEqual(trace.getActiveSpan()?.spanContext(), PARENT);
        active.end();
      });
      const given = trace.setSpanContext(ROOT_CONTEXT, { ...PARENT, spanId: '9'.repeat(16) });
      assert.equal(tracer.startSpan('z', {}, given).spanContext().spanId, '9'.repeat(16));
    });
    const orphan = tracer.startSpan('x').spanContext();
    assert.deepEqual({ ...orphan }, INVALID_SPAN_CONTEXT);
    assert.equal(isSpanContextValid(orphan), false);
  } finally {
    isRecording = true;
  }
  assert.deepEqual(tracing.take(), []);
});

test('a tracer from before is good when recording begins', () => {
  isRecording = false;
  const tracer = trace.getTracerProvider().getTracer('early', '2', { schemaUrl: 'https://example.com/schema' });
  tracer.startSpan('lost').end();
  isRecording = true;
  tracing.under(PARENT, () => tracer.startSpan('kept').end());
  const [span] = tracing.take();
  assert.equal(span?.name, 'kept');
  assert.deepEqual(span?.instrumentationScope, {
    name: 'early',
    version: '2',
    schemaUrl: 'https://example.com/schema',
  });
});

test('what older copies ask of a proxy is there', () => {
  const provider = trace.getTracerProvider() as unknown as {
    getDelegate(): unknown;
    getDelegateTracer(name: string): { startSpan(name: string): { end(): void } };
  };
  assert.equal(provider.getDelegate(), provider);
  tracing.under(PARENT, () => provider.getDelegateTracer('old').startSpan('x').end());
  assert.equal(tracing.take()[0]?.instrumentationScope.name, 'old');
});

test('propagation: W3C, baggage and X-Ray out; W3C and baggage in', () => {
  assert.deepEqual(propagation.fields().toSorted(), ['X-Amzn-Trace-Id', 'baggage', 'traceparent', 'tracestate']);
  const carrier: Record<string, string> = {};
  tracing.under(PARENT, () => {
    const bag = propagation.createBaggage({
      tier: { value: 'gold', metadata: baggageEntryMetadataFromString('a=b') },
    });
    propagation.inject(propagation.setBaggage(context.active(), bag), carrier, defaultTextMapSetter);
  });
  assert.deepEqual(carrier, {
    traceparent: `00-${PARENT.traceId}-${PARENT.spanId}-01`,
    baggage: 'tier=gold;a=b',
    'X-Amzn-Trace-Id': XRAY_HEADER.replace('53995c3f42cd8ad8', PARENT.spanId),
  });
  const extracted = propagation.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
  assert.deepEqual(trace.getSpanContext(extracted), { ...PARENT, isRemote: true });
  assert.equal(propagation.getBaggage(extracted)?.getEntry('tier')?.value, 'gold');
});

test('metrics stay what they are without an SDK', () => {
  metrics.getMeter('user').createCounter('c').add(1);
});
