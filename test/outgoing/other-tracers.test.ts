// Functions that carry the tracer of another vendor: what it traces is its own and not doubled, what it leaves alone is ours, and
// the trace is handed on in both cases.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { provideClientPackages } from './client-packages.ts';
import { callsOf, clientSpans, type Downstream, HEADER, startDownstream, startFunctionWith } from './outgoing-stand.ts';

const cleanUp: (() => unknown)[] = [];
const scope = { after: (work: () => unknown): void => void cleanUp.unshift(work) };
let packages: Awaited<ReturnType<typeof provideClientPackages>>;
let downstream: Downstream;

before(async () => {
  downstream = await startDownstream(scope);
  packages = await provideClientPackages('other-tracers');
});
after(async () => {
  for (const work of cleanUp) await work();
});

const FUNCTION = readFileSync(new URL('functions/other-tracers.cjs', import.meta.url), 'utf8');

type Case = {
  readonly tracer: 'datadog' | 'sentry';
  readonly options?: object;
  /** Of the request, in which it hands its own trace on. */
  readonly header: string;
  readonly isTracedByIt: boolean;
};

const CASES: Readonly<Record<string, Case>> = {
  Datadog: { tracer: 'datadog', header: 'x-datadog-trace-id', isTracedByIt: true },
  Sentry: { tracer: 'sentry', options: { tracesSampleRate: 1 }, header: 'sentry-trace', isTracedByIt: true },
  'Sentry for errors alone': { tracer: 'sentry', header: 'sentry-trace', isTracedByIt: false },
  'Sentry that leaves OpenTelemetry to others': {
    tracer: 'sentry',
    options: { tracesSampleRate: 1, skipOpenTelemetrySetup: true },
    header: 'sentry-trace',
    isTracedByIt: false,
  },
};

for (const [name, { tracer, options = {}, header, isTracedByIt }] of Object.entries(CASES)) {
  test(name, async (t) => {
    if (!('folder' in packages)) return t.skip(packages.missing);
    await using fn = await startFunctionWith(packages.folder, {
      files: { 'index.js': FUNCTION },
      timeoutMs: 20_000,
      environment: { TRACER: tracer, TRACER_OPTIONS: JSON.stringify(options) },
    });
    // Twice: what is there from the first invocation must not lead the second astray.
    for (let at = 0; at < 2; at++) {
      fn.otlp.clear();
      fn.xray.clear();
      downstream.received.length = 0;
      const result = await fn.invoke({ url: downstream.url }, { traceHeader: HEADER });
      assert.equal(result.json(), 'done', fn.emulator.logs.join('\n'));
      const expected = isTracedByIt ? [] : ['GET', 'GET'];
      assert.deepEqual(
        clientSpans(fn).map((span) => span.name),
        expected,
      );
      assert.equal(callsOf(fn).length, expected.length);
      assert.equal(downstream.received.length, 2, 'what the tracer itself sends goes elsewhere');
      for (const { headers } of downstream.received) {
        assert.notEqual(headers[header], undefined, 'it is at work');
        assert.match(String(headers.traceparent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
        assert.match(
          String(headers['x-amzn-trace-id']),
          /^Root=1-65f1a2b3-0123456789abcdef01234567;Parent=[0-9a-f]{16};Sampled=1;Lineage=1:a87bd80c:0$/,
        );
      }
    }
  });
}

test('the headers of a tracer that is not there prove nothing', async () => {
  await using fn = await startFunctionWith(undefined, {
    files: {
      'index.mjs': `export const handler = async ({ url }) => {
        const headers = { 'x-datadog-trace-id': '1', 'sentry-trace': '4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1', b3: '1' };
        await (await fetch(url, { headers })).text();
      };`,
    },
  });
  await fn.invoke({ url: downstream.url }, { traceHeader: HEADER });
  assert.deepEqual(
    clientSpans(fn).map((span) => span.name),
    ['GET'],
  );
});
