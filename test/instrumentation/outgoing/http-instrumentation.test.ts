import assert from 'node:assert/strict';
import http from 'node:http';
import { test } from 'node:test';
import { type SpanContext, SpanKind } from '@opentelemetry/api';
import { installOpenTelemetryApi } from '../../../instrumentation/opentelemetry/global-api.ts';
import { startHttpServer } from '../../support/http-server.ts';
import { findClosedPort } from '../../support/tcp-server.ts';
import { TracingUnderTest } from '../opentelemetry/tracing-under-test.ts';

const PARENT: SpanContext = { traceId: '65f1a2b30123456789abcdef01234567', spanId: '1'.repeat(16), traceFlags: 1 };
const tracing = new TracingUnderTest();
installOpenTelemetryApi({
  context: tracing.active,
  isRecording: () => true,
  loadProvider: () => tracing.sdk().provider,
  loadPropagator: () => tracing.sdk().propagator,
  report: (message) => assert.fail(message),
});
const originals = { request: http.request, get: http.get };
const traced = tracing.sdk().http.instrument('http', originals);

const call = (url: string, options: http.RequestOptions = {}): Promise<number> =>
  tracing.under(
    PARENT,
    () =>
      new Promise((resolve, reject) => {
        const request = traced.request(url, options, (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode!));
        });
        request.on('error', reject);
        request.end();
      }),
  );

test('a call is a CLIENT span under the one that is active, and takes the trace along', async (t) => {
  const server = await startHttpServer(t, (_request, response) => response.writeHead(404).end());
  assert.equal(await call(`http://127.0.0.1:${server.port}/orders?id=1`, { headers: { 'X-Mine': '1' } }), 404);
  const [span] = tracing.take();
  assert.equal(span?.kind, SpanKind.CLIENT);
  assert.equal(span?.parentSpanContext?.spanId, PARENT.spanId);
  assert.equal(span?.attributes['http.response.status_code'], 404);
  const { headers } = server.requests[0]!;
  const { spanId } = span!.spanContext();
  assert.equal(headers.traceparent, `00-${PARENT.traceId}-${spanId}-01`);
  assert.equal(
    headers['x-amzn-trace-id'],
    `Root=1-65f1a2b3-0123456789abcdef01234567;Parent=${spanId};Sampled=1;Lineage=1:a87bd80c:0`,
  );
  assert.equal(headers['x-mine'], '1');
});

test('a call that fails is a span with an error, and the error is the caller’s', async () => {
  const port = await findClosedPort();
  await assert.rejects(call(`http://127.0.0.1:${port}/`), { code: 'ECONNREFUSED' });
  const [span] = tracing.take();
  assert.equal(span?.status.code, 2);
});

test('the originals and the module stay as they are', () => {
  assert.equal(http.request, originals.request);
  assert.equal(http.get, originals.get);
  assert.notEqual(traced.request, originals.request);
  assert.throws(() => tracing.sdk().http.instrument('http2' as 'http', originals), /no instrumentation for http2/);
});
